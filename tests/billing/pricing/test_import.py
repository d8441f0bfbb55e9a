"""Books and imports, on the database."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from billing.metering.models import PriceKey, Segment
from billing.pricing import selectors, services
from billing.pricing.models import BookCluster, PriceBook, Rate
from clusters.registry.models import Cluster, State
from portal.audit.models import Event
from portal.core import errors
from portal.core.actors import COMMAND
from portal.jobs.models import Job
from tests.billing.metering.feed import attach
from tests.billing.pricing.files import MONTH, NODE, NOW, book, file, held, put

pytestmark = pytest.mark.django_db
CHEAPER = NODE.replace("0.192,hour,USD,2026-09-01", "0.15,hour,USD,2026-09-10")


def node(cluster: Cluster, uid: str = "n-1", **values: Any) -> Segment:
    """Write a node that has been there since the month began."""
    columns = {"instance_type": "m5.xlarge", "region": "eu", "capacity_class": "on_demand"} | values.pop("key", {})
    key, _made = PriceKey.objects.get_or_create(asset="node", **columns)
    given = {"starts_at": MONTH, "seen_at": MONTH, "cpu_m": 4000, **values}
    return Segment.objects.create(cluster=cluster, kind="node", uid=uid, name=uid, price_key=key, **given)


def test_an_import_adds_rates_and_raises_the_version() -> None:
    into = book()
    plan = put(into, NODE, "volume,,,,,gp3,0.08,month,,,")
    assert (len(plan.added), plan.cut, plan.unchanged) == (2, (), ())
    assert held(into) == [
        ("node", "m5.xlarge", "0.192", "hour", "09-01 00", ""),
        ("volume", "", "0.08", "month", "09-01 00", ""),
    ]
    into.refresh_from_db()
    assert into.version == 2
    assert set(Rate.objects.values_list("version", "created_by")) == {(2, "manage.py")}


def test_importing_the_same_again_changes_nothing() -> None:
    into = book()
    put(into, NODE)
    before, events = held(into), Event.objects.count()
    plan = put(into, NODE)
    assert (plan.added, len(plan.unchanged)) == ((), 1)
    assert (held(into), Event.objects.count()) == (before, events)
    into.refresh_from_db()
    assert into.version == 2


def test_a_new_rate_ends_the_old_one() -> None:
    into = book()
    put(into, NODE)
    put(into, CHEAPER)
    assert held(into) == [
        ("node", "m5.xlarge", "0.192", "hour", "09-01 00", "09-10 00"),
        ("node", "m5.xlarge", "0.15", "hour", "09-10 00", ""),
    ]


def test_a_rate_for_a_while_lets_the_old_one_resume() -> None:
    into = book()
    put(into, NODE)
    put(into, CHEAPER + "2026-09-12T00:00Z")
    assert [row[2:] for row in held(into)] == [
        ("0.192", "hour", "09-01 00", "09-10 00"),
        ("0.15", "hour", "09-10 00", "09-12 00"),
        ("0.192", "hour", "09-12 00", ""),
    ]


def test_a_rate_over_the_whole_time_replaces_the_old_one() -> None:
    into = book()
    put(into, CHEAPER)
    plan = put(into, NODE)
    assert len(plan.replaced) == 1
    assert [row[2:] for row in held(into)] == [("0.192", "hour", "09-01 00", "")]


def test_an_empty_from_is_the_first_hour_of_the_open_month_in_the_billing_zone(settings: Any) -> None:
    settings.BILLING_TIME_ZONE = "Europe/Zurich"
    into = book()
    put(into, NODE.replace("2026-09-01T00:00Z", ""))
    assert held(into)[0][4] == "08-31 22"
    settings.BILLING_TIME_ZONE = "Asia/Kolkata"
    assert selectors.open_month(NOW).isoformat() == "2026-08-31T18:00:00+00:00"


@pytest.mark.parametrize(
    "rows",
    [(NODE, "node,,,,,,-1,hour,,,"), (NODE, NODE), ("node,,,,,,1,,,,",), (NODE.replace("USD", "EUR"),)],
    ids=["bad row", "twice", "no unit", "currency"],
)
def test_a_bad_file_stores_nothing(rows: tuple[str, ...]) -> None:
    into = book()
    events = Event.objects.count()
    with pytest.raises(errors.Refused) as refused:
        put(into, *rows)
    assert "Line" in refused.value.errors["data"][0]
    into.refresh_from_db()
    assert (Rate.objects.count(), into.version, Event.objects.count(), Job.objects.count()) == (0, 1, events, 0)


def test_the_unit_of_the_file_is_hour_or_month() -> None:
    into = book()
    with pytest.raises(errors.Refused) as refused:
        put(into, NODE, unit="day")
    assert list(refused.value.errors) == ["unit"]
    put(into, "node,,,,,,73,,,,", unit="month")
    assert Rate.objects.get().unit == "month"


def test_what_the_preview_shows_is_what_the_import_does() -> None:
    into = book()
    put(into, NODE, "core,,,,,,0.03,hour,,,", "gpu,,,,,,1,hour,,,")
    data = file(CHEAPER, "core,,,,,,0.04,hour,,,", "gpu,,,,,,1,hour,,,", "memory,,,,,,0.004,hour,,,")
    before = held(into)
    found = services.preview_csv(book=into, data=data, unit="", at=NOW)
    assert held(into) == before
    plan = services.import_csv(book=into, data=data, unit="", by=COMMAND, at=NOW, token=found.token)
    assert plan == found.plan
    assert (len(plan.added), len(plan.ended), len(plan.replaced), len(plan.unchanged)) == (3, 1, 1, 1)


def test_a_token_is_for_one_content_one_unit_and_one_state() -> None:
    into = book()
    data = file(NODE)
    token = services.preview_csv(book=into, data=data, unit="hour", at=NOW).token

    def attempt(**changed: Any) -> None:
        given: dict[str, Any] = {"data": data, "unit": "hour", "at": NOW, "token": token} | changed
        services.import_csv(book=into, by=COMMAND, **given)

    for changed in (
        {"data": file(CHEAPER)},
        {"unit": "month"},
        {"at": NOW + timedelta(days=30)},
        {"token": "0" * 64},
    ):
        with pytest.raises(errors.Conflict):
            attempt(**changed)
    assert not Rate.objects.exists()
    attempt(data=b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n"))
    with pytest.raises(errors.Conflict):
        attempt()


def test_the_preview_names_what_stays_unpriced() -> None:
    cluster, into = attach("prod"), book()
    node(cluster)
    node(cluster, "n-2", key={"instance_type": "c5.large"}, starts_at=NOW - timedelta(hours=2))
    node(cluster, "n-3", key={"instance_type": "p3"}, gpu_m=1000, starts_at=NOW - timedelta(hours=1))
    rows = (NODE, "core,p3,,,,,0.03,hour,,,", "memory,p3,,,,,0.03,hour,,,")
    found = services.preview_csv(book=into, data=file(*rows), unit="", at=NOW)
    assert {(one.thing.instance_type, one.missing, one.count, one.seconds) for one in found.unpriced} == {
        ("c5.large", ("node",), 1, 7200),
        ("p3", ("gpu",), 1, 3600),
    }
    put(into, *rows)
    after = selectors.unpriced(into.cluster_ids(), start=MONTH, at=NOW)
    assert after == found.unpriced


def test_unpriced_counts_the_seconds_outside_of_the_rates() -> None:
    cluster, into = attach("prod"), book()
    node(cluster)
    put(into, CHEAPER + "2026-09-12T00:00Z")
    found = selectors.unpriced([cluster.pk], start=MONTH, at=NOW)
    assert [(one.start, one.end, one.seconds) for one in found] == [
        (MONTH, MONTH + timedelta(days=9), 9 * 86400),
        (MONTH + timedelta(days=11), NOW, int((NOW - MONTH - timedelta(days=11)).total_seconds())),
    ]


def test_a_machine_with_a_rate_of_its_own_is_told_apart() -> None:
    cluster, into = attach("prod"), book()
    for number in (1, 2, 3):
        node(cluster, f"n-{number}", provider_id=f"aws:///i-{number}")
    put(into, "node,,,,aws:///i-2,,0.1,hour,,,", "fee,,,,support,,5,hour,,,")
    (found,) = selectors.unpriced([cluster.pk], start=MONTH, at=NOW)
    assert (found.count, found.thing.provider_id) == (2, "")
    assert selectors.own_provider_ids(cluster.pk) == ["aws:///i-2"]


def test_touched_hours_are_closed_again_where_something_was_measured() -> None:
    cluster, quiet, into = attach("prod"), attach("quiet"), book()
    node(cluster, starts_at=MONTH + timedelta(days=2, minutes=7))
    Job.objects.all().delete()
    put(into, CHEAPER)
    put(into, NODE)
    jobs = Job.objects.filter(kind="billing.ledger.close_hour").order_by("created_at", "key")
    assert [one.ids["cluster_id"] for one in jobs] == [str(cluster.pk)] * 2
    assert {(one.ids["start"], one.ids["end"]) for one in jobs} == {
        ("2026-09-10T00:00:00+00:00", "2026-09-16T10:00:00+00:00"),
        ("2026-09-03T00:00:00+00:00", "2026-09-16T10:00:00+00:00"),
    }
    assert quiet.pk not in {one.ids["cluster_id"] for one in jobs}


def test_a_future_rate_closes_nothing() -> None:
    cluster, into = attach("prod"), book()
    node(cluster)
    Job.objects.all().delete()
    put(into, NODE.replace("2026-09-01", "2026-11-01"))
    assert not Job.objects.exists()


def test_every_write_is_audited() -> None:
    into = book("List")
    put(into, NODE)
    put(into, CHEAPER)
    services.change_book(
        book=into, name="Contract", all_clusters=True, clusters=(), ratios=services.USUAL, by=COMMAND, at=NOW
    )
    kinds = list(Event.objects.order_by("id").values_list("kind", flat=True))
    assert kinds == ["pricing.book.create", "pricing.book.import", "pricing.book.import", "pricing.book.change"]
    event = Event.objects.filter(kind="pricing.book.import").latest("id")
    assert (event.before or {})["version"] == 2
    assert {name: (event.after or {})[name] for name in ("version", "added", "ended", "replaced")} == {
        "version": 3,
        "added": 1,
        "ended": 1,
        "replaced": 0,
    }


def test_a_cluster_is_priced_by_the_book_that_names_it_else_by_the_one_for_all() -> None:
    prod, stage = attach("prod"), attach("stage")
    list_book, own = book("List"), book("Own", all_clusters=False, clusters=[stage])
    assert selectors.books([prod.pk, stage.pk]) == {prod.pk: list_book, stage.pk: own}
    assert (list_book.cluster_ids(), own.cluster_ids()) == ([prod.pk], [stage.pk])
    put(list_book, NODE)
    put(own, CHEAPER)
    found = selectors.rates([prod.pk, stage.pk], MONTH, NOW)
    assert {pk: [rate.book_id for rate in rates] for pk, rates in found.items()} == {
        prod.pk: [list_book.pk],
        stage.pk: [own.pk],
    }
    assert selectors.rates([stage.pk], MONTH, MONTH + timedelta(days=1)) == {stage.pk: []}


def test_a_demo_book_never_prices_a_real_cluster_nor_the_other_way_round() -> None:
    real, demo = attach("real"), attach("demo", is_demo=True)
    of_demo = book("Demo", is_demo=True)
    assert selectors.books([real.pk, demo.pk]) == {demo.pk: of_demo}
    assert of_demo.cluster_ids() == [demo.pk]
    for is_demo, cluster in ((True, real), (False, demo)):
        with pytest.raises(errors.Refused) as refused:
            book("Other", all_clusters=False, clusters=[cluster], is_demo=is_demo)
        assert list(refused.value.errors) == ["clusters"]
    services.erase_demo()
    assert not PriceBook.objects.exists()


def test_the_version_changes_whenever_a_price_may_have() -> None:
    cluster = attach("prod")
    assert selectors.prices_version(cluster.pk) is None
    into = book()
    seen = [selectors.prices_version(cluster.pk)]
    put(into, NODE)
    seen.append(selectors.prices_version(cluster.pk))
    put(into, NODE)
    assert selectors.prices_version(cluster.pk) == seen[-1]
    changes: list[dict[str, Any]] = [
        {"ratios": services.Ratios(gpu=services.USUAL.gpu * 2)},
        {"all_clusters": False, "clusters": [cluster]},
        {"all_clusters": False, "clusters": []},
    ]
    for change in changes:
        given: dict[str, Any] = {"all_clusters": True, "clusters": (), "ratios": services.USUAL} | change
        services.change_book(book=into, name="List", by=COMMAND, at=NOW, **given)
        seen.append(selectors.prices_version(cluster.pk))
    assert len(set(seen)) == len(seen) == 5
    assert seen[-1] is None


def test_only_one_book_serves_a_cluster() -> None:
    cluster = attach("prod")
    book("List")
    book("Own", all_clusters=False, clusters=[cluster])
    with pytest.raises(errors.Refused) as refused:
        book("Second list")
    assert list(refused.value.errors) == ["all_clusters"]
    with pytest.raises(errors.Refused) as refused:
        book("Second own", all_clusters=False, clusters=[cluster])
    assert refused.value.errors == {"clusters": ["prod is served by Own."]}
    other = PriceBook.objects.get(slug="list")
    with pytest.raises(IntegrityError), transaction.atomic():
        BookCluster.objects.create(cluster=cluster, book=other)
    with pytest.raises(IntegrityError, match="price_book_one_for_all"), transaction.atomic():
        PriceBook.objects.create(slug="x", name="x", currency="USD", all_clusters=True)


def test_a_candidate_is_served_by_nobody() -> None:
    candidate = attach("new")
    Cluster.objects.filter(pk=candidate.pk).update(state=State.CANDIDATE)
    candidate.refresh_from_db()
    with pytest.raises(errors.Refused):
        book("Own", all_clusters=False, clusters=[candidate])


@pytest.mark.parametrize("bad", ["0", "-1", "NaN", "Infinity", "0.1234567890123", "1000000000000"])
def test_weights_are_positive_numbers(bad: str) -> None:
    ratios = services.Ratios(cpu=type(services.USUAL.cpu)(bad))
    with pytest.raises(errors.Refused) as refused:
        book("List", ratios=ratios)
    assert list(refused.value.errors) == ["cpu_ratio"]


def test_names_give_free_slugs() -> None:
    assert book("List ÄÖ 1").slug == "list-1"
    assert book("List: 1!", all_clusters=False).slug == "list-1-2"
    with pytest.raises(errors.Refused):
        book("ÄÖ", all_clusters=False)


def _rate(into: PriceBook, **values: Any) -> Rate:
    given: dict[str, Any] = {"asset": "node", "price": 1, "unit": "hour", "period": (MONTH, None), "version": 1}
    return Rate.objects.create(book=into, created_by="x", **{**given, **values})


def test_the_database_keeps_rates_of_one_key_apart() -> None:
    into, other = book("List"), book("Other", all_clusters=False)
    _rate(into, instance_type="a", period=(MONTH, MONTH + timedelta(hours=5)))
    _rate(into, instance_type="a", period=(MONTH + timedelta(hours=5), None))
    _rate(into, region="a")
    _rate(other, instance_type="a")
    for span in ((MONTH + timedelta(hours=4), MONTH + timedelta(hours=6)), (MONTH, None)):
        with pytest.raises(IntegrityError, match="rate_no_overlap"), transaction.atomic():
            _rate(into, instance_type="a", period=span)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("rate_price_not_negative", {"price": -1}),
        ("rate_asset_known", {"asset": "pod"}),
        ("rate_unit_known", {"unit": "day"}),
        ("rate_plain_text", {"region": "a\x1fb"}),
        ("rate_period_half_open", {"period": (None, MONTH)}),
        ("rate_whole_hours", {"period": (MONTH + timedelta(minutes=30), None)}),
        ("rate_whole_hours", {"period": (MONTH, MONTH + timedelta(hours=1, seconds=1))}),
    ],
)
def test_the_database_refuses(name: str, values: dict[str, Any]) -> None:
    into = book()
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        _rate(into, **values)


def test_twenty_thousand_rows_are_imported_in_seconds() -> None:
    into = book()
    rows = [f"node,t{number},,,,,0.{number + 1},hour,,," for number in range(20_000)]
    assert len(put(into, *rows).added) == 20_000
    assert len(put(into, *rows).unchanged) == 20_000
