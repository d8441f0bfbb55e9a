"""Filters of a list, typed in a browser: each of them reacts, not the first alone."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e import browser as browsing
from tests.e2e.filled import Filled


@pytest.mark.parametrize("label", ["Name", "Namespace", "Project"])
def test_typing_in_each_text_filter_asks_the_list_again(filled: Filled, browser: Browser, label: str) -> None:
    with browsing.window(browser, filled.address, session=filled.session) as visit:
        visit.open("/inventory/pods/")
        visit.page.get_by_role("search").get_by_label(label, exact=True).press_sequentially("nowhere")
        expect(visit.page).to_have_url(re.compile(f"{label.lower()}=nowhere"))
