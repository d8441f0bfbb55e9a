"""Pages and API of prices: who may, and the way from a file to rates."""

import json
import re
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from billing.pricing import lists
from billing.pricing.models import PriceBook, Rate
from clusters.registry.models import Cluster
from portal.access.permissions import Permission
from portal.access.scopes import Scopes
from portal.accounts.models import User
from portal.audit.models import Event
from portal.core import clock
from tests.billing.metering.feed import attach
from tests.billing.pricing.files import NODE, book, file, held, put
from tests.billing.pricing.test_import import node
from tests.people import client_of, person

pytestmark = pytest.mark.django_db
API = "/api/v1/price-books/"


def _text(answer: Any) -> str:
    return unescape(answer.content.decode())


def _hidden(answer: Any, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', answer.content.decode())
    assert found is not None
    return unescape(found[1])


def addresses(slug: str) -> dict[str, list[str]]:
    """Return the addresses of the room by the permission they ask for."""
    return {
        "price.view": [
            reverse("pricing:books"),
            reverse("pricing:unpriced"),
            reverse("pricing:starter"),
            reverse("pricing:book", args=[slug]),
            f"{reverse('pricing:book', args=[slug])}?format=csv",
            API,
            f"{API}{PriceBook.objects.get(slug=slug).pk}/",
            "/api/v1/rates/",
            "/api/v1/unpriced/",
        ],
        "price.edit": [
            reverse("pricing:new"),
            reverse("pricing:change", args=[slug]),
            reverse("pricing:import", args=[slug]),
        ],
    }


def test_finance_reads_and_writes_everything(fay: User) -> None:
    into = book()
    put(into, NODE)
    for group in addresses(into.slug).values():
        for address in group:
            assert client_of(fay).get(address).status_code == 200, address


def test_nobody_is_sent_to_sign_in() -> None:
    into = book()
    for group in addresses(into.slug).values():
        for address in group:
            assert Client().get(address).status_code in ((401, 403) if "/api/" in address else (302,)), address


def test_without_the_right_there_is_nothing(bob: User) -> None:
    into = book()
    for group in addresses(into.slug).values():
        for address in group:
            answer = client_of(bob).get(address)
            assert answer.status_code in (403, 404), address
            assert "List" not in _text(answer)


def test_an_administrator_without_finance_sees_and_changes_no_price() -> None:
    into, browser = book(), client_of(person("adam", "admin"))
    for group in addresses(into.slug).values():
        for address in group:
            assert browser.get(address).status_code in (403, 404), address
    for address in addresses(into.slug)["price.edit"]:
        given = {"name": "x", "pasted": file(NODE).decode(), **_weights()}
        assert browser.post(address, given).status_code in (403, 404), address
    for address, body, kind in (
        (API, b'{"name": "x"}', "application/json"),
        (f"{API}{into.pk}/import/", file(NODE), "text/csv"),
    ):
        assert browser.post(address, body, content_type=kind).status_code in (403, 404), address
    assert (PriceBook.objects.count(), Rate.objects.count()) == (1, 0)
    assert Event.objects.filter(kind="access.denied").exists()


class Narrow:
    """Somebody with a right in some clusters only; no role of today gives prices so."""

    is_authenticated = True

    def __init__(self, *clusters: Cluster) -> None:
        self._clusters = frozenset(cluster.pk for cluster in clusters)

    def scopes_for(self, permission: Permission) -> Scopes:
        """Return the clusters for every permission."""
        return Scopes(clusters=self._clusters)

    def may(self, permission: Permission) -> bool:
        """Tell whether there is any."""
        return bool(self._clusters)


def test_a_right_on_a_cluster_shows_the_book_that_prices_it() -> None:
    prod, stage, demo = attach("prod"), attach("stage"), attach("demo", is_demo=True)
    for_all, own = book("List"), book("Own", all_clusters=False, clusters=[stage])
    of_demo = book("Demo", is_demo=True)
    seen = PriceBook.objects.visible_to
    assert list(seen(Narrow(prod))) == [for_all]
    assert list(seen(Narrow(stage))) == [own]
    assert list(seen(Narrow(demo))) == [of_demo]
    assert set(seen(Narrow(prod, stage))) == {for_all, own}
    assert not seen(Narrow()).exists()
    node(prod)
    node(stage)
    params = lists.UnpricedList().parse(Narrow(stage), QueryDict(), at=clock.now())
    assert {row["cluster"] for row in lists.UnpricedList().dicts(Narrow(stage), params)} == {"stage"}


def test_from_a_file_to_rates(fay: User) -> None:
    cluster, browser = attach("prod"), client_of(fay)
    node(cluster, key={"instance_type": "c5.large"})
    answer = browser.post(reverse("pricing:new"), {"name": "List", "all_clusters": "on", **_weights()})
    address = reverse("pricing:import", args=["list"])
    assert (answer.status_code, answer["Location"]) == (302, address)
    uploaded = SimpleUploadedFile("prices.csv", b"\xef\xbb\xbf" + file(NODE).replace(b"\n", b"\r\n"))
    shown = browser.post(address, {"uploaded": uploaded, "unit": ""})
    assert shown.status_code == 200
    for said in ("Added", "m5.xlarge", "0.192", "c5.large", "prod", "Nothing is imported yet."):
        assert said in _text(shown)
    assert not Rate.objects.exists()
    agreed = {name: _hidden(shown, name) for name in ("pasted", "unit", "token")}
    done = browser.post(address, agreed)
    assert (done.status_code, done["Location"]) == (302, reverse("pricing:book", args=["list"]))
    assert len(held(PriceBook.objects.get())) == 1
    assert "m5.xlarge" in _text(browser.get(done["Location"]))
    assert Event.objects.get(kind="pricing.book.import").actor_label == "fay"
    again = browser.post(address, agreed)
    assert again.status_code == 409
    assert "Look at it again" in _text(again)


def _weights() -> dict[str, str]:
    return {"cpu_ratio": "0.03", "memory_ratio": "0.004", "gpu_ratio": "0.9"}


def test_a_bad_file_is_refused_at_its_field_and_kept(fay: User) -> None:
    into = book()
    address = reverse("pricing:import", args=[into.slug])
    pasted = file(NODE, NODE.replace("0.192", "-1")).decode()
    answer = client_of(fay).post(address, {"pasted": pasted, "unit": "hour"})
    assert answer.status_code == 422
    assert "Line 3, price: is negative." in _text(answer)
    assert "m5.xlarge" in _text(answer)
    for given in ({}, {"pasted": pasted, "uploaded": SimpleUploadedFile("x.csv", b"x")}):
        answer = client_of(fay).post(address, {"unit": "", **given})
        assert answer.status_code == 422
        assert "file" in _text(answer)
    assert not Rate.objects.exists()


def test_a_file_that_is_not_text_is_refused(fay: User) -> None:
    into = book()
    uploaded = SimpleUploadedFile("prices.xlsx", b"PK\x03\x04\xff\xfe\x00")
    answer = client_of(fay).post(reverse("pricing:import", args=[into.slug]), {"uploaded": uploaded, "unit": ""})
    assert answer.status_code == 422


def test_a_file_that_says_nothing_new_offers_nothing(fay: User) -> None:
    into = book()
    put(into, NODE, at=clock.now())
    answer = client_of(fay).post(
        reverse("pricing:import", args=[into.slug]), {"pasted": file(NODE).decode(), "unit": ""}
    )
    assert "There is nothing to import." in _text(answer)
    assert "Unchanged" in _text(answer)


def test_text_of_a_file_is_never_markup(fay: User) -> None:
    into = book()
    row = NODE.replace("m5.xlarge", '"<script>alert(1)</script>"')
    answer = client_of(fay).post(
        reverse("pricing:import", args=[into.slug]), {"pasted": file(row).decode(), "unit": ""}
    )
    assert answer.status_code == 200
    assert b"<script>alert" not in answer.content


def test_a_book_is_changed_and_refused(fay: User) -> None:
    cluster, browser = attach("prod"), client_of(fay)
    book("Own", all_clusters=False, clusters=[cluster])
    into = book("List")
    address = reverse("pricing:change", args=[into.slug])
    assert "0.031611" in _text(browser.get(address))
    answer = browser.post(address, {"name": "Contract", "clusters": ["prod"], **_weights()})
    assert answer.status_code == 422
    assert "prod is served by Own." in _text(answer)
    both = browser.post(address, {"name": "Contract", "clusters": ["prod"], "all_clusters": "on", **_weights()})
    assert both.status_code == 422
    assert browser.post(address, {"name": "Contract", "all_clusters": "on", **_weights()}).status_code == 302
    into.refresh_from_db()
    assert (into.name, f"{into.cpu_ratio.normalize():f}", into.slug) == ("Contract", "0.03", "list")


def test_page_csv_and_api_show_the_same_rates(fay: User) -> None:
    into, browser = book(), client_of(fay)
    put(into, NODE, "volume,,,,,gp3,0.123456789012,month,,,", "core,,,,,,0.05,hour,,2030-01-01T00:00Z,")
    address = reverse("pricing:book", args=[into.slug])
    rows = json.loads(browser.get("/api/v1/rates/?book=list").content)["results"]
    assert {row["asset"]: (row["price"], row["state"]) for row in rows} == {
        "node": ("0.192000000000", "current"),
        "volume": ("0.123456789012", "current"),
        "core": ("0.050000000000", "coming"),
    }
    streamed: Any = browser.get(f"{address}?format=csv")
    text = b"".join(streamed.streaming_content).decode()
    for row in rows:
        assert row["price"] in text
    page = _text(browser.get(address))
    assert "0.123456789012" in page
    assert "Begins later" in page
    assert "gp3" not in _text(browser.get(f"{address}?state=coming"))


def test_unpriced_things_stand_with_their_seconds(fay: User) -> None:
    cluster, browser = attach("prod"), client_of(fay)
    node(cluster, starts_at=clock.now().replace(minute=0, second=0), ends_at=None)
    Cluster.objects.filter(pk=cluster.pk).update(name="prod-eu")
    (row,) = json.loads(browser.get("/api/v1/unpriced/").content)["results"]
    assert (row["cluster"], row["asset"], row["missing"], row["count"]) == ("prod-eu", "node", "node", 1)
    assert "prod-eu" in _text(browser.get(reverse("pricing:unpriced")))


def test_lists_ask_no_more_for_more_rows(fay: User, django_assert_max_num_queries: Any) -> None:
    into, browser = book(), client_of(fay)
    put(into, *[f"node,t{number},,,,,1,hour,,," for number in range(60)])
    for address, most in ((reverse("pricing:books"), 12), (reverse("pricing:book", args=[into.slug]), 14)):
        with django_assert_max_num_queries(most):
            assert browser.get(address).status_code == 200


def test_the_api_opens_a_book_and_imports(fay: User) -> None:
    browser = client_of(fay)
    attach("prod")
    made = browser.post(API, {"name": "List", "clusters": ["prod"]}, content_type="application/json")
    assert made.status_code == 201, made.content
    assert (made.json()["slug"], made.json()["clusters"], made.json()["currency"]) == ("list", ["prod"], "USD")
    address = f"{API}{made.json()['id']}/import/"
    shown = browser.post(f"{address}?preview=1", file(NODE), content_type="text/csv")
    told = json.loads(shown.content)
    assert (told["imported"], [one["line"] for one in told["added"]]) == (False, [2])
    assert not Rate.objects.exists()
    other = browser.post(
        f"{address}?preview_token={told['preview_token']}&unit=month", file(NODE), content_type="text/csv"
    )
    assert (other.status_code, other["Content-Type"]) == (409, "application/problem+json")
    done = browser.post(f"{address}?preview_token={told['preview_token']}", file(NODE), content_type="text/csv")
    assert (done.status_code, done.json()["imported"], done.json()["version"]) == (200, True, 2)
    again = browser.post(address, {"file": SimpleUploadedFile("p.csv", file(NODE))})
    assert (again.status_code, len(again.json()["unchanged"])) == (200, 1)


def test_the_api_names_the_line(fay: User) -> None:
    into = book()
    answer = client_of(fay).post(f"{API}{into.pk}/import/", file("node,,,,,,x,hour,,,"), content_type="text/csv")
    assert answer.status_code == 422
    assert "Line 2, price: “x” is not a number" in answer.json()["errors"]["data"][0]


def test_the_api_wants_a_file(fay: User) -> None:
    into = book()
    for answer in (
        client_of(fay).post(f"{API}{into.pk}/import/", {"other": "x"}),
        client_of(fay).post(f"{API}{into.pk}/import/", b"", content_type="text/csv"),
    ):
        assert (answer.status_code, list(answer.json()["errors"])) == (422, ["file"])


def test_the_starter_file_is_offered_and_never_applied(fay: User) -> None:
    into, browser = book(), client_of(fay)
    assert reverse("pricing:starter") in _text(browser.get(reverse("pricing:import", args=[into.slug])))
    answer = browser.get(reverse("pricing:starter"))
    assert answer["Content-Type"].startswith("text/csv")
    assert b"core,,,,,,0.031611,hour,USD,," in answer.content
    assert not Rate.objects.exists()
