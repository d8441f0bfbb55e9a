"""The lists over all clusters: namespaces, nodes, pods, workloads, each with its cluster beside its namespace."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Case, F, Func, Q, QuerySet, TextField, Value, When
from django.utils.translation import gettext_lazy as _

from clusters.inventory import conditions, selectors
from clusters.inventory.models import Namespace, Node, Pod, Workload
from clusters.registry.models import Cluster
from portal.access.permissions import Permission
from portal.access.scopes import Person, ScopeKind
from portal.accounts.bindings import scope_names
from portal.core import errors, listing
from portal.core.listing import Column, Filter, Link

# A pass each half minute, and one more that may be late.
STALE_AFTER = timedelta(minutes=2)
KINDS = ("Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job", "ReplicaSet")
NO_PROJECT = UUID(int=0)


def cluster_choices(user: Person) -> list[tuple[str, str]]:
    """Return the attached clusters in which one may see something, by slug."""
    return selectors.clusters_of(user)


def kind_choices(_user: Person) -> list[tuple[str, str]]:
    """Return the kinds of workloads."""
    return [(kind, kind) for kind in KINDS]


def state_filter(states: conditions.States) -> Filter:
    """Build the filter over the states of a list."""
    words = [(word, label) for word, (_tone, label) in states.items()]
    return Filter("state", _("State"), choices=lambda _user: words, lookup="state")


def ready_text(ready: str, wanted: str) -> Callable[[dict[str, Any]], str]:
    """Show ready pods or containers as kubectl does: 2/3."""
    return lambda row: f"{row[ready]}/{row[wanted]}"


NAME = Filter("name", _("Name"), "text", lookup="name__icontains")
CLUSTER = Filter("cluster", _("Cluster"), choices=cluster_choices, lookup="cluster__slug")
NAMESPACE = Filter("namespace", _("Namespace"), "text", lookup="namespace_name")
PROJECT = Filter("project", _("Project"), "text", help=_("The slug of a project."))

_PLACE = (
    Column("cluster_name", _("Cluster")),
    Column("namespace_name", _("Namespace"), "code"),
)
# What programs need beside what people read.
_KEYS = (
    Column("observed_at", _("Version seen"), "instant", on_page=False),
    Column("cluster_id", _("Cluster id"), on_page=False),
    Column("uid", _("Uid"), "code", on_page=False),
    Column("id", _("Id"), "number", on_page=False),
)


class InventoryList(listing.Listing):
    """A list whose rows come from clusters: complete and fresh as far as their streams are."""

    permission = Permission.INVENTORY_VIEW
    empty_reason = _("Nothing was found in the clusters you may see.")
    # The streams behind the rows.
    kinds: ClassVar[Sequence[str]]

    def health(self, user: Person, params: listing.Params) -> listing.Health:
        """How old the rows are, and whose are missing."""
        slug = params.filters.get("cluster")
        return selectors.health(user, self.kinds, slug=slug, stale_after=STALE_AFTER)

    def empty_action(self, user: Person) -> Link | None:
        """Attach a cluster, where there is none yet."""
        if not user.scopes_for(Permission.CLUSTER_EDIT).everything or Cluster.objects.attached().exists():
            return None
        return Link(_("Add cluster"), listing.link("registry:add")({}))

    def out(self, found: QuerySet[Any], state: Case, **more: Any) -> Any:
        """The rows with what is worked out in the query, under the names of the columns."""
        annotated = found.annotate(state=state, cluster_name=F("cluster__name"), **more)
        return annotated.values(*(column.key for column in self.columns))


def _joined(column: str) -> Func:
    return Func(F(column), Value(", "), function="array_to_string", output_field=TextField())


def project_named(params: listing.Params) -> UUID | None:
    """Return the project that is asked for; a slug that names none fits no row."""
    slug = params.filters.get("project")
    if not slug:
        return None
    try:
        return scope_names.scope_from(ScopeKind.PROJECT, slug).id
    except errors.Refused:
        return NO_PROJECT


class NamespaceList(InventoryList):
    """Namespaces."""

    key = "namespaces"
    title = _("Namespaces")
    kinds = ("namespace",)
    columns = (
        Column("name", _("Name"), "code"),
        Column("cluster_name", _("Cluster")),
        Column("state", _("State"), "state", states=conditions.NAMESPACE_STATES),
        Column("held", _("In a project"), "flag"),
        Column("labels", _("Labels"), "labels"),
        Column("created_at", _("Age"), "age"),
        Column("project_id", _("Project id"), on_page=False, absent=_("none")),
        Column("team_id", _("Team id"), on_page=False, absent=_("none")),
        *_KEYS,
    )
    filters = (
        NAME,
        CLUSTER,
        PROJECT,
        state_filter(conditions.NAMESPACE_STATES),
        Filter("held", _("In a project"), "flag", lookup="held"),
    )
    orders = {
        "name": ("name", "id"),
        "cluster_name": ("cluster_name", "name", "id"),
        "created_at": ("created_at", "id"),
    }

    def rows(self, user: Person, params: listing.Params) -> Any:
        """What is there now."""
        found = Namespace.objects.visible_to(user).live()
        project = project_named(params)
        if project:
            found = found.filter(project_id=project)
        held = Case(When(project_id__isnull=False, then=Value(True)), default=Value(False))
        return self.out(found, conditions.namespace_state(), held=held)


class NodeList(InventoryList):
    """Nodes; capacity is what is priced."""

    key = "nodes"
    title = _("Nodes")
    kinds = ("node",)
    empty_reason = _("Nodes are shown to those who may see a whole cluster.")
    columns = (
        Column("name", _("Name"), "code", href=listing.link("inventory:node", "id")),
        Column("cluster_name", _("Cluster")),
        Column("state", _("State"), "state", states=conditions.NODE_STATES),
        Column("role_names", _("Roles")),
        Column("instance_type", _("Type"), "code"),
        Column("region", _("Region")),
        Column("capacity_class", _("Class")),
        Column("cpu_m", _("CPU"), "cpu", total=True),
        Column("memory_bytes", _("Memory"), "bytes", total=True),
        Column("gpu_m", _("GPUs, thousandths"), "number", on_page=False),
        Column("kubelet_version", _("Version"), "code"),
        Column("created_at", _("Age"), "age"),
        Column("provider_id", _("Provider id"), "code", on_page=False),
        Column("allocatable_cpu_m", _("CPU for pods"), "cpu", on_page=False),
        Column("allocatable_memory_bytes", _("Memory for pods"), "bytes", on_page=False),
        *_KEYS,
    )
    filters = (
        NAME,
        CLUSTER,
        state_filter(conditions.NODE_STATES),
        Filter("type", _("Type"), "text", lookup="instance_type"),
    )
    orders = {
        "name": ("name", "id"),
        "cluster_name": ("cluster_name", "name", "id"),
        "cpu_m": ("cpu_m", "id"),
        "memory_bytes": ("memory_bytes", "id"),
        "created_at": ("created_at", "id"),
    }

    def rows(self, user: Person, params: listing.Params) -> Any:
        """What is there now."""
        found = Node.objects.visible_to(user).live()
        return self.out(found, conditions.node_state(), role_names=_joined("roles"))


class PodList(InventoryList):
    """Pods. Inside of a workload or a node (`workload`, `node` in the scope) only its own."""

    key = "pods"
    title = _("Pods")
    kinds = ("pod",)
    columns = (
        Column("name", _("Name"), "code", href=listing.link("inventory:pod", "id")),
        *_PLACE,
        Column("state", _("State"), "state", states=conditions.POD_STATES),
        Column("reason", _("Reason")),
        Column("containers_ready", _("Ready"), "number", show=ready_text("containers_ready", "containers")),
        Column("restarts", _("Restarts"), "number"),
        Column("cpu_m", _("CPU requested"), "cpu", total=True),
        Column("memory_bytes", _("Memory requested"), "bytes", total=True),
        Column("node", _("Node"), "code"),
        Column("created_at", _("Age"), "age"),
        Column("containers", _("Containers"), "number", on_page=False),
        Column("gpu_m", _("GPUs requested, thousandths"), "number", on_page=False),
        Column("workload_kind", _("Kind of workload"), on_page=False),
        Column("workload_name", _("Workload"), "code", on_page=False),
        Column("started_at", _("Started"), "instant", on_page=False),
        Column("ended_at", _("Ended"), "instant", on_page=False),
        *_KEYS,
    )
    filters = (
        NAME,
        CLUSTER,
        NAMESPACE,
        PROJECT,
        state_filter(conditions.POD_STATES),
        Filter("node", _("Node"), "text", lookup="node", hidden=True),
        Filter("workload", _("Workload"), "text", lookup="workload_name", hidden=True),
    )
    orders = {
        "name": ("name", "id"),
        "cluster_name": ("cluster_name", "name", "id"),
        "namespace_name": ("namespace_name", "name", "id"),
        "restarts": ("restarts", "id"),
        "cpu_m": ("cpu_m", "id"),
        "memory_bytes": ("memory_bytes", "id"),
        "created_at": ("created_at", "id"),
    }

    def rows(self, user: Person, params: listing.Params) -> Any:
        """What is there now."""
        found = Pod.objects.visible_to(user).live()
        project = project_named(params)
        if project:
            found = found.held_by(project)
        workload: Workload | None = self.scope.get("workload")
        if workload:
            found = found.filter(selectors.pods_of(workload))
        node: Node | None = self.scope.get("node")
        if node:
            found = found.filter(cluster_id=node.cluster_id, node=node.name)
        return self.out(found, conditions.pod_state())


class WorkloadList(InventoryList):
    """Workloads as people made them; what a controller made for them shows when its kind is asked for.

    Inside of a workload (`parent` in the scope) only what it made.
    """

    key = "workloads"
    title = _("Workloads")
    kinds = ("deployment", "stateful_set", "daemon_set", "replica_set", "job", "cron_job")
    columns = (
        Column("name", _("Name"), "code", href=listing.link("inventory:workload", "id")),
        Column("kind", _("Kind")),
        *_PLACE,
        Column("state", _("State"), "state", states=conditions.WORKLOAD_STATES),
        Column("ready", _("Ready"), "number", show=ready_text("ready", "desired")),
        Column("updated", _("Up to date"), "number"),
        Column("available", _("Available"), "number"),
        Column("image_names", _("Images"), "code", on_page=False),
        Column("created_at", _("Age"), "age"),
        Column("desired", _("Wanted"), "number", on_page=False),
        Column("owner_kind", _("Kind of owner"), on_page=False),
        Column("owner_name", _("Owner"), "code", on_page=False),
        Column("labels", _("Labels"), "labels", on_page=False),
        *_KEYS,
    )
    filters = (
        NAME,
        Filter("kind", _("Kind"), choices=kind_choices, lookup="kind"),
        CLUSTER,
        NAMESPACE,
        PROJECT,
        state_filter(conditions.WORKLOAD_STATES),
    )
    orders = {
        "name": ("name", "id"),
        "kind": ("kind", "name", "id"),
        "cluster_name": ("cluster_name", "name", "id"),
        "namespace_name": ("namespace_name", "name", "id"),
        "created_at": ("created_at", "id"),
    }

    def rows(self, user: Person, params: listing.Params) -> Any:
        """What is there now."""
        found = Workload.objects.visible_to(user).live()
        project = project_named(params)
        if project:
            found = found.held_by(project)
        parent: Workload | None = self.scope.get("parent")
        if parent:
            found = found.filter(cluster_id=parent.cluster_id, owner_uid=parent.uid)
        elif not params.filters["kind"]:
            found = found.filter(Q(owner_kind="") | ~Q(kind__in=("ReplicaSet", "Job")))
        return self.out(found, conditions.workload_state(), image_names=_joined("images"))
