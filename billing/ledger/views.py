"""Pages of costs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from billing.ledger import asking, charting, explaining, lists, presenting, selectors
from billing.ledger.asking import Ask
from billing.ledger.models import CostProjectDay
from clusters.projects import selectors as ownership
from clusters.projects.models import Project
from clusters.registry.models import Cluster, State
from portal.access import gate
from portal.access.permissions import Permission
from portal.core import clock, parts, periods
from portal.core.listing import ListPage, ListView


class Costs(gate.Gated, ListView):
    """Costs of a month or of days, from all down to the hour, at one address."""

    permission = Permission.COST_VIEW
    listing = lists.CostList
    template_name = "billing/ledger/costs.html"
    fragment_name = "billing/ledger/_costs.html"

    def scope(self, request: HttpRequest) -> dict[str, Any]:
        """The split decides the columns."""
        given = request.GET
        return {"by": given.get("by", ""), "days": bool(given.get("from") or given.get("to"))}

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """The way down to here, and what opens the page."""
        context = {"about": presenting.ABOUT, "no_prices": presenting.no_prices(gate.person(request))}
        if page.problem:
            return context
        return {**context, **_heading(request, page), **self.fragment_context(request, page)}

    def fragment_context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """Figures and chart above the table: they follow its filters."""
        if page.problem:
            return {}
        declared = self.listing(**self.scope(request))
        params = declared.parse(request.user, request.GET, at=page.at)
        kept = {name: text for name, text in params.given.items() if name not in ("by", "month", "from", "to")}
        return {"summary": _summary(request, declared.ask(params), page.at, kept)}


def _heading(request: HttpRequest, page: ListPage) -> dict[str, Any]:
    """Return title and breadcrumb: each filter that leads down is a step."""
    steps = [(field.key, field) for field in page.filters if field.key in ("team", "project", "cluster", "namespace")]
    given = request.GET.copy()
    for name in ("cursor", "order", "size", "format", "by"):
        given.pop(name, None)
    crumbs = [parts.Crumb(_("Costs"), reverse("ledger:costs"))]
    kept = {name: str(given[name]) for name in ("month", "from", "to", "kind") if given.get(name)}
    names = []
    for key, field in steps:
        if not given.get(key):
            continue
        kept |= {key: str(given[key]), "by": asking.NEXT[key]}
        label = next((option.label for option in field.options if option.chosen), field.value)
        names.append(label)
        crumbs.append(parts.Crumb(label, lists.address(kept)))
    if not names:
        return {"title": _("Costs")}
    return {"title": _("Costs of %s") % names[-1], "crumbs": crumbs[:-1]}


def _summary(
    request: HttpRequest, ask: Ask, at: datetime, kept: Mapping[str, str], key: str = "costs"
) -> dict[str, Any]:
    """Return what stands above the rows of an answer: how far it is counted, figures, chart, formula.

    `kept` are the parameters that every link onward keeps, without those of the days.
    """

    def within(changes: Mapping[str, str]) -> str:
        return lists.address({**kept, **changes})

    person = gate.person(request)
    everything = person.scopes_for(Permission.COST_VIEW).everything
    owned = ask.team or ask.project or ask.namespace
    standing = selectors.standing(person, ask, at)
    rows = selectors.by_kind(person, ask)
    month = ask.start.day == 1 and ask.end == asking.next_month(ask.start)
    running = month and not standing.ended
    spend = selectors.spend(person, at, ask) if running and rows else None
    cells = selectors.cells(person, ask) if rows else []
    counted = selectors.counted_days(person, ask)
    days = {"from": ask.start.isoformat(), "to": ask.end.isoformat()}
    split = lists.SPLITS.get(ask.by if ask.by in ("team", "project", "cluster", "namespace") else "kind", "")
    return {
        "period": presenting.period(ask),
        "standing": standing,
        "coverage": presenting.coverage(standing),
        "currency": selectors.currency(),
        "basis": presenting.BASIS,
        "stats": presenting.stats(rows, spend, whole=everything and not owned) if rows else [],
        "apart": presenting.apart(rows, lambda changes: within({**days, **changes})) if not ask.kind else [],
        "chart": charting.chart(
            cells,
            charting.Frame(
                key=key,
                title=_("Cost by day and %s") % split,
                ask=ask,
                counted=counted,
                today=periods.billing_day(at, selectors.zone()),
                coverage=_("Coverage %s. What no team pays for is grey.") % presenting.coverage(standing),
                link=within,
            ),
        ),
        "explanation": presenting.sums_explained(ask, standing) if rows else None,
        "at": at,
    }


@require_GET
@gate.requires(Permission.COST_VIEW)
def row(request: HttpRequest) -> HttpResponse:
    """Show one stored row: each resource with its formula, rate and price book, and the pods behind it."""
    person = gate.person(request)
    found = selectors.behind(person, **_named(request))
    if found is None:
        raise Http404
    stored = found.row
    everything = {"cluster": stored.cluster.slug, "from": stored.day.isoformat()}
    day = {**everything, "to": (stored.day + asking.DAY).isoformat(), "by": asking.HOUR}
    if stored.namespace_name:
        day["namespace"] = stored.namespace_name
    context = {
        "title": _("%(who)s, %(when)s") % {"who": presenting.row_name(stored), "when": presenting.span(stored)},
        "about": _("One stored row of the ledger: every sum adds up rows like this."),
        "crumbs": [
            parts.Crumb(_("Costs"), reverse("ledger:costs")),
            parts.Crumb(stored.day.isoformat(), lists.address(day)),
        ],
        "row": stored,
        "facts": presenting.row_facts(found),
        "lines": explaining.lines(found),
        "pods": [presenting.pod_line(pod) for pod in found.pods],
        "cut": presenting.pods_cut(found),
        "currency": found.run.currency if found.run else selectors.currency(),
        "basis": presenting.BASIS,
        "book_url": found.book.get_absolute_url() if found.book and person.may(Permission.PRICE_VIEW) else "",
    }
    return render(request, "billing/ledger/row.html", context)


def _named(request: HttpRequest) -> dict[str, Any]:
    """Read which row is meant; what cannot be read names none."""
    given = request.GET
    try:
        start = datetime.fromisoformat(given.get("start", ""))
        key = int(given["key"]) if given.get("key") else None
    except ValueError:
        raise Http404 from None
    if start.tzinfo is None or any("\0" in text for text in given.values()) or (key and key >= 2**63):
        raise Http404
    return {
        "slug": given.get("cluster", ""),
        "start": start,
        "kind": given.get("kind", ""),
        "namespace": given.get("namespace", ""),
        "key": key,
    }


@require_GET
@gate.requires(Permission.COST_VIEW)
def project_panel(request: HttpRequest, slug: str) -> HttpResponse:
    """The fragment of a project's page: this month by namespace."""
    project = get_object_or_404(Project.objects.visible_to(gate.person(request)), slug=slug)
    owner = ownership.team_of(project)
    gate.demand(request, Permission.COST_VIEW, project=project.pk, team=owner.pk if owner else None)
    return _panel(request, "namespace", {"project": project.slug}, project=project)


