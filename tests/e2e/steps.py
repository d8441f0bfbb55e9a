"""What a person does on the pages, step by step."""

import re
from collections.abc import Sequence

from playwright.sync_api import expect

from tests.e2e.browser import Visit
from tests.e2e.installation import Installation
from tests.people import PASSWORD

ADMINISTRATOR = "admin"


def one_time_password(printed: str) -> str:
    """What `first_administrator` or `create_user` printed."""
    found = re.search(r"one-time password\s+(\S+)", printed)
    assert found, printed
    return found[1]


def first_administrator(paddock: Installation) -> str:
    """Make the first administrator; returns the one-time password."""
    return one_time_password(paddock.manage("first_administrator"))


def sign_in(visit: Visit, username: str, password: str) -> None:
    """Fill in the form that is open."""
    visit.page.get_by_label("User name").fill(username)
    visit.page.get_by_label("Password").fill(password)
    visit.page.get_by_role("button", name="Sign in").click()


def sign_in_first(visit: Visit, username: str, one_time: str) -> None:
    """Sign in with a one-time password and choose another; ends on the home page."""
    visit.open("/sign-in/")
    sign_in(visit, username, one_time)
    visit.page.get_by_label("New password").fill(PASSWORD)
    visit.page.get_by_role("button", name="Save password").click()
    expect(visit.page.get_by_role("navigation", name="Main")).to_be_attached()
    visit.settle()


def confirm(visit: Visit, session: str) -> None:
    """Prove once more to be the person who is signed in; ends on the home page.

    That gives the session another key: the file that others sign in with is written anew.
    """
    visit.open("/confirm/?next=/")
    visit.page.get_by_label("Password").fill(PASSWORD)
    visit.page.keyboard.press("Enter")
    expect(visit.page.get_by_role("navigation", name="Main")).to_be_attached()
    visit.page.wait_for_url(f"{visit.address}/")
    visit.settle()
    visit.page.context.storage_state(path=session)


def enable(visit: Visit, *providers: str) -> None:
    """Let people sign in by them, and read those that can be read."""
    page = visit.page
    for key in providers:
        visit.open(f"/settings/providers/{key}/")
        page.get_by_role("button", name="Enable", exact=True).click()
        expect(page.get_by_role("link", name="Disable", exact=True)).to_be_visible()
        now = page.get_by_role("button", name="Read now")
        if now.count():
            now.click()
            expect(page.get_by_role("button", name="Read now")).to_be_visible(timeout=60_000)


def attach_cluster(visit: Visit, name: str, kubeconfig: str) -> None:
    """From the list of clusters: propose one, look at its checks, confirm it."""
    page = visit.page
    visit.open("/clusters/")
    page.get_by_role("link", name="Add cluster").first.click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Kubeconfig").fill(kubeconfig)
    page.get_by_role("button", name="Check cluster").click()
    page.get_by_role("button", name="Attach cluster").click(timeout=60_000)
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    visit.settle()


def open_team(visit: Visit, name: str) -> None:
    page = visit.page
    visit.open("/teams/")
    page.get_by_role("link", name="New team").first.click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Open team").click()
    expect(page.get_by_text(f"{name} is open.")).to_be_visible()


def open_project(visit: Visit, name: str, *, team: str) -> None:
    page = visit.page
    visit.open("/projects/")
    page.get_by_role("link", name="New project").first.click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Team").select_option(label=team)
    page.get_by_role("button", name="Open project").click()
    expect(page.get_by_text(f"{name} is open.")).to_be_visible()


def pick(visit: Visit, rows: Sequence[Sequence[str]]) -> None:
    """Tick the rows of a list that hold all of these texts."""
    for texts in rows:
        found = visit.page.get_by_role("row")
        for text in texts:
            found = found.filter(has=visit.page.get_by_role("cell", name=text, exact=True))
        found.get_by_role("checkbox").check()


def put_into_project(visit: Visit, rows: Sequence[Sequence[str]], *, project: str) -> None:
    """From the list of namespaces without project: several at once, since they were first seen."""
    page = visit.page
    visit.open("/projects/unowned/?name=e2e-")
    pick(visit, rows)
    page.get_by_label(re.compile(r"^Project\b")).select_option(label=project)
    page.get_by_label("Counts").select_option(label="since it was first seen")
    page.get_by_role("button", name="Put into project").click()
    expect(page.get_by_text(f"{len(rows)} namespaces put into {project}.")).to_be_visible()


def move_to_project(visit: Visit, rows: Sequence[Sequence[str]], *, slug: str, project: str) -> None:
    """From the page of the project that holds them, from now on."""
    page = visit.page
    visit.open(f"/projects/{slug}/")
    pick(visit, rows)
    page.get_by_label(re.compile(r"^Project\b")).select_option(label=project)
    page.get_by_label("Counts").select_option(label="from now on")
    page.get_by_role("button", name="Move to the project").click()
    # What it does is shown first.
    page.get_by_role("button", name="Move them").click()
    expect(page.get_by_text(f"{len(rows)} namespaces moved to {project}.")).to_be_visible()


def import_prices(visit: Visit, text: str, *, book: str) -> None:
    """Open a price book for all clusters, look at what a file does, and import it."""
    page = visit.page
    visit.open("/prices/")
    page.get_by_role("link", name="Add price book").first.click()
    page.get_by_label("Name").fill(book)
    page.get_by_label("For all clusters").check()
    page.get_by_role("button", name="Save price book").click()
    page.get_by_label("or its text").fill(text)
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("Nothing is imported yet.")).to_be_visible()
    page.get_by_role("button", name="Import prices").click()
    expect(page.get_by_text(re.compile(r"\d+ rates added"))).to_be_visible()
