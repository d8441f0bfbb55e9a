"""An installation that has something to say on every page: the demo, with the administrator signed in."""

from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser

from tests.e2e import browser as browsing
from tests.e2e import pages, steps, work
from tests.e2e.installation import Installation


@dataclass(frozen=True)
class Filled:
    """`session` is a file in which the administrator is signed in."""

    paddock: Installation
    session: str
    pages: list[pages.Address]

    @property
    def address(self) -> str:
        return self.paddock.address


def fill(paddock: Installation, browser: Browser) -> Filled:
    """Load the demo, start everything but beat, let the worker say that it is there, and sign in."""
    password = steps.first_administrator(paddock)
    paddock.load_demo()
    paddock.serve()
    paddock.work()
    with paddock.joined():
        for entry in ("heartbeat", "drain"):
            work.run(paddock, entry)
        listed = pages.addresses()
    session = Path(paddock.folder) / "session.json"
    with browsing.window(browser, paddock.address) as visit:
        steps.sign_in_first(visit, steps.ADMINISTRATOR, password)
        visit.page.context.storage_state(path=session)
    return Filled(paddock, str(session), listed)
