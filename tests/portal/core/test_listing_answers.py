"""One declaration, three answers: page, API and file carry the same rows, and refuse the same nonsense."""

import csv
import io
import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from portal.core import clock, listing
from portal.core.listing import Health, Missing, export
from tests.portal.core.listing_examples import GroupedList, InMemory, UserList, down, make_users

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.portal.core.listing_examples")]
AT = clock.now()
NAMES = [
    (f"{'abc'[number % 3]}{number:03d}", ["", "same", "$other", "longer name"][number % 4]) for number in range(70)
]


def page(declared: listing.Listing, query: str = "") -> listing.ListPage:
    return declared.page(None, QueryDict(query), at=AT, path="/users/")


def file_of(client: Client, query: str = "") -> list[list[str]]:
    answer = client.get(f"/users/?format=csv&{query}")
    assert answer.status_code == 200
    return list(csv.reader(io.StringIO(answer.getvalue().decode(), newline="")))


def api_rows(client: Client, query: str = "") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    address: str | None = f"/api/v1/users/?{query}"
    while address:
        answer = client.get(address)
        assert answer.status_code == 200, answer.content
        rows += answer.json()["results"]
        address = answer.json()["next"]
    return rows


def as_csv(value: Any) -> str:
    return "" if value is None else json.dumps(value) if isinstance(value, bool) else str(value)


@pytest.mark.parametrize(
    "query",
    ["", "initial=a", "display=same&order=-cost", "active=1&order=cost&size=25", "since=2026-01-01", "active=0"],
)
def test_page_api_and_file_carry_the_same_rows_and_totals(client: Client, query: str) -> None:
    make_users(NAMES, AT)
    from_api = api_rows(client, query)
    header, *lines = file_of(client, query)
    rows = [line for line in lines if not line[0].startswith("# ")]
    assert header == ["name", "display", "cost", "currency", "length", "created_at", "is_active", "id"]
    assert rows == [[as_csv(one[name]) for name in header] for one in from_api]
    declared = UserList()
    shown: list[dict[str, Any]] = []
    found = page(declared, query)
    totals = found.totals
    shown += found.rows
    while found.next_url:
        found = page(declared, found.next_url.partition("?")[2])
        shown += found.rows
    assert [json.loads(json.dumps(export.row(declared.columns, row), default=str)) for row in shown] == from_api
    by_currency: dict[str, Decimal] = {}
    for one in from_api:
        if one["cost"] is not None:
            by_currency[one["currency"]] = by_currency.get(one["currency"], Decimal(0)) + Decimal(one["cost"])
    in_file = {line[3]: Decimal(line[2]) for line in lines if line[:2] == ["# total", "cost"]}
    assert in_file == by_currency
    if from_api:
        assert totals["cost"].sums == by_currency
        assert totals["cost"].missing == sum(one["cost"] is None for one in from_api)


def test_totals_are_of_all_rows_and_the_same_in_memory() -> None:
    make_users(NAMES, AT)
    found = page(UserList(), "size=25").totals
    assert found == page(InMemory(), "size=25").totals
    assert found["length"].sums == {"": Decimal(280)}
    assert found["cost"].missing == 18


def test_totals_over_groups() -> None:
    make_users(NAMES, AT)
    totals = page(GroupedList()).totals
    assert totals["cost"].sums == page(UserList()).totals["cost"].sums
    assert totals["cpu"].sums == {"": Decimal(280_000)}
    some = page(GroupedList(), "above=40")
    assert 0 < len(some.rows) < 6
    assert all(row["cost"] > 40 for row in some.rows)


def test_the_file_ends_with_what_it_holds(client: Client) -> None:
    make_users(NAMES, AT)
    footer = {
        tuple(line[:2]): line[2:] for line in file_of(client, "initial=a&order=-name") if line[0].startswith("# ")
    }
    assert ("# rows", "24") in footer
    assert ("# filter", "initial") in footer
    assert footer["# filter", "initial"] == ["a"]
    assert ("# order", "-name") in footer
    assert ("# data as of", "unknown") in footer
    assert any(name == "# written" and text.endswith("Z") for name, text in footer)


def test_a_name_that_would_run_in_a_spreadsheet_is_text_in_the_file_and_itself_in_the_api(client: Client) -> None:
    evil = '=HYPERLINK("http://x.example")'
    make_users([("a1", evil), ("a2", "-1+1"), ("a3", "<script>alert(1)</script>")], AT)
    assert [line[1] for line in file_of(client)[1:3]] == [f"'{evil}", "'-1+1"]
    assert [one["display"] for one in api_rows(client)] == [evil, "-1+1", "<script>alert(1)</script>"]


def test_text_is_escaped_on_the_page(client: Client) -> None:
    make_users([("a1", "<script>alert(1)</script>"), ('b"onmouseover="x', "b")], AT)
    html = client.get("/users/").content.decode()
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert 'href="/people/b&quot;onmouseover=&quot;x/"' in html


def test_what_is_not_known_is_a_dash_with_a_word_and_never_zero(client: Client) -> None:
    make_users([("a1", "")], AT)
    html = client.get("/users/").content.decode()
    assert '<span class="absent">– unpriced</span>' in html
    assert "– (1 unpriced)" in html
    assert "0.00" not in html
    assert api_rows(client)[0]["cost"] is None


def test_money_shows_two_places_and_all_of_them_on_hover(client: Client) -> None:
    make_users([("a1", "same")], AT)
    html = client.get("/users/").content.decode()
    assert 'title="4.938271560492 EUR">4.94 EUR</td>' in html
    assert api_rows(client)[0]["cost"] == "4.938271560492"


