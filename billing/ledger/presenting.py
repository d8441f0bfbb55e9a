"""What the pages of costs say, as plain values for the components."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils import formats as locale_formats
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.ledger import asking, selectors
from billing.ledger.allocation import METHOD_VERSION
from billing.ledger.asking import Ask
from billing.ledger.models import RESOURCES, CostHour, CostRun, PodHour, RunState
from billing.pricing.models import Rate
from clusters.registry.models import Cluster, State
from portal.access.permissions import Permission
from portal.access.scopes import Person
from portal.core import formats, parts
from portal.core.listing import Link

KIND_WORDS: Mapping[str, Any] = {
    asking.WORKLOAD: gettext_lazy("Workloads"),
    asking.SHARED: gettext_lazy("Shared"),
    asking.UNASSIGNED: gettext_lazy("Unassigned"),
    "idle": gettext_lazy("Idle"),
    "reserved": gettext_lazy("Reserved by the system"),
    "fee": gettext_lazy("Fees"),
    "unattached": gettext_lazy("Unattached volumes"),
}
BASIS = gettext_lazy("What is requested is charged, not what is used: this version reads no usage.")
ABOUT = gettext_lazy("What was requested, priced hour by hour and added up.")
_HOUR = 3600
_GIB = 2**30


def quantities(found: Mapping[str, Any]) -> str:
    """Return quantities by resource, in their raw units, as hours: `3.5 core h, 2 GiB h`. Empty for none."""
    units = {
        "cpu": (1000 * _HOUR, _("core h")),
        "memory": (_GIB * _HOUR, _("GiB h")),
        "gpu": (1000 * _HOUR, _("GPU h")),
        "storage": (_GIB * _HOUR, _("GiB h of storage")),
        "units": (1000 * _HOUR, _("rule h")),
        "fee": (1000 * _HOUR, _("h of a fee")),
    }
    texts = [_hours(Decimal(found[one]) / units[one][0], units[one][1]) for one in RESOURCES if found.get(one)]
    return ", ".join(texts)


def _hours(amount: Decimal, unit: str) -> str:
    figure = "<0.01" if amount < Decimal("0.005") else formats.number(amount, None if amount < 100 else 0)
    return f"{figure} {unit}"


def period(ask: Ask) -> str:
    """Return the days of an answer in words."""
    if ask.start == asking.FIRST_DAY:
        return _("until %s") % formats.day(ask.end - asking.DAY)
    if ask.start.day == 1 and ask.end == asking.next_month(ask.start):
        return str(locale_formats.date_format(ask.start, "F Y"))
    if ask.end - ask.start == asking.DAY:
        return formats.day(ask.start)
    return _("%(first)s to %(last)s") % {
        "first": formats.day(ask.start),
        "last": formats.day(ask.end - asking.DAY),
    }


def coverage(standing: selectors.Standing) -> str:
    """Return the coverage in per cent, never rounded up to the whole."""
    share = standing.coverage
    if share is None:
        return formats.ABSENT
    return formats.percent(min(share, Decimal("0.999")) if share < 1 else share)


def notes(ask: Ask, standing: selectors.Standing) -> dict[str, str]:
    """What stands beside the figures in API and file."""
    share = standing.coverage
    return {
        "currency": selectors.currency(),
        "counted_to": formats.iso(standing.counted_to) if standing.counted_to else "nothing counted yet",
        "coverage": "unknown" if share is None else f"{share:.6f}",
        "state": "final" if standing.is_final else "provisional",
        "first_day": formats.day(ask.start),
        "last_day": formats.day(ask.end - asking.DAY),
        "method": METHOD_VERSION,
        "basis": str(BASIS),
    }


@dataclass(frozen=True)
class FirstStep:
    """Why there is no cost, and the one thing to do about it, where the person may."""

    reason: str | Promise
    action: Link | None = None


def first_step(person: Person) -> FirstStep:
    """Return what has to come before there can be a cost."""
    if not Cluster.objects.exclude(state=State.CANDIDATE).exists():
        may = person.scopes_for(Permission.CLUSTER_EDIT).everything
        action = Link(_("Add cluster"), reverse("registry:add")) if may else None
        return FirstStep(_("There is no cluster yet, so nothing costs anything."), action)
    if not Rate.objects.exists():
        return FirstStep(_("There are no prices yet."), _import_prices(person))
    if not CostRun.objects.exists():
        return FirstStep(_("Nothing has been counted yet. Hours are closed every five minutes."))
    return FirstStep(_("Nothing was counted in these days."))


def no_prices(person: Person) -> parts.Action | None:
    """Return the way to the prices where quantities are counted and nothing has a price; None where there are any."""
    if Rate.objects.exists():
        return None
    link = _import_prices(person)
    return parts.Action(link.label, link.url) if link else parts.Action(_("Finance can import them."), "")


def _import_prices(person: Person) -> Link | None:
    return Link(_("Import prices"), reverse("pricing:books")) if person.may(Permission.PRICE_EDIT) else None


# Figures


def stats(rows: Sequence[Mapping[str, Any]], spend: selectors.Spend | None, *, whole: bool) -> list[parts.Stat]:
    """Return the figures that open a page, from the sums of each kind; `whole` = they may hold what no team pays."""
    found = [_total(rows, spend)]
    if whole:
        owned = [row for row in rows if asking.word(row) == asking.WORKLOAD]
        others = [row for row in rows if asking.word(row) != asking.WORKLOAD]
        found.append(_money(_("Paid by teams"), owned, _("workloads of namespaces that a team holds")))
        found.append(_money(_("Paid by no team"), others, _("idle, reserved, fees, shared, unassigned, unattached")))
    bare = quantities({one: sum(row[name] for row in rows) for one, name in selectors.UNPRICED.items()})
    if bare:
        first, _comma, rest = bare.partition(", ")
        found.append(parts.Stat(_("Without a price"), first, rest or _("its cost is unknown"), tone="attention"))
    else:
        found.append(parts.Stat(_("Without a price"), _("nothing"), _("everything has a price"), tone="ok"))
    return found


def _money(label: str, rows: Sequence[Mapping[str, Any]], note: str) -> parts.Stat:
    known = [row["cost"] for row in rows if row["cost"] is not None]
    if not rows:
        return parts.Stat(label, _("nothing"), note)
    if not known:
        return parts.Stat(label, formats.ABSENT, _("unpriced"), tone="attention")
    amount = sum(known, Decimal(0))
    currency = selectors.currency()
    return parts.Stat(label, formats.money(amount, currency), note, title=formats.money_exact(amount, currency))


def _total(rows: Sequence[Mapping[str, Any]], spend: selectors.Spend | None) -> parts.Stat:
    note = ""
    if spend is not None and spend.previous:
        change = (spend.amount - spend.previous) / spend.previous
        sign = "+" if change >= 0 else ""
        note = _("%s against the same time of the month before") % f"{sign}{formats.percent(change)}"
    return _money(_("Total"), rows, note)


def apart(rows: Sequence[Mapping[str, Any]], link: Callable[[Mapping[str, str]], str]) -> list[parts.Fact]:
    """Return what no team pays for, each kind by itself; `link` gives the address of the page narrowed further."""
    found = []
    for word, label in KIND_WORDS.items():
        of_word = [row for row in rows if asking.word(row) == word]
        if word == asking.WORKLOAD or not of_word:
            continue
        stat = _money(str(label), of_word, "")
        url = link({"kind": word, "by": "cluster"})
        value = None if stat.note else stat.value
        found.append(parts.Fact(label, value, url=url, title=stat.title, absent=_("unpriced")))
    return found


def sums_explained(ask: Ask, standing: selectors.Standing) -> parts.Explanation:
    """Say how the amounts of a list are made."""
    to = formats.instant(standing.counted_to) if standing.counted_to else None
    return parts.Explanation(
        formula=_(
            "cost = Σ stored hours; each hour and resource: round(quantity × price ÷ (unit × 3600 s), 12), half up"
        ),
        inputs=[
            parts.Fact(_("Days"), period(ask)),
            parts.Fact(_("Quantity"), _("requested × seconds, cut to what the node has")),
            parts.Fact(_("Price"), _("that of the hour, from the price book that serves the cluster")),
            parts.Fact(_("Counted to"), to, absent=_("not yet")),
            parts.Fact(_("Coverage"), coverage(standing)),
            parts.Fact(_("Method"), METHOD_VERSION),
        ],
        source=_("Split by hour for the stored rows; each leads to its own formula, rate and price book."),
    )


# Panels, and one stored row

MOST_LINES = 12


@dataclass(frozen=True)
class Line:
    """One line of a small table: finished text; an empty `amount` says that nothing has a price."""

    name: str
    note: str
    amount: str
    exact: str
    bare: str = ""
    mono: bool = False


def panel_line(row: Mapping[str, Any], by: str) -> Line:
    """Return a group as a line of a panel."""
    word = asking.word(row)
    name = row["namespace_name"] if by == "namespace" else row["team"]
    cost = row["cost"]
    return Line(
        name=name or str(KIND_WORDS[word]),
        note=row["cluster_name"] if by == "namespace" else "",
        amount="" if cost is None else formats.money(cost),
        exact="" if cost is None else formats.money_exact(cost, selectors.currency()),
        bare=quantities({one: row[column] for one, column in selectors.UNPRICED.items()}),
        mono=bool(by == "namespace" and name),
    )


def row_name(row: CostHour) -> str:
    """Return what a stored row is about."""
    values = {"kind": row.kind, "shared": row.shared, "unassigned": row.team_id is None}
    return row.namespace_name or str(KIND_WORDS[asking.word(values)])


def span(row: CostHour) -> str:
    """Return the part of the hour that a row is about."""
    return f"{row.starts_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} – {row.ends_at.astimezone(UTC):%H:%M:%S} UTC"


def row_facts(found: selectors.Behind) -> list[parts.Fact]:
    """Return whose a row is, since when, and how it was counted."""
    row, run = found.row, found.run
    values = {"kind": row.kind, "shared": row.shared, "unassigned": row.team_id is None}
    facts = [
        parts.Fact(_("Kind"), KIND_WORDS[asking.word(values)]),
        parts.Fact(_("Cluster"), row.cluster_name),
        parts.Fact(_("Namespace"), row.namespace_name or None, mono=True, absent=_("none")),
        parts.Fact(_("Team"), row.team_name or None, absent=_("no team")),
        parts.Fact(_("Project"), row.project_name or None, absent=_("no project")),
        parts.Fact(_("Owner's span"), span(row), title=_("In it, owner and shared mark stayed the same.")),
        parts.Fact(_("Price key"), str(found.key) if found.key else None, mono=True, absent=_("none: node never seen")),
    ]
    if row.overcommitted:
        facts.append(parts.Fact(_("Cut"), _("more was requested than the node has; quantities are cut to it")))
    if run is not None:
        facts += [
            parts.Fact(_("State"), RunState(run.state).label),
            parts.Fact(_("Counted to"), formats.instant(run.counted_to)),
            parts.Fact(_("Coverage"), f"{run.counted_seconds} / {run.due_seconds} s"),
            parts.Fact(_("Closed"), formats.instant(run.closed_at)),
            parts.Fact(_("Method"), run.method),
        ]
    return facts


def pod_line(pod: PodHour) -> Line:
    """Return what of a row falls to one pod."""
    return Line(
        name=pod.name,
        note=f"{pod.owner_kind} {pod.owner_name}".strip(),
        amount="" if pod.amount is None else formats.money(pod.amount),
        exact="" if pod.amount is None else formats.money_exact(pod.amount, selectors.currency()),
        mono=True,
    )


def pods_cut(found: selectors.Behind) -> str:
    """Say that not all pods are listed, where that is so."""
    if found.pod_count <= len(found.pods):
        return ""
    return _("%(all)s in total, the %(shown)s dearest are listed.") % {
        "all": formats.number(found.pod_count),
        "shown": formats.number(len(found.pods)),
    }
