"""Keyset pages: every row once, in both directions, whatever ties and whatever is not known."""

import random
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from django.http import QueryDict

from portal.accounts.models import User
from portal.core import clock, listing
from portal.core.listing import ListPage, sources
from tests.portal.core.listing_examples import GroupedList, InMemory, UserList, make_users

pytestmark = pytest.mark.django_db
AT = clock.now()
# Many share a display name and some have none, so a cost is tied or NULL.
NAMES = [
    (f"{'abc'[number % 3]}{number:03d}", ["", "same", "same", "$other", "longer name"][number % 5])
    for number in range(113)
]


def page(declared: listing.Listing, address: str = "") -> ListPage:
    return declared.page(None, QueryDict(address.removeprefix("/users/").removeprefix("?")), at=AT, path="/users/")


def everything(declared: listing.Listing, order: str) -> list[dict[str, Any]]:
    return list(declared.dicts(None, declared.parse(None, QueryDict(f"order={order}"), at=AT)))


@pytest.mark.parametrize("kind", [UserList, InMemory])
@pytest.mark.parametrize(
    "order", ["name", "-name", "display", "-display", "cost", "-cost", "created_at", "-created_at"]
)
def test_walking_the_pages_meets_every_row_once_and_back_again(kind: type[listing.Listing], order: str) -> None:
    make_users(random.Random(7).sample(NAMES, len(NAMES)), AT)
    expected = [row["name"] for row in everything(kind(), order)]
    pages = [page(kind(), f"order={order}&size=25")]
    while pages[-1].next_url:
        pages.append(page(kind(), pages[-1].next_url))
    assert [row["name"] for one in pages for row in one.rows] == expected
    assert [len(one.rows) for one in pages] == [25, 25, 25, 25, 13]
    assert pages[1].range_text == "26 to 50 of 113 rows"
    back = pages[-1]
    for earlier in reversed(pages[:-1]):
        back = page(kind(), back.previous_url)
        assert [row["name"] for row in back.rows] == [row["name"] for row in earlier.rows]
        assert back.range_text == earlier.range_text
    assert not back.previous_url


@pytest.mark.parametrize("kind", [UserList, InMemory])
@pytest.mark.parametrize("order", ["cost", "-cost"])
def test_what_is_not_known_comes_last_in_both_directions(kind: type[listing.Listing], order: str) -> None:
    make_users(NAMES, AT)
    costs = [row["cost"] for row in everything(kind(), order)]
    known = [cost for cost in costs if cost is not None]
    assert costs[len(known) :] == [None] * 23
    assert known == sorted(known, reverse=order == "-cost")


def test_a_query_and_dicts_give_the_same_pages() -> None:
    make_users(NAMES, AT)
    for order in ("name", "-cost"):
        assert everything(UserList(), order) == everything(InMemory(), order)


def test_pages_of_groups_are_cut_by_their_aggregate() -> None:
    make_users(NAMES, AT)
    expected = [(row["initial"], row["cost"]) for row in everything(GroupedList(), "-cost")]
    assert len(expected) == 6
    keys = sources.keys_of(GroupedList.orders["cost"], reverse=True)
    source = sources.of(GroupedList().rows(None, GroupedList().parse(None, QueryDict(""), at=AT)))
    found: list[dict[str, Any]] = []
    after = None
    while rows := source.some(keys, after, 1):
        found += rows
        after = tuple(rows[-1][key.name] for key in keys)
    assert [(row["initial"], row["cost"]) for row in found] == expected


def test_a_row_that_appears_before_the_cursor_moves_nothing() -> None:
    make_users(NAMES, AT)
    first = page(UserList(), "size=25")
    make_users([("a000a", "new")], AT)
    second = page(UserList(), first.next_url)
    assert not {row["name"] for row in first.rows} & {row["name"] for row in second.rows}


def test_a_page_that_was_emptied_meanwhile_leads_back() -> None:
    make_users(NAMES[:30], AT)
    first = page(UserList(), "size=25")
    User.objects.filter(username__in=[row["name"] for row in page(UserList(), first.next_url).rows]).delete()
    emptied = page(UserList(), first.next_url)
    assert emptied.empty
    assert emptied.empty.form == "filtered"
    assert page(UserList(), emptied.previous_url).rows == first.rows


@pytest.mark.parametrize("number", [0, 1, 999, 1000, 1001, 1300])
def test_counts_are_exact_up_to_a_thousand_and_capped_beyond(number: int) -> None:
    make_users([(f"u{at:05d}", "x") for at in range(number)], AT)
    shown = page(UserList())
    if number > 1000:
        assert shown.range_text == "1 to 50 of more than 1,000 rows"
        assert shown.count == 1001
    elif number:
        assert shown.count == number
        assert shown.range_text == ("1 row" if number == 1 else f"1 to 50 of {number:,} rows")
    else:
        assert (shown.count, shown.next_url, shown.previous_url) == (0, "", "")


def cursor_of(address: str) -> str:
    return QueryDict(address.partition("?")[2])["cursor"]


def refused(declared: listing.Listing, address: str) -> listing.BadQuery:
    with pytest.raises(listing.BadQuery) as caught:
        page(declared, address)
    return caught.value


def test_a_cursor_is_good_for_its_own_list_and_order_only() -> None:
    make_users(NAMES, AT)
    cursor = cursor_of(page(UserList(), "order=name").next_url)
    assert page(UserList(), f"order=name&cursor={cursor}").rows
    for declared, order in ((UserList(), "-name"), (UserList(), "cost"), (InMemory(), "name")):
        assert refused(declared, f"order={order}&cursor={cursor}").parameter == "cursor"


def test_a_cursor_that_was_tampered_with_is_refused() -> None:
    make_users(NAMES, AT)
    cursor = cursor_of(page(UserList(), "order=name").next_url)
    packed, _, signature = cursor.rpartition(":")
    forged = urlsafe_b64encode(b'[1,50,[["s","z"],["s","z"]]]').decode().rstrip("=")
    for text in (packed, f"{packed}:x", f"{forged}:{signature}", f"{packed}A:{signature}", "x", ":", "%00", "é"):
        assert refused(UserList(), f"order=name&cursor={text}").parameter == "cursor"
