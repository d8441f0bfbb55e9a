"""Giving an outside group a role on a project, by clicks and without the mouse."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from playwright.sync_api import Browser, expect

from portal.accounts.models import Binding, OutsideGroup, Provider
from portal.core import clock
from tests.e2e import browser as browsing
from tests.e2e import steps
from tests.e2e.counting import Person
from tests.e2e.filled import Filled
from tests.factories import outside
from tests.people import PASSWORD

GROUP = "warehouse-developers"


@contextmanager
def a_directory(filled: Filled) -> Iterator[None]:
    """A group that the directory knows, for the time of the test."""
    with filled.paddock.joined():
        group = outside.a_group(GROUP, path="cn=warehouse-developers,ou=groups")
        try:
            yield
        finally:
            Binding.objects.filter(group=group).delete()
            OutsideGroup.objects.filter(pk=group.pk).delete()
            Provider.objects.filter(pk=group.provider_id).delete()


@contextmanager
def soon_after_signing_in(
    filled: Filled, browser: Browser, width: int = browsing.WIDE, dark: bool = False
) -> Iterator[Person]:
    """The administrator at the home page, signed in a moment ago: giving roles asks for that."""
    with browsing.window(browser, filled.address, width=width, dark=dark) as visit:
        visit.open("/sign-in/")
        steps.sign_in(visit, steps.ADMINISTRATOR, PASSWORD)
        expect(visit.page.get_by_role("heading", name="My projects")).to_be_visible()
        yield Person(visit)


def test_a_group_becomes_a_member_with_an_end_within_three_clicks(filled: Filled, browser: Browser) -> None:
    with a_directory(filled), soon_after_signing_in(filled, browser) as person:
        page = person.page
        person.click(page.get_by_role("link", name="Checkout", exact=True))
        person.click(page.get_by_role("link", name="Members", exact=True))
        page.get_by_label("Person or group").fill("HOUSE-dev")
        expect(page.get_by_role("option", name=GROUP)).to_be_visible()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(page.get_by_label("Person or group")).to_have_value(GROUP)
        expect(page.get_by_text("people get: see workloads")).to_be_visible()
        page.get_by_label("Last day").fill(f"{clock.now() + timedelta(days=30):%Y-%m-%d}")
        person.click(page.get_by_role("button", name="Add member"))
        expect(page.get_by_role("row").filter(has_text=GROUP)).to_be_visible()
        assert person.clicks <= 3
        with_end = Binding.objects.get(group__name=GROUP)
        assert with_end.expires_at is not None
        # Nobody is in it: the directory of this test has no people.
        expect(page.get_by_text("0 people")).to_be_visible()


def test_a_role_is_given_within_three_clicks(filled: Filled, browser: Browser) -> None:
    with a_directory(filled), soon_after_signing_in(filled, browser) as person:
        page = person.page
        person.go("People")
        person.click(page.get_by_role("link", name="Bindings", exact=True))
        person.click(page.get_by_role("link", name="Give a role").first)
        page.get_by_label("Person or group").fill(GROUP)
        page.get_by_label("On", exact=True).select_option("project")
        page.get_by_label("Role", exact=True).select_option("project_viewer")
        page.get_by_label("Which one").fill("checkout")
        page.get_by_label("Reason").fill("looks on")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1, name=GROUP)).to_be_visible()
        assert person.clicks <= 3
