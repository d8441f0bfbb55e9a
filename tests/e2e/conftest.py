"""One browser for all end-to-end tests.

The browser's driver runs its own event loop in this thread, which Django takes for asynchronous code: hence the
variable. Fixtures end with the folder, so that no other test meets that loop.
"""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from pytest_django.plugin import DjangoDbBlocker

from portal.local import folders
from tests.e2e import browser as browsing
from tests.e2e import elsewhere
from tests.e2e import filled as filling
from tests.e2e.filled import Filled
from tests.e2e.fixtures import installed, paddock, templates
from tests.e2e.installation import Installation, Templates

__all__ = ["browser", "installed", "paddock", "templates"]

os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs chromium, and keep it on one worker."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The system's chromium; skips, or fails with CI=true, where there is none."""
    with browsing.chromium() as found:
        yield found


@pytest.fixture(scope="package")
def filled(templates: Templates, browser: Browser, django_db_blocker: DjangoDbBlocker) -> Iterator[Filled]:
    """The demo and three providers, loaded once for every test that looks at pages and changes little."""
    with (
        elsewhere.running() as providers,
        folders.temporary() as folder,
        Installation(templates, folder, providers.environ()) as made,
        django_db_blocker.unblock(),
    ):
        yield filling.fill(made, browser, providers)
