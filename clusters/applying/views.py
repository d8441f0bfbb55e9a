"""What Paddock writes to a cluster, what others made of it, and what claims to be Paddock's and is not."""

from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from clusters.applying import presenting, services
from clusters.applying.models import AppliedObject, Foreign, WriteLease
from clusters.registry.models import Cluster
from portal.access import gate
from portal.access.permissions import Permission
from portal.core import clock, parts


@require_GET
@gate.requires(Permission.CLUSTER_VIEW)
def written(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what is written to a cluster; with `object` one of the objects as YAML."""
    cluster = _visible(request, slug)
    may_write = gate.person(request).scopes_for(Permission.CLUSTER_WRITE).covers(cluster=cluster.pk)
    applied = AppliedObject.objects.filter(cluster=cluster)
    return render(
        request,
        "clusters/applying/written.html",
        {
            "title": _("Written to %s") % cluster.name,
            "about": _("Objects that Paddock makes and keeps true there. They stay when Paddock goes."),
            "crumbs": [parts.Crumb(_("Clusters"), "/clusters/"), parts.Crumb(cluster.name, cluster.get_absolute_url())],
            "cluster": cluster,
            "lease": WriteLease.objects.filter(pk=cluster.pk).first(),
            "lines": presenting.lines(applied),
            "counts": presenting.counts(applied),
            "findings": presenting.findings(Foreign.objects.filter(cluster=cluster)),
            "shown": presenting.shown(_one(applied, request.GET.get("object", ""))),
            "may_write": may_write,
        },
    )


@require_POST
@gate.requires(Permission.CLUSTER_WRITE)
def decide(request: HttpRequest, slug: str) -> HttpResponse:
    """Decide about one object: what somebody else changed, or what is none of ours."""
    cluster = _writable(request, slug)
    by, at, choice = gate.actor_of(request), clock.now(), request.POST.get("choice", "")
    applied = _one(AppliedObject.objects.filter(cluster=cluster), request.POST.get("applied", ""))
    foreign = _finding(cluster, request.POST.get("foreign", ""))
    if applied is not None and choice == "restore":
        services.restore(applied=applied, by=by)
    elif applied is not None and choice == "accept":
        services.accept(applied=applied, by=by)
    elif foreign is not None and choice == "remove":
        services.remove_foreign(foreign=foreign, by=by, at=at)
    elif foreign is not None and choice == "leave":
        services.leave_foreign(foreign=foreign, by=by, at=at)
    elif foreign is not None and choice == "take_over":
        services.take_over(foreign=foreign, by=by, at=at)
    else:
        raise Http404
    messages.success(request, _("Decided. The cluster follows within seconds."))
    return redirect(reverse("applying:written", args=[slug]))


@require_POST
@gate.requires(Permission.CLUSTER_WRITE)
def resume(request: HttpRequest, slug: str) -> HttpResponse:
    """Let writing to a stopped cluster go on."""
    services.resume(cluster=_writable(request, slug), by=gate.actor_of(request))
    messages.success(request, _("Paddock writes to this cluster again."))
    return redirect(reverse("applying:written", args=[slug]))


@require_POST
@gate.requires(Permission.CLUSTER_WRITE)
def stop(request: HttpRequest, slug: str) -> HttpResponse:
    """Write nothing more to a cluster until somebody lets it go on."""
    services.stop(cluster=_writable(request, slug), by=gate.actor_of(request), at=clock.now())
    messages.success(request, _("Nothing is written to this cluster until somebody lets it go on."))
    return redirect(reverse("applying:written", args=[slug]))


def _visible(request: HttpRequest, slug: str) -> Cluster:
    return get_object_or_404(Cluster.objects.visible_to(gate.person(request)), slug=slug)


def _writable(request: HttpRequest, slug: str) -> Cluster:
    cluster = _visible(request, slug)
    gate.demand(request, Permission.CLUSTER_WRITE, cluster=cluster.pk)
    return cluster


def _one(rows: QuerySet[AppliedObject], key: str) -> AppliedObject | None:
    found = _uuid(key)
    return rows.select_related("cluster").filter(pk=found).first() if found else None


def _finding(cluster: Cluster, key: str) -> Foreign | None:
    found = _uuid(key)
    return Foreign.objects.filter(cluster=cluster, pk=found).first() if found else None


def _uuid(key: str) -> UUID | None:
    try:
        return UUID(key)
    except ValueError:
        return None
