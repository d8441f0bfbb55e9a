"""Somebody at the pages whose clicks are counted. Typing does not count."""

import re

from playwright.sync_api import Locator, expect

from tests.e2e.browser import Visit


class Person:
    """Begins at the home page."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.page = visit.page
        self.clicks = 0
        visit.open("/")

    def click(self, what: Locator) -> None:
        self.clicks += 1
        what.click()
        self.visit.settle()

    def go(self, name: str) -> None:
        """Choose a place of the navigation."""
        self.click(self.page.get_by_role("navigation", name="Main").get_by_role("link", name=name, exact=True))

    def sees(self, heading: str) -> None:
        expect(self.page.get_by_role("heading", level=1, name=re.compile(heading))).to_be_visible()
