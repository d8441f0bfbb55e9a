"""An installation that has something to say on every page: the demo, with the administrator signed in."""

from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth.hashers import Argon2PasswordHasher
from playwright.sync_api import Browser

from portal.accounts.models import User
from tests.e2e import browser as browsing
from tests.e2e import pages, steps, work
from tests.e2e.elsewhere import DIRECTORY, GITHUB, OIDC, Elsewhere
from tests.e2e.installation import Installation
from tests.people import PASSWORD


@dataclass(frozen=True)
class Filled:
    """Each of `session`, `owner`, `member` and `finance` is a file in which somebody is signed in.

    The administrator sees cost too; the owner is of the team Storefront, the member of the project Checkout.
    """

    paddock: Installation
    session: str
    owner: str
    member: str
    finance: str
    pages: list[pages.Address]
    elsewhere: Elsewhere

    @property
    def address(self) -> str:
        return self.paddock.address


OWNER, MEMBER, FINANCE = "mira.holt", "jonas.pietsch", "helen.farrow"


def fill(paddock: Installation, browser: Browser, elsewhere: Elsewhere) -> Filled:
    """Load the demo, start everything but beat, let the worker say that it is there, and sign in."""
    password = steps.first_administrator(paddock)
    paddock.load_demo()
    paddock.serve()
    paddock.work()
    session = Path(paddock.folder) / "session.json"
    with paddock.joined():
        for entry in ("heartbeat", "drain"):
            work.run(paddock, entry)
        for name in (OWNER, MEMBER, FINANCE):
            person = User.objects.get(username=name)
            # As the server will read it: this process has a quicker hasher.
            person.password = Argon2PasswordHasher().encode(PASSWORD, "salt-of-the-tests")
            person.save(update_fields=["password"])
        with browsing.window(browser, paddock.address) as visit:
            steps.sign_in_first(visit, steps.ADMINISTRATOR, password)
            steps.enable(visit, DIRECTORY, GITHUB, OIDC)
            visit.page.context.storage_state(path=session)
        listed = pages.addresses()
    owner, member, finance = (_signed_in(paddock, browser, name) for name in (OWNER, MEMBER, FINANCE))
    return Filled(paddock, str(session), owner, member, finance, listed, elsewhere)


def _signed_in(paddock: Installation, browser: Browser, name: str) -> str:
    session = Path(paddock.folder) / f"{name}.json"
    with browsing.window(browser, paddock.address) as visit:
        visit.open("/sign-in/")
        steps.sign_in(visit, name, PASSWORD)
        visit.settle()
        visit.page.wait_for_url("**/")
        visit.page.context.storage_state(path=session)
    return str(session)
