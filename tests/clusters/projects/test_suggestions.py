"""Who probably owns a namespace: a table of hints and what they say."""

import uuid
from typing import Any

import pytest

from clusters.projects.suggestions import Choice, Known, Suggestion, Unowned, suggest

CLUSTER, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)
CHECKOUT = Choice(uuid.UUID(int=10), "checkout", "Checkout", "payments", "Payments")
LEDGER = Choice(uuid.UUID(int=11), "ledger", "General Ledger", "finance", "Finance Team")
SEARCH = Choice(uuid.UUID(int=12), "search", "Search", "discovery", "Discovery")
INDEX = Choice(uuid.UUID(int=13), "index", "Index", "discovery", "Discovery")
CHOICES = [CHECKOUT, LEDGER, SEARCH, INDEX]


def hint(known: Known | None = None, rancher: str = "", name: str = "ns", **labels: Any) -> Suggestion:
    key = (CLUSTER, "uid")
    found = {label.replace("__", "/").replace("_", "."): value for label, value in labels.items()}
    return suggest([Unowned(key, name, found, rancher)], CHOICES, known or Known())[key]


@pytest.mark.parametrize(
    ("labels", "project", "reason"),
    [
        ({"project": "checkout"}, CHECKOUT, "label"),
        ({"project": "CHECKOUT"}, CHECKOUT, "label"),
        ({"app.kubernetes.io/part-of": "general-ledger"}, LEDGER, "label"),
        ({"team": "payments"}, CHECKOUT, "team_label"),
        ({"owner": "finance_team"}, LEDGER, "team_label"),
        ({"team": "discovery"}, None, "team_label"),
        ({"team": "discovery", "project": "index"}, INDEX, "label"),
        ({"team": "nobody-knows"}, None, ""),
        ({"kubernetes.io/metadata.name": "checkout"}, None, ""),
        ({}, None, ""),
    ],
)
def test_labels(labels: dict[str, str], project: Choice | None, reason: str) -> None:
    key = (CLUSTER, "uid")
    found = suggest([Unowned(key, "ns", labels)], CHOICES, Known())[key]
    assert (found.project, found.reason) == (project, reason)


def test_an_unknown_value_is_shown_as_a_hint() -> None:
    found = hint(team="nobody-knows")
    assert (found.label, found.value, found.team) == ("team", "nobody-knows", "")


def test_the_former_project_of_the_same_name_comes_first() -> None:
    known = Known(former={(CLUSTER, "shop"): LEDGER.id})
    assert hint(known, name="shop", project="checkout").project == LEDGER
    assert hint(known, name="shop", project="checkout").reason == "former"
    assert hint(known, name="shop2", project="checkout").project == CHECKOUT
    assert hint(Known(former={(OTHER, "shop"): LEDGER.id}), name="shop").project is None


def test_neighbours_of_the_same_rancher_project() -> None:
    known = Known(rancher={(CLUSTER, "c-1:p-1"): frozenset({SEARCH.id})})
    found = hint(known, rancher="c-1:p-1", team="payments")
    assert (found.project, found.reason, found.value) == (SEARCH, "rancher", "c-1:p-1")
    assert hint(known, rancher="c-1:p-2").project is None
    torn = Known(rancher={(CLUSTER, "c-1:p-1"): frozenset({SEARCH.id, INDEX.id})})
    assert hint(torn, rancher="c-1:p-1").project is None


def test_namespaces_of_one_rancher_project_share_a_group() -> None:
    namespaces = [Unowned((CLUSTER, uid), uid, {}, "c-1:p-1") for uid in ("a", "b")]
    found = suggest([*namespaces, Unowned((CLUSTER, "c"), "c", {})], CHOICES, Known())
    assert found[(CLUSTER, "a")].group == found[(CLUSTER, "b")].group != ""
    assert found[(CLUSTER, "c")].group == ""


def test_a_project_that_is_not_offered_is_not_suggested() -> None:
    known = Known(former={(CLUSTER, "ns"): uuid.UUID(int=99)})
    assert hint(known).project is None
    twins = [CHECKOUT, Choice(uuid.UUID(int=20), "checkout-2", "Checkout", "other", "Other")]
    key = (CLUSTER, "uid")
    assert suggest([Unowned(key, "ns", {"project": "Checkout"})], twins, Known())[key].project is None
