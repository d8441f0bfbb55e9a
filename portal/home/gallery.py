"""Example data for every component, in each of its states. No row of the database is read."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from portal.core import formats, listing
from portal.core.listing import Column, Filter, Health, Link, Missing
from portal.core.listing.page import Empty
from portal.core.parts import (
    Bar,
    Chart,
    ChartRow,
    Check,
    Explanation,
    Fact,
    FieldView,
    Point,
    Progress,
    Series,
    Stat,
    Tab,
    errors_of,
)

PATH = "/gallery/"
_STATES = ("Running", "Running", "Pending", "Failed", "Running", "Lost")
_CLUSTERS = ("frankfurt", "oslo", "tokyo")


class ExampleList(listing.Listing):
    """Invented pods with every kind of column."""

    key = "gallery"
    title = _("Example pods")
    columns = (
        Column("name", _("Name"), "code", href=lambda row: f"#{row['name']}"),
        Column("cluster", _("Cluster")),
        Column(
            "state",
            _("State"),
            "state",
            states={
                "Running": ("ok", _("Running")),
                "Pending": ("attention", _("Pending")),
                "Failed": ("broken", _("Failed")),
                "Lost": ("unknown", _("Not reachable")),
                "Starting": ("busy", _("Starting")),
            },
        ),
        Column("cpu_m", _("CPU requested"), "cpu", total=True),
        Column("memory_bytes", _("Memory requested"), "bytes", total=True),
        Column("used", _("Used"), "percent"),
        Column("cost", _("Cost"), "money", unit="EUR", total=True, absent=_("unpriced")),
        Column("labels", _("Labels"), "labels"),
        Column("created_at", _("Age"), "age"),
        Column("id", _("Id"), "number", on_page=False),
    )
    filters = (
        Filter("cluster", _("Cluster"), choices=lambda _user: [(name, name) for name in _CLUSTERS], lookup="cluster"),
        Filter("name", _("Name begins with"), "text"),
        Filter("since", _("Since"), "day", help=_("A day like 2026-08-31")),
    )
    orders = {"name": ("name", "id"), "cost": ("cost", "id"), "created_at": ("created_at", "id")}
    select_key = "id"

    def rows(self, user: Any, params: listing.Params) -> list[listing.Row]:
        """Forty rows that are the same every time."""
        return [_pod(number, params.at) for number in range(40)][: self.scope.get("rows", 40)]

    def health(self, user: Any, params: listing.Params) -> Health:
        """Five clusters, two of them silent in the second example."""
        lost = [Missing(name, params.at - timedelta(minutes=95), _("timed out")) for name in ("oslo", "tokyo")]
        if self.scope.get("partial"):
            return Health(params.at - timedelta(minutes=95), 5, lost, timedelta(minutes=5))
        return Health(params.at - timedelta(seconds=40), 5, (), timedelta(minutes=5))


class PartialList(ExampleList):
    """The same on a day when two clusters do not answer."""

    key = "gallery-partial"


class RefusedList(ExampleList):
    """The same with a filter that cannot be used."""

    key = "gallery-refused"


def _pod(number: int, at: datetime) -> listing.Row:
    known = number % 7 != 3
    return {
        "id": number,
        "name": f"checkout-api-7d9f{number:03d}",
        "cluster": _CLUSTERS[number % 3],
        "state": "Starting" if number == 5 else _STATES[number % 6],
        "cpu_m": 125 * (number % 9 + 1),
        "memory_bytes": 201_326_592 * (number % 11 + 1),
        "used": Decimal(number * 37 % 100) / 100 if known else None,
        "cost": Decimal("1.234567890123") * number if known else None,
        "labels": {"app": "checkout", "tier": "web", "team": "shop", "region": "eu"} if known else {},
        "created_at": at - timedelta(hours=number * number, minutes=7),
    }


class ExampleForm(forms.Form):
    """A form with one field of each kind."""

    name = forms.CharField(label=_("Name"), help_text=_("Lower-case letters, digits and hyphens."))
    owner = forms.EmailField(label=_("Owner"), required=False)
    team = forms.ChoiceField(label=_("Team"), choices=[("shop", "Shop"), ("search", "Search")])
    kubeconfig = forms.CharField(label=_("Kubeconfig"), widget=forms.Textarea(attrs={"rows": 4}), required=False)


def gallery(at: datetime) -> dict[str, Any]:
    """The examples by component."""
    form = ExampleForm({"name": "", "owner": "not an address", "team": "shop"})
    form.is_valid()
    field = FieldView("price", _("Price"), "12,50", _("Decimal point, no currency."), [str(_("Use a decimal point."))])
    return {
        "list": ExampleList().page(None, QueryDict("size=25&order=name"), at=at, path=PATH),
        "partial": PartialList(rows=4, partial=True).page(None, QueryDict("cluster=oslo"), at=at, path=PATH),
        "refused": _refused(at),
        "empty": _empties(),
        "form": form,
        "blank_form": ExampleForm(auto_id="blank_%s"),
        "field": field,
        "errors": errors_of([field], [str(_("The file has no header line."))]),
        "tabs": [Tab(_("Namespaces"), PATH, active=True, count="12"), Tab(_("Cost"), PATH), Tab(_("Activity"), PATH)],
        "stats": _stats(),
        "facts": _facts(at),
        "checks": _checks(),
        "bars": _bars(),
        "charts": [_stack(at), _lines(at)],
        "explanation": _explanation(),
        "progress": _progress(),
        "bulk": [
            {"label": _("Assign to project"), "kind": "primary"},
            {"label": _("Release"), "kind": "danger", "confirm": _("Release the chosen namespaces?")},
        ],
        "manifest": "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: paddock-read\n",
        "amounts": [Decimal("1234.567890123456"), Decimal("0.000120000000"), Decimal("-12.5"), None],
        "tones": [
            ("ok", _("Ready")),
            ("attention", _("Pending")),
            ("broken", _("Failed")),
            ("unknown", _("Not reachable")),
            ("busy", _("Running 3 of 12")),
            ("plain", _("Detached")),
        ],
        "at": at,
        "hour_ago": at - timedelta(hours=1, minutes=3),
    }


def _refused(at: datetime) -> listing.ListPage:
    declared = RefusedList()
    query = QueryDict("cluster=atlantis")
    try:
        return declared.page(None, query, at=at, path=PATH)
    except listing.BadQuery as error:
        return declared.refused_page(None, query, error, at=at, path=PATH)


def _empties() -> list[Empty]:
    docs = Link(_("How namespaces get an owner"), "/gallery/")
    return [
        Empty("no_data", _("No namespace has been put into a project yet."), Link(_("Show unowned"), PATH), docs),
        Empty("filtered", _("No row fits the filters."), Link(_("Clear filters"), PATH), docs),
        Empty("no_right", _("You have no right to see what would be listed here."), docs=docs),
        Empty("source_down", _("No source answers, so nothing is known."), Link(_("Show clusters"), PATH), docs),
    ]


def _stats() -> list[Stat]:
    return [
        Stat(_("Cost this month"), "12,480.12 EUR", _("counted to 12:00 UTC"), PATH, title="12480.123456789012 EUR"),
        Stat(_("Clusters"), "5", _("2 not reachable"), PATH, "attention"),
        Stat(_("Pods"), "1,502", _("all running"), tone="ok"),
        Stat(_("Unowned namespaces"), formats.ABSENT, _("unknown"), tone="unknown"),
    ]


def _facts(at: datetime) -> list[Fact]:
    return [
        Fact(_("Server"), "https://10.0.0.1:6443", mono=True),
        Fact(_("Version"), "v1.36.1"),
        Fact(_("Project"), "checkout", url=PATH),
        Fact(_("Attached"), formats.ago(at - timedelta(days=9), at), title=formats.instant(at - timedelta(days=9))),
        Fact(_("Price book"), None, absent=_("none yet")),
    ]


def _checks() -> list[Check]:
    return [
        Check(_("Name resolves"), "ok", "10.0.0.1"),
        Check(
            _("Certificate"), "broken", _("expired 3 days ago"), _("Renew it, or paste a kubeconfig with the new CA.")
        ),
        Check(_("Metrics API"), "attention", _("not installed"), _("Usage is not read; cost follows requests.")),
        Check(_("Rights"), "busy", _("7 of 14 asked")),
        Check(_("Gatekeeper"), "unknown", _("not asked yet")),
    ]


def _bars() -> list[Bar]:
    return [
        Bar(_("CPU"), Decimal(42), Decimal(65), "4.2 cores", "6.5 cores", "10 cores"),
        Bar(_("Memory"), Decimal(118), Decimal(90), "118 GiB", "90 GiB", "100 GiB"),
        Bar(_("Storage"), limit_text="1,000 GiB"),
    ]


_TEAMS = (Series("Shop", 1), Series("Search", 2), Series("Data", 3), Series(_("Idle"), grey=2))


def _stack(at: datetime) -> Chart:
    rows = []
    totals = [Decimal(0)] * len(_TEAMS)
    for number in range(21):
        values = [Decimal(40 + (number * 13 * (place + 2)) % 35 - place * 8) for place in range(len(_TEAMS))]
        gap = number == 9
        points = [Point(None) if gap else Point(value, formats.money(value), PATH) for value in values]
        if not gap:
            totals = [total + value for total, value in zip(totals, values, strict=True)]
        rows.append(ChartRow(formats.day((at - timedelta(days=20 - number)).date()), points))
    return Chart(
        "teams",
        _("Cost by team and day"),
        "stack",
        _("Day"),
        _TEAMS,
        rows,
        "EUR",
        [formats.money(total) for total in totals],
        _("98.2 % of the hours are counted; one day has no data."),
    )


def _lines(at: datetime) -> Chart:
    rows = []
    for number in range(24):
        values = [Decimal(300 + (number * 17) % 90), Decimal(180 + (number * 29) % 60)]
        points = [Point(value, formats.number(value)) for value in values]
        rows.append(ChartRow(f"{number:02d}:00", points))
    return Chart("pods", _("Pods by hour"), "lines", _("Hour"), (Series("frankfurt", 4), Series("oslo", 7)), rows)


def _explanation() -> Explanation:
    return Explanation(
        "cost = CPU-hours × price per core-hour + GiB-hours × price per GiB-hour",
        [
            Fact(_("CPU-hours"), "182.500000"),
            Fact(_("Price per core-hour"), "0.031611000000 EUR"),
            Fact(_("GiB-hours"), "730.000000"),
            Fact(_("Price per GiB-hour"), "0.004237000000 EUR"),
        ],
        _('Price book "list", valid from 2026-08-01; counted to 12:00 UTC from requests.'),
    )


def _progress() -> list[Progress]:
    return [
        Progress(_("Reading pods of frankfurt"), 3, 12, "busy", _("Running")),
        Progress(_("Closing hours"), 24, 24, "ok", _("Done")),
        Progress(_("Reading nodes of oslo"), 1, 5, "broken", _("Failed"), error=_("oslo did not answer within 20 s.")),
        Progress(_("Waiting for a worker"), state=_("Waiting"), tone="busy"),
    ]
