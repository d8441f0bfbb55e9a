"""The one list of costs, split as asked, and the list of closed hours."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Case, DecimalField, F, Q, TextField, Value, When
from django.db.models.functions import Cast
from django.http import QueryDict
from django.urls import reverse
from django.utils import formats as locale_formats
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from billing.ledger import asking, presenting, selectors
from billing.ledger.asking import Ask
from billing.ledger.models import CostProjectDay, RunState
from clusters.projects.models import Project, Team
from clusters.registry.models import Cluster, State
from portal.access.permissions import Permission
from portal.access.scopes import Person
from portal.core import clock, formats, listing, periods
from portal.core.listing import BadQuery, Column, Filter, Health, Link, Missing, Row
from portal.core.listing.page import Address, Empty

# A close each five minutes after a pass each half minute, and one of each that may be late.
STALE_AFTER = timedelta(minutes=12)
SPLITS = {
    "team": _("team"),
    "project": _("project"),
    "cluster": _("cluster"),
    "namespace": _("namespace"),
    "day": _("day"),
    "kind": _("kind"),
    asking.HOUR: _("hour"),
}


def address(given: Mapping[str, str]) -> str:
    """Return the address of the costs page with these parameters."""
    return f"{reverse('ledger:costs')}?{urlencode(given)}" if given else reverse("ledger:costs")


def split_choices(_user: Person) -> list[tuple[str, Any]]:
    """Return what costs can be split by."""
    return list(SPLITS.items())


def month_choices(user: Person) -> list[tuple[str, str]]:
    """Return the months from the first cost the person may see to the present one, newest first."""
    month = periods.billing_day(clock.now(), selectors.zone()).replace(day=1)
    first = (selectors.first_day(user) or month).replace(day=1)
    found: list[tuple[str, str]] = []
    while month >= first or not found:
        found.append((f"{month:%Y-%m}", locale_formats.date_format(month, "F Y")))
        month = (month - asking.DAY).replace(day=1)
    return found


def team_choices(user: Person) -> list[tuple[str, str]]:
    """Return the teams whose cost the person may see, closed ones too: they have a past."""
    found = Team.objects.visible_to(user, Permission.COST_VIEW)
    return list(found.order_by("name", "slug").values_list("slug", "name").distinct())


def project_choices(user: Person) -> list[tuple[str, str]]:
    """Return the projects of which the person sees a cost: those of now, and those their team once had."""
    found = Project.objects.visible_to(user, Permission.COST_VIEW)
    teams = user.scopes_for(Permission.COST_VIEW).teams
    if teams:
        once = CostProjectDay.objects.filter(team_id__in=teams, project_id__isnull=False).values("project_id")
        found = Project.objects.filter(Q(pk__in=found.values("pk")) | Q(pk__in=once))
    return list(found.order_by("name", "slug").values_list("slug", "name").distinct())


def cluster_choices(user: Person) -> list[tuple[str, str]]:
    """Return the clusters, detached ones too, in which the person may see a cost."""
    found = Cluster.objects.exclude(state=State.CANDIDATE)
    if not user.scopes_for(Permission.COST_VIEW).everything:
        found = found.filter(pk__in=selectors.visible(CostProjectDay, user).values("cluster_id"))
    return list(found.order_by("name", "slug").values_list("slug", "name"))


def kind_choices(user: Person) -> list[tuple[str, Any]]:
    """Return the kinds of cost the person may see."""
    everything = user.scopes_for(Permission.COST_VIEW).everything
    return [(word, text) for word, text in presenting.KIND_WORDS.items() if everything or word == asking.WORKLOAD]


def bare_text(row: Row) -> str:
    """Return the quantities of a row that have no price, in words."""
    return presenting.quantities({one: row[name] for one, name in selectors.UNPRICED.items()})


def kind_text(row: Row) -> str:
    """Return why the row is there, in words."""
    return str(presenting.KIND_WORDS[asking.word(row)])


_WHO = {
    "team": Column("team", _("Team"), absent=_("no team")),
    "project": Column("project", _("Project"), absent=_("no project")),
    "cluster": Column("cluster_name", _("Cluster")),
    "namespace": Column("namespace_name", _("Namespace"), "code"),
    "owner": Column("project", _("Project"), on_page=False, absent=_("no project")),
    "day": Column("day", _("Day"), "day"),
    "start": Column("starts_at", _("From"), "instant", show=lambda row: formats.instant(row["starts_at"])),
    "end": Column("ends_at", _("To"), "instant", on_page=False),
    "what": Column("what", _("Kind"), show=kind_text, in_export=False),
}
_IDS = {
    "team": Column("team_id", _("Team id"), on_page=False, absent=_("none")),
    "project": Column("project_id", _("Project id"), on_page=False, absent=_("none")),
    "cluster": Column("cluster_id", _("Cluster id"), on_page=False),
    "namespace": Column("namespace_uid", _("Namespace uid"), "code", on_page=False),
    "team_slug": Column("team_slug", _("Team's slug"), "code", on_page=False),
    "project_slug": Column("project_slug", _("Project's slug"), "code", on_page=False),
    "cluster_slug": Column("cluster_slug", _("Cluster's slug"), "code", on_page=False),
    "key": Column("price_key_id", _("Price key"), "number", on_page=False, absent=_("none")),
    "over": Column("overcommitted", _("Overcommitted"), "flag", on_page=False),
}
_KIND = (
    Column("kind", _("Kind"), on_page=False),
    Column("shared", _("Shared"), "flag", on_page=False),
    Column("unassigned", _("Unassigned"), "flag", on_page=False),
)
_PAGE_PARTS = {"cpu": _("CPU"), "memory": _("Memory"), "gpu": _("GPU"), "storage": _("Storage")}
_OTHER_PARTS = {"units": _("Load balancers"), "fee": _("Fees")}
_FIGURES = (
    *(
        Column(selectors.COSTS[one], label, "money", total=True, absent=_("unpriced"), on_page=one in _PAGE_PARTS)
        for one, label in {**_PAGE_PARTS, **_OTHER_PARTS}.items()
    ),
    Column("cost", _("Cost"), "money", total=True, absent=_("unpriced")),
    Column("bare", _("Without a price"), "number", show=bare_text, in_export=False),
    Column("currency", _("Currency"), on_page=False),
    *(Column(name, name, "number", on_page=False) for name in selectors.QUANTITIES.values()),
    *(Column(name, name, "number", on_page=False) for name in selectors.UNPRICED.values()),
)
_TEAM, _PROJECT, _CLUSTER = (
    ("team", "team_slug"),
    ("project", "project_slug"),
    ("cluster", "cluster_slug"),
)
# Split -> what its rows are told apart by: columns in reading order, then ids.
_SHOWN: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "team": (("team", "what"), _TEAM),
    "project": (("project", "team", "what"), (*_PROJECT, *_TEAM)),
    "cluster": (("cluster", "what"), _CLUSTER),
    "namespace": (
        ("namespace", "cluster", "project", "team", "what"),
        ("namespace", *_CLUSTER, *_PROJECT, *_TEAM),
    ),
    "day": (("day", "what"), ()),
    "kind": (("what",), ()),
    asking.HOUR: (
        ("start", "end", "namespace", "cluster", "owner", "team", "what"),
        ("namespace", *_CLUSTER, *_PROJECT, *_TEAM, "key", "over"),
    ),
}
_NAMED = {"team": "team", "project": "project", "cluster": "cluster_name", "namespace": "namespace_name", "day": "day"}


def _columns(by: str, links: Mapping[str, Callable[[Row], str]]) -> tuple[Column, ...]:
    """Return the columns of a split; `links` by the column that carries them."""
    who, ids = _SHOWN[by]
    shown = [replace(_WHO[one], href=links.get(one)) for one in who]
    currency = selectors.currency()
    figures = [replace(one, unit=currency) if one.kind == "money" else one for one in _FIGURES]
    return (*shown, *(_IDS[one] for one in ids), *_KIND, *figures)


# What the split of some answer has: for the description of the API.
_EVERY = (*(one for key, one in _WHO.items() if key != "owner"), *_IDS.values(), *_KIND, *_FIGURES)


class CostList(listing.Listing):
    """Costs of billing days, split by one thing. Kinds that no team pays for are rows of their own."""

    key = "costs"
    title = _("Costs")
    permission = Permission.COST_VIEW
    columns: Sequence[Column] = _EVERY  # type: ignore[misc] # each split has its own
    filters: Sequence[Filter] = (  # type: ignore[misc] # the present month is chosen where no days are
        Filter("by", _("Split by"), choices=split_choices, default="team"),
        Filter("month", _("Month"), choices=month_choices),
        Filter("team", _("Team"), choices=team_choices),
        Filter("project", _("Project"), choices=project_choices),
        Filter("cluster", _("Cluster"), choices=cluster_choices),
        Filter("namespace", _("Namespace"), "text"),
        Filter("kind", _("Kind"), choices=kind_choices),
        Filter("from", _("From day"), "day"),
        Filter("to", _("Before day"), "day"),
    )
    orders: Mapping[str, Sequence[str]] = {"cost": ("cost",)}  # type: ignore[misc] # per split
    default_order = "-cost"

    def __init__(self, **scope: Any) -> None:
        """Scope: `by` is the split, as the address has it (one that is not known is refused when the query is read);
        `days` says that the address names days, so that no month is meant.
        """
        super().__init__(**scope)
        by = scope.get("by") or "team"
        self.by = by if by in SPLITS else "team"
        self.columns = _columns(self.by, self._links())
        self.orders = self._orders()
        if not scope.get("days"):
            month = f"{periods.billing_day(clock.now(), selectors.zone()):%Y-%m}"
            self.filters = [replace(one, default=month) if one.key == "month" else one for one in self.filters]
        self.here: Address = Address(reverse("ledger:costs"), {}, "")
        self._asked: tuple[listing.Params, Ask] | None = None
        self._standings: dict[Ask, selectors.Standing] = {}

    def parse(self, user: Any, given: QueryDict, *, at: datetime, strict: bool = False) -> listing.Params:
        """Understand a query string, and keep it for the links of the rows."""
        params = super().parse(user, given, at=at, strict=strict)
        self.here = Address(self.here.path, params.given, "")
        return params

    def ask(self, params: listing.Params) -> Ask:
        """Return what the parameters ask for. Raises `BadQuery`."""
        if self._asked is None or self._asked[0] is not params:
            self._asked = (params, _ask(self.by, params))
        return self._asked[1]

    def rows(self, user: Person, params: listing.Params) -> Any:
        """Sums of the coarsest table that answers, or stored hours."""
        ask = self.ask(params)
        if ask.too_many_hours:
            most = asking.HOUR_DAYS_OF_ONE if ask.team or ask.project else asking.HOUR_DAYS
            raise BadQuery("by", _now("Hours are listed for at most %(n)d days at once.") % {"n": most})
        stored = selectors.narrowed(user, ask)
        found = selectors.stored_hours(stored) if self.by == asking.HOUR else selectors.grouped(stored, ask)
        return found.annotate(currency=Value(selectors.currency(), output_field=TextField()))

    def standing(self, user: Person, params: listing.Params) -> selectors.Standing:
        """Return how far the rows are counted."""
        ask = self.ask(params)
        known = self._standings.get(ask)
        if known is None:
            known = self._standings[ask] = selectors.standing(user, ask, params.at)
        return known

    def health(self, user: Person, params: listing.Params) -> Health:
        """How far back the oldest cluster is, and which lag behind the others; days that are over do not age."""
        standing = self.standing(user, params)
        late = standing.behind(STALE_AFTER)
        reason = _now("charged up to its last confirmation")
        return Health(
            data_at=standing.counted_to,
            total=len([one for one in standing.clusters if one.attached]),
            missing=[Missing(one.name, one.counted_to, reason) for one in late],
            stale_after=None if standing.ended else STALE_AFTER,
        )

    def notes(self, user: Person, params: listing.Params) -> Mapping[str, str]:
        """What must stand beside the figures in API and file."""
        return presenting.notes(self.ask(params), self.standing(user, params))

    def empty_action(self, user: Person) -> Link | None:
        """The one thing to do before there can be a cost."""
        return presenting.first_step(user).action

    def _empty(self, user: Person, params: listing.Params, health: Health, here: Address) -> Empty:
        found = super()._empty(user, params, health, here)
        return replace(found, reason=presenting.first_step(user).reason) if found.form == "no_data" else found

    def _orders(self) -> dict[str, tuple[str, ...]]:
        if self.by == asking.HOUR:
            return {name: (name, "id") for name in ("starts_at", "cost", "namespace_name")}
        unique = asking.unique(self.by)
        found = {"cost": ("cost", *unique)}
        name = _NAMED.get(self.by)
        if name:
            found[name] = tuple(dict.fromkeys((name, *unique)))
        return found

    def _default_order(self) -> str:
        return {"day": "day", asking.HOUR: "starts_at"}.get(self.by, "-cost")

    def _links(self) -> dict[str, Callable[[Row], str]]:
        first = _SHOWN[self.by][0][0]
        if self.by == asking.HOUR:
            return {first: _row_url}
        links: dict[str, Callable[[Row], str]] = {"what": self._by_kind}
        if first != "what":
            links[first] = self._onward
        return links

    def _onward(self, row: Row) -> str:
        """The next split of what the row is about; nothing where a name is not known any more."""
        changes = {"by": asking.NEXT[self.by]}
        if self.by == "day":
            day: date = row["day"]
            changes |= {"from": day.isoformat(), "to": (day + asking.DAY).isoformat(), "month": ""}
        elif self.by in ("team", "project"):
            changes[self.by] = row[f"{self.by}_slug"]
        else:
            changes["cluster"] = row["cluster_slug"]
        if self.by == "namespace":
            changes["namespace"] = row["namespace_name"]
            if not row["namespace_name"]:
                return ""
        word = asking.word(row)
        return self.here.to(**changes, **({} if word == asking.WORKLOAD else {"kind": word}))

    def _by_kind(self, row: Row) -> str:
        """The same days, of this kind alone."""
        word = asking.word(row)
        by = "cluster" if self.by in ("team", "project", "kind") and word != asking.WORKLOAD else self.by
        return self.here.to(kind=word, by="team" if self.by == "kind" and word == asking.WORKLOAD else by)


def _row_url(row: Row) -> str:
    """The page of one stored row; a close replaces rows, so the address names what it is about."""
    parts = {
        "cluster": row["cluster_slug"],
        "start": formats.iso(row["starts_at"]),
        "kind": row["kind"],
        "namespace": row["namespace_uid"],
        "key": "" if row["price_key_id"] is None else str(row["price_key_id"]),
    }
    return f"{reverse('ledger:row')}?{urlencode({name: text for name, text in parts.items() if text})}"


def _ask(by: str, params: listing.Params) -> Ask:
    filters = params.filters
    today = periods.billing_day(params.at, selectors.zone())
    start, end = asking.days(filters["month"], filters["from"], filters["to"], today)
    return Ask(
        start,
        end,
        by=by,
        team=_id_of(Team, filters["team"]),
        project=_id_of(Project, filters["project"]),
        cluster=_id_of(Cluster, filters["cluster"]),
        namespace=filters["namespace"] or "",
        kind=filters["kind"] or "",
    )


def _id_of(table: Any, slug: str | None) -> UUID | None:
    if not slug:
        return None
    found: UUID = table.objects.values_list("pk", flat=True).get(slug=slug)
    return found


class RunList(listing.Listing):
    """Closed hours: up to when each was counted, with which prices, and whether it may still change."""

    key = "cost-runs"
    title = _("Closed hours")
    permission = Permission.COST_VIEW
    columns = (
        Column("hour", _("Hour"), "instant"),
        Column("cluster_name", _("Cluster")),
        Column(
            "state",
            _("State"),
            "state",
            states={
                RunState.PROVISIONAL.value: ("busy", RunState.PROVISIONAL.label),
                RunState.FINAL.value: ("plain", RunState.FINAL.label),
            },
        ),
        Column("counted_to", _("Counted to"), "instant"),
        Column("coverage", _("Coverage"), "percent"),
        Column("counted_seconds", _("Counted seconds"), "number"),
        Column("due_seconds", _("Seconds due"), "number"),
        Column("currency", _("Currency")),
        Column("method", _("Method")),
        Column("price_book_id", _("Price book"), absent=_("none")),
        Column("price_version", _("Version of the price book"), "number", absent=_("none")),
        Column("number", _("Run"), "number"),
        Column("closed_at", _("Closed"), "instant"),
        Column("cluster_id", _("Cluster id")),
        Column("id", _("Id"), "number"),
    )
    filters = (
        Filter("cluster", _("Cluster"), choices=cluster_choices, lookup="cluster__slug"),
        Filter("state", _("State"), choices=lambda _user: list(RunState.choices), lookup="state"),
        Filter("from", _("From day"), "day"),
        Filter("to", _("Before day"), "day"),
    )
    orders = {"hour": ("hour", "id")}
    default_order = "-hour"

    def rows(self, user: Person, params: listing.Params) -> Any:
        """The runs of the clusters in which the person sees a cost."""
        ratio: DecimalField[Any, Any] = DecimalField(max_digits=12, decimal_places=6)
        found = selectors.visible_runs(user)
        if params.filters["from"]:
            found = found.filter(hour__gte=selectors.begins(params.filters["from"]))
        if params.filters["to"]:
            found = found.filter(hour__lt=selectors.begins(params.filters["to"]))
        share = Cast(F("counted_seconds"), ratio) / Cast(F("due_seconds"), ratio)
        return found.annotate(
            coverage=Case(When(due_seconds=0, then=Value(None)), default=share, output_field=ratio),
            cluster_name=F("cluster__name"),
        ).values(*(column.key for column in self.columns))
