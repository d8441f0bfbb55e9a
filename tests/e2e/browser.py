"""Chromium, and pages that watch themselves.

A page fails its test when the browser's console shows an error, when the content security policy was broken, when a
request goes to another host, when a script throws, or when the server answers with an error the test did not expect.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright import sync_api as playwright
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response

PICTURES = Path(__file__).with_name("pictures")
NAMES = ("chromium", "chromium-browser", "google-chrome")
REMEDY = "no chromium: as root on Debian, apt-get install --no-install-recommends chromium"
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
ROOT_FLAGS = ("--no-sandbox",)
WIDE, NARROW, NARROWEST = 1280, 390, 320
HEIGHTS = {WIDE: 900, NARROW: 844, NARROWEST: 640}


def program() -> str:
    """Return the path of the system's chromium; without one the test is skipped, with CI=true it fails."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail(REMEDY, pytrace=False)
        pytest.skip(REMEDY)
    return found


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser, once for all tests of a folder."""
    flags = [*FLAGS, *(ROOT_FLAGS if os.geteuid() == 0 else ())]
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program(), args=flags)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visit:
    """One person's window: a page, where the portal is, and what went wrong in it so far."""

    page: Page
    address: str
    # Other hosts it may go to, as host:port.
    hosts: tuple[str, ...] = ()
    problems: list[str] = field(default_factory=list)
    _expected: set[int] = field(default_factory=set)

    def watch(self) -> None:
        """Note from now on whatever must not happen."""
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        self.page.on("request", self._request)
        self.page.on("response", self._response)

    def open(self, path: str) -> Response:
        """Go to an address of the portal and wait until its fragments are there."""
        response = self.page.goto(self.address + path)
        assert response is not None
        self.settle()
        return response

    def settle(self) -> None:
        """Wait until what the page loads by itself has arrived; what polls is no reason to wait."""
        self.page.wait_for_load_state("load")
        self.page.wait_for_function("() => !document.querySelector('.htmx-request, [hx-trigger=load] > .pd-skeleton')")

    @contextlib.contextmanager
    def expecting(self, *statuses: int) -> Iterator[None]:
        """Accept answers with these codes inside the block."""
        before, self._expected = self._expected, self._expected | set(statuses)
        try:
            yield
        finally:
            self.settle()
            self._expected = before

    def fine(self) -> None:
        """Fail with everything that went wrong so far."""
        assert not self.problems, "\n".join([f"at {self.page.url}", *self.problems])

    def tell(self, error: Exception) -> None:
        """Add to a failure what is seen on the page, as a picture, and what went wrong in it before."""
        picture = PICTURES / "failure.png"
        with contextlib.suppress(playwright.Error):
            self.page.screenshot(path=picture, full_page=True)
            error.add_note(f"at {self.page.url}; the page: {picture}")
        error.add_note("\n".join(self.problems))

    def _console(self, message: ConsoleMessage) -> None:
        # An answer that is an error is told here too; `_response` judges it.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.problems.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        asked = urlsplit(request.url)
        if asked.scheme not in ("data", "blob") and asked.netloc not in {urlsplit(self.address).netloc, *self.hosts}:
            self.problems.append(f"another host: {request.url}")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self._expected:
            self.problems.append(f"{response.status}: {response.request.method} {response.url}")


@contextlib.contextmanager
def window(
    browser: Browser,
    address: str,
    *,
    width: int = WIDE,
    dark: bool = False,
    session: str | None = None,
    hosts: tuple[str, ...] = (),
) -> Iterator[Visit]:
    """Open a window of its own cookies; `session` is a file in which somebody is signed in. Judges it at its end."""
    context: BrowserContext = browser.new_context(
        viewport={"width": width, "height": HEIGHTS[width]},
        color_scheme="dark" if dark else "light",
        storage_state=session,
        accept_downloads=True,
        reduced_motion="reduce",
        # The fakes elsewhere are under an authority of their own.
        ignore_https_errors=bool(hosts),
        locale="en-GB",
        timezone_id="UTC",
    )
    context.set_default_timeout(15_000)
    visit = Visit(context.new_page(), address, hosts)
    visit.watch()
    try:
        yield visit
        visit.fine()
    except Exception as error:
        visit.tell(error)
        raise
    finally:
        context.close()
