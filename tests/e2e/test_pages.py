"""Every page of the filled demo, in a real browser: light and dark, wide and narrow.

Each is judged (accessibility, sideways scroll, errors in the console, other hosts) and kept as pictures in
tests/e2e/pictures/. `OVERVIEW=1 make e2e` also makes the picture of the README anew.
"""

import contextlib
import os
import re
from pathlib import Path

import pytest
from playwright import sync_api as playwright
from playwright.sync_api import Browser, Page, expect

from portal.core import data_folder
from tests.e2e import axe, pages
from tests.e2e import browser as browsing
from tests.e2e.browser import HEIGHTS, NARROW, NARROWEST, PICTURES, WIDE
from tests.e2e.filled import Filled
from tests.e2e.pages import Address

OVERVIEW = data_folder.CHECKOUT / "docs" / "img" / "overview.png"
# A page in full may be very long; what is below is more of the same.
TALLEST = 2400


def test_every_address_is_looked_at_or_says_why_not() -> None:
    known = {*pages.PLAIN, *pages.filled(), *pages.NOT_PAGES}
    assert pages.names() == known


@pytest.mark.slow
def test_every_page_in_light_and_dark_wide_and_narrow(filled: Filled, browser: Browser) -> None:
    axe.demand()
    problems: list[str] = []
    with browsing.window(browser, filled.address, session=filled.session) as visit:
        for address in filled.pages:
            if address.name == "accounts:sign_in":
                continue
            visit.open(address.path)
            assert visit.page.url == visit.address + address.path, "led elsewhere, as when the session has ended"
            visit.page.wait_for_timeout(50)
            problems += _judged(visit.page, address)
            problems += [f"{address.name}: {problem}" for problem in visit.problems]
            visit.problems.clear()
    with browsing.window(browser, filled.address) as visit:
        visit.open("/sign-in/")
        problems += _judged(visit.page, Address("accounts:sign_in", "/sign-in/"))
    assert not problems, "\n".join(problems)


@pytest.mark.slow
@pytest.mark.parametrize("who", ["owner", "member", "finance"])
def test_every_page_as_somebody_with_fewer_rights(filled: Filled, browser: Browser, who: str) -> None:
    """Each page that the person may see; the others answer with the one page of what is not there."""
    axe.demand()
    problems: list[str] = []
    seen, hidden = set(), set()
    with browsing.window(browser, filled.address, session=getattr(filled, who)) as visit, visit.expecting(404):
        for address in filled.pages:
            if address.name == "accounts:sign_in":
                continue
            status = visit.open(address.path).status
            assert "/sign-in/" not in visit.page.url
            if status == 404:
                hidden.add(address.name)
                if len(hidden) > 1:
                    continue
            else:
                seen.add(address.name)
            visit.page.set_viewport_size({"width": WIDE, "height": HEIGHTS[WIDE]})
            problems += [f"{address.name}: {found}" for found in axe.findings(visit.page)]
            visit.page.set_viewport_size({"width": NARROWEST, "height": HEIGHTS[NARROWEST]})
            problems += _sideways(visit.page, address, NARROWEST)
    assert not problems, "\n".join(problems)
    assert {"home:home", "accounts:profile", "tokens:own", "requests:own", "projects:projects"} <= seen
    assert {"accounts:people", "accounts:providers", "explorer:never_used", "home:jobs"} <= hidden
    assert ("accounts:bindings" in seen) is False
    assert ("pricing:books" in seen) == (who == "finance")
    assert ("requests:waiting" in seen) == (who != "finance")


def _judged(page: Page, address: Address) -> list[str]:
    """Look at a page in both themes and all widths; returns what is wrong."""
    assert "Paddock" in page.title()
    _resize(page, WIDE)
    page.emulate_media(color_scheme="light")
    problems = [f"{address.name} light: {found}" for found in axe.findings(page)]
    _picture(page, f"{address.name}-light-{WIDE}")
    page.emulate_media(color_scheme="dark")
    problems += [f"{address.name} dark: {found}" for found in axe.findings(page, rules=axe.COLOURS)]
    _picture(page, f"{address.name}-dark-{WIDE}")
    _resize(page, NARROW)
    problems += _sideways(page, address, NARROW)
    _picture(page, f"{address.name}-dark-{NARROW}")
    page.emulate_media(color_scheme="light")
    _picture(page, f"{address.name}-light-{NARROW}")
    _resize(page, NARROWEST)
    problems += _sideways(page, address, NARROWEST)
    return problems


def _resize(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": HEIGHTS[width]})


def _sideways(page: Page, address: Address, width: int) -> list[str]:
    fits = f"document.documentElement.scrollWidth <= {width}"
    with contextlib.suppress(playwright.TimeoutError):
        # A chart follows the new width a frame later.
        page.wait_for_function(f"() => {fits}", timeout=1000)
        return []
    needed = page.evaluate("document.documentElement.scrollWidth")
    widest = page.evaluate(
        """width => [...document.querySelectorAll("main *")]
            .filter(one => one.getBoundingClientRect().right > width && !one.closest(".pd-scroll"))
            .slice(0, 3).map(one => one.outerHTML.slice(0, 120))""",
        width,
    )
    return [f"{address.name} at {width}: {needed} pixels wide because of {widest}"]


def _picture(page: Page, name: str, folder: Path = PICTURES) -> None:
    size = page.viewport_size
    assert size is not None
    height = min(int(page.evaluate("document.documentElement.scrollHeight")), TALLEST)
    file = folder / f"{re.sub('[^a-z0-9-]+', '-', name)}.png"
    page.screenshot(path=file, full_page=True, clip={"x": 0, "y": 0, "width": size["width"], "height": height})


def test_the_picture_of_the_readme(filled: Filled, browser: Browser) -> None:
    with browsing.window(browser, filled.address, session=filled.session) as visit:
        visit.open("/costs/")
        expect(visit.page.locator("svg rect").first).to_be_attached()
        visit.page.wait_for_timeout(500)
        folder = OVERVIEW.parent if os.environ.get("OVERVIEW") == "1" else PICTURES
        folder.mkdir(parents=True, exist_ok=True)
        visit.page.screenshot(path=folder / OVERVIEW.name)
