"""How many clicks a task takes from the home page. Typing does not count; choosing from a list and ticking do.

The numbers in front are the rows of the page inventory in the experience reference.
"""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e import browser as browsing
from tests.e2e.counting import Person
from tests.e2e.filled import Filled
from tests.e2e.test_cost_of_a_team import PRICES


@pytest.fixture
def person(filled: Filled, browser: Browser) -> Iterator[Person]:
    """The administrator, who sees cost too."""
    with browsing.window(browser, filled.address, session=filled.session) as visit:
        yield Person(visit)


def _home(person: Person) -> None:
    expect(person.page.get_by_role("heading", name="My projects")).to_be_visible()
    expect(person.page.get_by_text("This month").first).to_be_visible()


def _projects(person: Person) -> None:
    person.go("Projects")
    person.sees("Projects")


def _project(person: Person) -> None:
    person.click(person.page.get_by_role("link", name="Checkout", exact=True))
    person.sees("Checkout")
    expect(person.page.get_by_role("link", name="Cost", exact=True)).to_be_visible()


def _project_cost(person: Person) -> None:
    """The amount beside the project leads to what it is made of."""
    row = person.page.get_by_role("row").filter(has_text="Checkout")
    person.click(row.get_by_role("link", name=re.compile(r"\d\.\d\d")))
    expect(person.page.get_by_text("counted to").first).to_be_visible()
    expect(person.page.get_by_text("Checkout").first).to_be_visible()


def _clusters(person: Person) -> None:
    person.go("Clusters")
    person.sees("Clusters")
    expect(person.page.get_by_role("columnheader", name="Version")).to_be_visible()


def _unowned(person: Person) -> None:
    person.go("Unowned namespaces")
    person.sees("What belongs to nobody")
    expect(person.page.get_by_role("columnheader", name="Probably")).to_be_visible()


def _jobs(person: Person) -> None:
    person.go("Jobs")
    person.sees("Jobs")
    expect(person.page.get_by_text("worker seen").first).to_be_visible()


def _audit(person: Person) -> None:
    person.go("Audit")
    person.sees("Audit")


def _costs(person: Person) -> None:
    person.go("Costs")
    person.sees("Costs")
    expect(person.page.get_by_role("cell", name="Idle").first).to_be_visible()


def _change_price(person: Person) -> None:
    """Up to the preview, which comes first, always; the last click would import."""
    person.go("Prices")
    person.click(person.page.get_by_role("link", name="Import prices").first)
    person.page.get_by_label("or its text").fill(PRICES)
    person.click(person.page.get_by_role("button", name="Preview"))
    expect(person.page.get_by_text("Nothing is imported yet.")).to_be_visible()
    expect(person.page.get_by_role("button", name="Import prices")).to_be_visible()
    person.clicks += 1


BUDGETS: list[tuple[int, Callable[[Person], None], int]] = [
    (1, _home, 0),
    (5, _projects, 1),
    (6, _project, 1),
    (10, _project_cost, 1),
    (17, _clusters, 1),
    (25, _unowned, 1),
    (26, _jobs, 1),
    (27, _audit, 1),
    (30, _costs, 1),
    (33, _change_price, 4),
]


@pytest.mark.parametrize(("row", "task", "budget"), BUDGETS, ids=[f"{row}{task.__name__}" for row, task, _ in BUDGETS])
def test_a_task_stays_within_its_clicks(person: Person, row: int, task: Callable[[Person], None], budget: int) -> None:
    task(person)
    assert person.clicks <= budget