def test_htmx_gets_the_fragment_and_a_boosted_link_the_page(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    # One instant for all answers: an age that ticks between two of them is no difference.
    monkeypatch.setattr(clock, "now", lambda: AT)
    make_users(NAMES, AT)
    whole, part = client.get("/users/"), client.get("/users/", headers={"HX-Request": "true"})
    boosted = client.get("/users/", headers={"HX-Request": "true", "HX-Boosted": "true"})
    assert b"<!doctype html>" in whole.content
    assert b"<!doctype html>" in boosted.content
    assert b"<html" not in part.content
    assert part.content.strip() in whole.content
    for answer in (whole, part, client.get("/users/?format=csv")):
        assert {"Cookie", "HX-Request"} <= {name.strip() for name in answer["Vary"].split(",")}
        assert "no-store" in answer["Cache-Control"]
        assert "private" in answer["Cache-Control"]


BAD = [
    ("initial=z", "initial"),
    ("since=yesterday", "since"),
    ("since=2026-02-30", "since"),
    ("active=maybe", "active"),
    ("person=1", "person"),
    ("display=" + "x" * 401, "display"),
    ("display=a%00b", "display"),
    ("order=password", "order"),
    ("order=--name", "order"),
    ("size=51", "size"),
    ("size=-1", "size"),
    ("cursor=x", "cursor"),
]


@pytest.mark.parametrize(("query", "parameter"), BAD)
def test_a_parameter_that_cannot_be_used_is_named(client: Client, query: str, parameter: str) -> None:
    make_users(NAMES[:3], AT)
    api = client.get(f"/api/v1/users/?{query}")
    assert (api.status_code, api["Content-Type"]) == (400, "application/problem+json")
    assert list(api.json()["errors"]) == [parameter]
    for answer in (client.get(f"/users/?{query}"), client.get(f"/users/?format=csv&{query}")):
        assert answer.status_code == 400
        assert f"<p>{parameter}: " in body(answer)
        assert "a000" not in body(answer)


def body(answer: Any) -> str:
    return str(answer.content.decode())


def test_a_refused_filter_keeps_what_was_typed_and_says_it_at_the_field(client: Client) -> None:
    html = body(client.get("/users/?since=yesterday"))
    assert 'value="yesterday"' in html
    assert 'aria-invalid="true"' in html


def test_an_unknown_parameter_is_ignored_on_the_page_and_refused_by_the_api(client: Client) -> None:
    make_users(NAMES[:3], AT)
    assert client.get("/users/?utm_source=mail").status_code == 200
    answer = client.get("/api/v1/users/?utm_source=mail")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["utm_source"])


class Scopes:
    """What a person may see, as the access room hands it out."""

    def __init__(self, *, none: bool) -> None:
        self.none = none


class Viewer:
    """A person with or without the right."""

    def __init__(self, *, may: bool) -> None:
        self.may = may

    def scopes_for(self, permission: str) -> Scopes:
        return Scopes(none=not self.may)


class GuardedList(UserList):
    """The list of somebody who needs a right to see it."""

    permission = "user.view"


def form_of(declared: listing.Listing, viewer: Any = None, query: str = "") -> str:
    found = declared.page(viewer, QueryDict(query), at=AT, path="/users/")
    assert found.empty is not None
    assert str(found.empty.reason)
    return found.empty.form


def test_the_four_reasons_for_an_empty_list() -> None:
    assert form_of(GuardedList(), Viewer(may=True)) == "no_data"
    assert form_of(GuardedList(), Viewer(may=False)) == "no_right"
    assert form_of(UserList(health=down(AT))) == "source_down"
    make_users(NAMES[:3], AT)
    assert form_of(UserList(), query="display=nobody") == "filtered"


def test_a_filter_that_hides_all_offers_the_way_back() -> None:
    make_users(NAMES[:3], AT)
    empty = page(UserList(), "display=nobody&order=-name").empty
    assert empty is not None
    assert empty.action is not None
    assert empty.action.url == "/users/?order=-name"


def test_what_is_missing_and_how_old_the_rest_is() -> None:
    make_users(NAMES[:3], AT)
    since = AT - timedelta(minutes=30)
    health = Health(since, 5, [Missing("oslo", since), Missing("tokyo", AT)], timedelta(minutes=5))
    found = page(UserList(health=health))
    assert found.is_stale
    assert found.age_text == "30 minutes ago"
    assert not page(UserList(health=Health(since, 5, (), timedelta(hours=1)))).is_stale


def test_filters_and_order_live_in_the_address() -> None:
    make_users(NAMES, AT)
    found = page(UserList(), "initial=a&display=same&order=-name&size=25")
    assert [(one.label, one.text) for one in found.active] == [("Initial", "A"), ("Display name", "same")]
    assert found.active[0].url == "/users/?display=same&order=-name&size=25"
    assert found.clear_url == "/users/?order=-name&size=25"
    heads = {head.key: head for head in found.heads}
    assert heads["name"].sort == "descending"
    assert "order=cost" in heads["cost"].url
    assert "order=name" not in heads["name"].url, "turning round leads to the default order"
    assert not heads["is_active"].url


def test_a_column_refuses_a_tone_without_a_style() -> None:
    with pytest.raises(ValueError, match="no tone"):
        listing.Column("state", "State", "state", states={"x": ("purple", "X")})


class MadeList(UserList):
    """A list with a column that exists on the page only."""

    columns = (
        *UserList.columns,
        listing.Column("made", "Made", show=lambda row: f"<{row['name']}>", in_export=False),
    )


def test_a_column_for_the_page_alone_needs_no_value_in_the_rows() -> None:
    make_users(NAMES[:1], AT)
    found = page(MadeList())
    assert found.body[0].cells[-1] == '<td class="" data-label="Made">&lt;a000&gt;</td>'
    assert "made" not in export.field_names(MadeList.columns)