@require_GET
@gate.requires(Permission.COST_VIEW)
def cluster_panel(request: HttpRequest, slug: str) -> HttpResponse:
    """The fragment of a cluster's page: this month by team."""
    person = gate.person(request)
    clusters = Cluster.objects.exclude(state=State.CANDIDATE)
    if not person.scopes_for(Permission.COST_VIEW).everything:
        clusters = clusters.filter(pk__in=selectors.visible(CostProjectDay, person).values("cluster_id"))
    cluster = get_object_or_404(clusters, slug=slug)
    return _panel(request, "team", {"cluster": cluster.slug}, cluster=cluster)


def _panel(
    request: HttpRequest,
    by: str,
    filters: dict[str, str],
    *,
    project: Project | None = None,
    cluster: Cluster | None = None,
) -> HttpResponse:
    at = clock.now()
    month = periods.billing_day(at, selectors.zone()).replace(day=1)
    ask = Ask(
        month,
        asking.next_month(month),
        by=by,
        project=project.pk if project else None,
        cluster=cluster.pk if cluster else None,
    )
    summary = _summary(request, ask, at, filters, f"panel-{by}")
    person = gate.person(request)
    rows = selectors.dearest(person, ask, presenting.MOST_LINES) if summary["stats"] else []
    context = {
        "at": at,
        "summary": summary,
        "lines": [presenting.panel_line(found, by) for found in rows],
        "heading": lists.SPLITS[by],
        "reason": presenting.first_step(person).reason,
        "costs_url": lists.address({**filters, "by": by}),
    }
    return render(request, "billing/ledger/_panel.html", context)
