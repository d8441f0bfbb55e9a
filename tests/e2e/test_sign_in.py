"""Signing in for the first time, in a real browser."""

from playwright.sync_api import Browser, expect

from tests.e2e import browser as browsing
from tests.e2e import steps
from tests.e2e.counting import Person
from tests.e2e.installation import Installation
from tests.fakes.simulator import Simulator
from tests.people import PASSWORD


def test_the_first_administrator_signs_in_and_chooses_a_password(paddock: Installation, browser: Browser) -> None:
    one_time = steps.first_administrator(paddock)
    paddock.serve()
    with browsing.window(browser, paddock.address) as visit:
        page = visit.page
        visit.open("/clusters/")
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        with visit.expecting(422):
            steps.sign_in(visit, steps.ADMINISTRATOR, "not this one")
            expect(page.get_by_text("do not go together")).to_be_visible()
        steps.sign_in_first(visit, steps.ADMINISTRATOR, one_time)
        page.locator("summary", has_text="Your account").click()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        visit.open("/clusters/")
        steps.sign_in(visit, steps.ADMINISTRATOR, PASSWORD)
        expect(page.get_by_role("heading", name="Clusters", exact=True)).to_be_visible()
    assert "one-time" not in paddock.manage("first_administrator")


def test_a_session_that_ends_in_a_fragment_leads_back_to_the_page(paddock: Installation, browser: Browser) -> None:
    """A poll or a filter whose session has ended brings the sign-in page, not a sign-in form inside a table."""
    paddock.serve()
    with browsing.window(browser, paddock.address) as visit:
        page = visit.page
        visit.open("/clusters/")
        steps.sign_in(visit, steps.ADMINISTRATOR, PASSWORD)
        expect(page.get_by_role("heading", name="Clusters", exact=True)).to_be_visible()
        page.context.clear_cookies()
        page.get_by_label("Name").fill("prod")
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        steps.sign_in(visit, steps.ADMINISTRATOR, PASSWORD)
        expect(page.get_by_role("heading", name="Clusters", exact=True)).to_be_visible()


def test_the_first_cluster_is_attached_in_three_clicks(
    paddock: Installation, browser: Browser, simulator: Simulator
) -> None:
    """From the home page of a fresh installation, which says what to begin with. Row 18 of the page inventory."""
    kubeconfig = simulator.load("first", distribution="k3s")
    paddock.serve()
    paddock.work()
    with browsing.window(browser, paddock.address) as visit:
        page = visit.page
        visit.open("/sign-in/")
        steps.sign_in(visit, steps.ADMINISTRATOR, PASSWORD)
        expect(page.get_by_role("heading", name="Home")).to_be_visible()
        person = Person(visit)
        person.click(page.get_by_role("link", name="No cluster is attached yet. Attach the first one."))
        page.get_by_label("Name").fill("first")
        page.get_by_label("Kubeconfig").fill(kubeconfig)
        person.click(page.get_by_role("button", name="Check cluster"))
        expect(page.get_by_role("button", name="Attach cluster")).to_be_visible(timeout=60_000)
        person.click(page.get_by_role("button", name="Attach cluster"))
        expect(page.get_by_role("heading", name="first", exact=True)).to_be_visible()
        assert person.clicks == 3
    simulator.remove("first")
