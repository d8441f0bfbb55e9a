"""How many clicks the tasks of access take from the home page, on a real directory and the fakes of GitHub and OIDC.

The numbers in front are the rows of the page inventory in the experience reference. Typing does not count, and neither
does Enter.
"""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, expect

from portal.access.scopes import ScopeKind
from portal.accounts.bindings import role_bindings
from portal.accounts.models import Binding, User
from portal.core import clock
from portal.core.actors import COMMAND
from portal.requests.models import AccessRequest
from portal.tokens.models import Token
from tests.e2e import browser as browsing
from tests.e2e import elsewhere, steps
from tests.e2e.counting import Person
from tests.e2e.filled import MEMBER, Filled


@pytest.fixture
def person(filled: Filled, browser: Browser) -> Iterator[Person]:
    """The administrator, who has just proved to be that person."""
    with browsing.window(browser, filled.address, session=filled.session) as visit:
        steps.confirm(visit, filled.session)
        yield Person(visit)


@pytest.fixture
def stranger(filled: Filled, browser: Browser) -> Iterator[Person]:
    """Somebody at the sign-in page, who may go to the providers."""
    with browsing.window(browser, filled.address, hosts=filled.elsewhere.hosts) as visit:
        yield Person(visit)


def test_3_signing_in_with_the_directory(filled: Filled, stranger: Person) -> None:
    stranger.page.get_by_label("User name").fill("ann")
    stranger.page.get_by_label("Password").fill(filled.elsewhere.directory.password_of("ann"))
    stranger.click(stranger.page.get_by_role("button", name="Sign in", exact=True))
    stranger.sees("Home")
    assert stranger.clicks <= 1
    with filled.paddock.joined():
        assert User.objects.get(username="ann").rights() == []


def test_3_signing_in_with_github(filled: Filled, stranger: Person) -> None:
    """One click here; the others are GitHub's own page."""
    stranger.click(stranger.page.get_by_role("button", name="Go on with GitHub"))
    page = stranger.page
    page.wait_for_url(re.compile("/login/oauth/authorize"))
    page.get_by_role("button", name=f"Continue as {elsewhere.LOGIN}").click()
    stranger.sees("Home")
    assert stranger.clicks <= 1
    with filled.paddock.joined():
        octavia = User.objects.get(username=elsewhere.LOGIN)
        assert octavia.identities.get().provider.key == elsewhere.GITHUB


def test_3_signing_in_with_oidc(filled: Filled, stranger: Person) -> None:
    stranger.click(stranger.page.get_by_role("button", name="Go on with Single sign-on"))
    page = stranger.page
    page.wait_for_url(re.compile("/authorize"))
    page.get_by_label("User").fill(elsewhere.SINGLE)
    page.get_by_label("Password").fill("password")
    page.keyboard.press("Enter")
    stranger.sees("Home")
    assert stranger.clicks <= 1


def test_3_a_wrong_password_says_so_and_keeps_the_name(stranger: Person) -> None:
    with stranger.visit.expecting(422):
        steps.sign_in(stranger.visit, "ann", "wrong")
        expect(stranger.page.get_by_text("do not go together")).to_be_visible()
    expect(stranger.page.get_by_label("User name")).to_have_value("ann")


def test_4_a_scoped_token_with_an_end(filled: Filled, person: Person) -> None:
    page = person.page
    person.click(page.locator("summary", has_text="Your account"))
    person.click(page.locator(".pd-person-menu").get_by_role("link", name="Tokens", exact=True))
    person.click(page.get_by_role("link", name="New token").first)
    page.get_by_role("textbox", name="Name").fill("from the browser")
    page.get_by_label("Ends").select_option("7")
    person.visit.settle()
    page.get_by_role("textbox", name="Name").press("Enter")
    expect(page.get_by_text(re.compile("pdk_")).first).to_be_visible()
    assert person.clicks <= 3
    with filled.paddock.joined():
        made = Token.objects.get(name="from the browser")
        assert made.expires_at < clock.now() + timedelta(days=8)
        made.delete()


