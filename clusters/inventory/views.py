"""Pages of the inventory."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from clusters.inventory import lists, occurred, presenting, selectors, services
from clusters.inventory.models import Node, Pod, Stream, Workload
from clusters.registry.models import Cluster
from portal.access import gate
from portal.access.permissions import Permission
from portal.core import clock, listing
from portal.core.listing import ListPage


class InventoryPage(gate.Gated, listing.ListView):
    """A list over all clusters, with the other lists beside it."""

    permission = Permission.INVENTORY_VIEW
    template_name = "clusters/inventory/list.html"

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """Title and tabs."""
        return {
            "title": page.title,
            "tabs": presenting.tabs(gate.person(request), request.GET, page.key),
        }


class Workloads(InventoryPage):
    """Workloads over all clusters."""

    listing = lists.WorkloadList


class Pods(InventoryPage):
    """Pods over all clusters."""

    listing = lists.PodList


class Nodes(InventoryPage):
    """Nodes over all clusters."""

    listing = lists.NodeList


class Namespaces(InventoryPage):
    """Namespaces over all clusters."""

    listing = lists.NamespaceList


class PodsOfWorkload(gate.Gated, listing.ListView):
    """A workload: what it is, its pods, what made it and what it made."""

    permission = Permission.INVENTORY_VIEW
    listing = lists.PodList
    template_name = "clusters/inventory/workload.html"

    def scope(self, request: HttpRequest) -> dict[str, Any]:
        """The workload of the address."""
        visible = Workload.objects.visible_to(gate.person(request)).select_related("cluster")
        return {"workload": get_object_or_404(visible, pk=self.kwargs["pk"])}

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """Facts, the workloads it made, and the object itself."""
        workload: Workload = self.scope(request)["workload"]
        made = lists.WorkloadList(parent=workload)
        return {
            "title": workload.name,
            "crumbs": presenting.crumbs("workloads", _("Workloads"), workload.cluster),
            "data_at": selectors.confirmed_at(workload.cluster_id, lists.WorkloadList.kinds),
            "facts": presenting.of_workload(workload, selectors.owner_of(workload)),
            "made": made.page(request.user, request.GET.__class__(), at=page.at, path=page.path),
            "events": occurred.about(workload),
            "body": selectors.body_of(workload),
            "observed": workload,
        }


class PodsOfNode(gate.Gated, listing.ListView):
    """A node: what it is, how full it is, and its pods."""

    permission = Permission.INVENTORY_VIEW
    listing = lists.PodList
    template_name = "clusters/inventory/node.html"

    def scope(self, request: HttpRequest) -> dict[str, Any]:
        """The node of the address."""
        visible = Node.objects.visible_to(gate.person(request)).select_related("cluster")
        return {"node": get_object_or_404(visible, pk=self.kwargs["pk"])}

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """Facts, what is reserved, and the object itself."""
        node: Node = self.scope(request)["node"]
        return {
            "title": node.name,
            "crumbs": presenting.crumbs("nodes", _("Nodes"), node.cluster),
            "data_at": selectors.confirmed_at(node.cluster_id, lists.NodeList.kinds),
            "facts": presenting.of_node(node),
            "bars": presenting.bars(node, selectors.requested_on(node)),
            "body": selectors.body_of(node),
            "observed": node,
        }


@require_GET
@gate.requires(Permission.INVENTORY_VIEW)
def pod(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a pod."""
    visible = Pod.objects.visible_to(gate.person(request)).select_related("cluster")
    found = get_object_or_404(visible, pk=pk)
    return render(
        request,
        "clusters/inventory/pod.html",
        {
            "title": found.name,
            "crumbs": presenting.crumbs("pods", _("Pods"), found.cluster),
            "data_at": selectors.confirmed_at(found.cluster_id, lists.PodList.kinds),
            "facts": presenting.of_pod(found, selectors.top_of(found)),
            "events": occurred.about(found),
            "body": selectors.body_of(found),
            "observed": found,
        },
    )


@require_GET
@gate.requires(Permission.CLUSTER_VIEW)
def streams_panel(request: HttpRequest, slug: str) -> HttpResponse:
    """The fragment of a cluster's page that says how each kind was read."""
    person = gate.person(request)
    cluster = get_object_or_404(Cluster.objects.visible_to(person), slug=slug)
    return render(
        request,
        "clusters/inventory/_streams.html",
        {
            "lines": presenting.lines(selectors.streams_of(cluster)),
            "unseen": ", ".join(selectors.unseen_kinds(cluster)),
            "may_edit": person.scopes_for(Permission.CLUSTER_EDIT).covers(cluster=cluster.pk),
        },
    )


@require_GET
@gate.requires(Permission.CLUSTER_VIEW)
def fleet_panel(request: HttpRequest) -> HttpResponse:
    """The fragment over the list of clusters that says how fresh each of them is."""
    at = clock.now()
    lines = presenting.fleet(selectors.fleet(gate.person(request)), at)
    return render(request, "clusters/inventory/_fleet.html", {"lines": lines, "at": at})


@require_POST
@gate.requires(Permission.CLUSTER_EDIT)
def release_hold(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm the deletions of a kind that were held back."""
    clusters = Cluster.objects.visible_to(gate.person(request), Permission.CLUSTER_EDIT)
    stream = get_object_or_404(Stream.objects.select_related("cluster"), pk=pk, cluster__in=clusters)
    gate.demand(request, Permission.CLUSTER_EDIT, cluster=stream.cluster_id)
    services.release_hold(stream=stream, by=gate.actor_of(request))
    messages.success(request, _("Confirmed. The next pass takes the list as it is."))
    return redirect(stream.cluster)