def test_7_a_group_of_the_directory_becomes_a_member_with_an_end(filled: Filled, person: Person) -> None:
    page = person.page
    person.click(page.get_by_role("link", name="Checkout", exact=True))
    person.click(page.get_by_role("link", name="Members", exact=True))
    page.get_by_label("Person or group").fill("team-bl")
    expect(page.get_by_role("option", name=re.compile("team-blue")).first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_label("Last day").fill(f"{clock.now() + timedelta(days=30):%Y-%m-%d}")
    person.click(page.get_by_role("button", name="Add member"))
    expect(page.get_by_role("row").filter(has_text="team-blue")).to_be_visible()
    assert person.clicks <= 3
    with filled.paddock.joined():
        made = Binding.objects.get(group__name="team-blue")
        assert made.expires_at is not None
        made.delete()


def _why_not(person: Person) -> None:
    """Why a colleague cannot see a project."""
    page = person.page
    person.go("Access")
    page.get_by_label("Person").fill(MEMBER)
    page.get_by_label("Which one").fill("invoicing")
    person.click(page.get_by_role("button", name="Explain"))
    expect(page.get_by_text("Not allowed")).to_be_visible()
    expect(page.get_by_text("Roles that give it:")).to_be_visible()


def _what_can_they_see(person: Person) -> None:
    """Each role of a person, its place and its end."""
    person.go("People")
    person.click(person.page.get_by_role("link", name="omar.haddad").first)
    expect(person.page.get_by_text("Recommendations").first).to_be_visible()
    expect(person.page.get_by_role("cell", name="On call (demo)").first).to_be_visible()


def test_20_looking_as_somebody_is_said_above_everything(person: Person) -> None:
    """The bar that says so lies over nothing else, the bar of the demo least of all."""
    page = person.page
    person.visit.open(f"/access/look/{MEMBER}/")
    page.get_by_label("Reason").fill("from the browser")
    page.keyboard.press("Enter")
    looks = page.get_by_role("note").filter(has_text="You look as")
    expect(looks).to_be_visible()
    try:
        demo = page.get_by_role("note").filter(has_text="Demo data").bounding_box()
        bar = looks.bounding_box()
        assert bar is not None and demo is not None
        assert bar["y"] + bar["height"] <= demo["y"]
    finally:
        page.get_by_role("button", name="Stop").click()
        expect(looks).to_have_count(0)


def _try_a_login(person: Person) -> None:
    """Each step of a sign-in, and nobody is signed in."""
    page = person.page
    person.visit.open(f"/settings/providers/{elsewhere.DIRECTORY}/")
    person.click(page.get_by_role("link", name="Test a login"))
    page.get_by_label("User name").fill("bob")
    page.get_by_label("Password").fill("not bob's")
    person.click(page.get_by_role("button", name="Test login"))
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_text("May they sign in?")).to_be_visible()


def _audit(person: Person) -> None:
    person.go("Audit")
    expect(person.page.get_by_role("row").nth(3)).to_be_visible()


@pytest.mark.parametrize(
    ("row", "task", "budget"),
    [(20, _why_not, 2), (20, _what_can_they_see, 2), (27, _audit, 1), (28, _try_a_login, 2)],
    ids=["20_why_not", "20_what_can_they_see", "27_audit", "28_try_a_login"],
)
def test_a_task_stays_within_its_clicks(person: Person, row: int, task: Callable[[Person], None], budget: int) -> None:
    task(person)
    assert person.clicks <= budget


def test_16_asking_for_access_and_getting_it(filled: Filled, browser: Browser, person: Person) -> None:
    """Who asks takes three clicks, who decides two."""
    with browsing.window(browser, filled.address, session=filled.member) as visit:
        asking = Person(visit)
        asking.go("Requests")
        asking.click(visit.page.get_by_role("link", name="Ask for access").first)
        visit.page.get_by_label("Which one").fill("product-search")
        visit.page.get_by_label("What for").fill("Checkout shows what was searched for.")
        asking.click(visit.page.get_by_role("button", name="Ask", exact=True))
        expect(visit.page.get_by_text("on its way")).to_be_visible()
        assert asking.clicks <= 3
    try:
        with filled.paddock.joined():
            asked = AccessRequest.objects.get(reason__startswith="Checkout shows")
        deciding = person
        deciding.visit.open("/requests/waiting/")
        card = deciding.page.locator("[data-request]").filter(has_text="Checkout shows")
        (card if card.count() else deciding.page).get_by_role("button", name="Approve").last.click()
        expect(deciding.page.get_by_text("has the role from now on")).to_be_visible()
    finally:
        with filled.paddock.joined():
            Binding.objects.filter(reason__startswith="Checkout shows").delete()
            AccessRequest.objects.filter(reason__startswith="Checkout shows").delete()
    assert asked.scope_kind == "project"


def test_21_a_role_is_given_to_a_person(filled: Filled, person: Person) -> None:
    page = person.page
    person.go("People")
    person.click(page.get_by_role("link", name="Bindings", exact=True))
    person.click(page.get_by_role("link", name="Give a role").first)
    page.get_by_label("Person or group").fill("omar.haddad")
    page.get_by_label("On", exact=True).select_option("project")
    page.get_by_label("Role", exact=True).select_option("project_viewer")
    page.get_by_label("Which one").fill("checkout")
    page.get_by_label("Reason").fill("from the browser")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name=re.compile("Omar|omar"))).to_be_visible()
    assert person.clicks <= 3
    with filled.paddock.joined():
        Binding.objects.get(reason="from the browser").delete()


def test_a_right_that_ends_is_gone_at_the_next_click(filled: Filled, browser: Browser) -> None:
    """What a person has open does not outlive the right to it."""
    with filled.paddock.joined():
        jonas = User.objects.get(username=MEMBER)
        everything = role_bindings.Scope(ScopeKind.EVERYTHING)
        given = role_bindings.grant(user=jonas, role="auditor", scope=everything, by=COMMAND, at=clock.now())
    with browsing.window(browser, filled.address, session=filled.member) as visit:
        visit.open("/audit/")
        with filled.paddock.joined():
            role_bindings.revoke(binding=given, by=COMMAND, at=clock.now())
        with visit.expecting(404):
            visit.page.reload()
            expect(visit.page.get_by_role("heading", name="Not found, or not visible to you")).to_be_visible()
        expect(visit.page.get_by_role("link", name="Back to Home")).to_be_visible()
