"""Lists of what belongs to nobody: volumes without claim, workloads without owner, roles whose holder is gone.

What somebody left alone is not shown, unless asked for. Cost stands beside a namespace's things where the viewer sees
it: see `moving.cost_of`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.db.models import Exists, F, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Concat
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from clusters.inventory.models import Namespace, Volume, Workload
from clusters.projects import lists, moving, selectors, suggestions
from clusters.projects.models import OrphanKept
from portal.access.permissions import Permission
from portal.access.scopes import Person, ScopeKind
from portal.accounts.bindings import own_roles
from portal.accounts.models import Binding, User
from portal.accounts.models.people import ROBOT
from portal.accounts.selectors import standing
from portal.core import clock, listing
from portal.core.listing import Column, Filter

REASONS = {
    "former": ("plain", _("held one of this name before")),
    "rule": ("plain", _("a rule fits")),
    "rancher": ("plain", _("same Rancher project")),
    "label": ("plain", _("label names the project")),
    "team_label": ("plain", _("label names the team")),
    "": ("plain", _("nothing points anywhere")),
}

# Kubernetes puts it on every namespace; it repeats the name.
OWN_NAME = "kubernetes.io/metadata.name"

NAMESPACE, VOLUME, WORKLOAD, BINDING = "namespace", "volume", "workload", "binding"
# What a volume is in while no claim holds it.
FREE_PHASES = ("Available", "Released", "Failed")
MOST_COSTED = 5_000


def kept(kind: str, at: datetime, *, uid: str = "uid", cluster: str = "cluster_id") -> Exists:
    """Return the condition that somebody left the thing alone, and that this still counts."""
    rows = OrphanKept.objects.filter(Q(until=None) | Q(until__gt=at), kind=kind, uid=Cast(OuterRef(uid), TextField()))
    return Exists(rows.filter(cluster_id=OuterRef(cluster)) if cluster else rows.filter(cluster=None))


def with_cost(user: Person, rows: list[dict[str, Any]], at: datetime) -> list[dict[str, Any]]:
    """Put what each namespace cost in 30 days beside it, None where the person does not see it or it has no price."""
    keys = [(row["cluster_id"], row["uid"]) for row in rows[:MOST_COSTED]]
    amounts, currency = moving.cost_of(user, keys, at)
    for row in rows:
        row["cost"], row["currency"] = amounts.get((row["cluster_id"], row["uid"])), currency
    return rows


class Orphans(listing.Listing):
    """What the lists of this page share."""

    permission = Permission.PROJECT_ASSIGN
    select_key = "pick"
    pick_name = "pick"
    kind: ClassVar[str]

    def mine(self, user: Person) -> QuerySet[Any]:
        """Return what the person may decide about, what was left alone included."""
        raise NotImplementedError

    def unkept(self, found: QuerySet[Any], params: listing.Params, **where: str) -> QuerySet[Any]:
        """Leave out what was left alone, or show that alone."""
        is_kept = kept(self.kind, params.at, **where)
        return found.filter(is_kept) if params.filters["kept"] else found.filter(~is_kept)


def hint_choices(_user: Person) -> list[tuple[str, Any]]:
    """Return whether a project is suggested."""
    return [("some", _("a project is suggested")), ("none", _("nothing is suggested"))]


def _suggested_name(row: dict[str, Any]) -> str:
    name: str = row["suggested_name"]
    return name


class UnownedList(Orphans):
    """Live namespaces without project, each with who probably owns it."""

    key = "unowned"
    title = _("Namespaces without project")
    empty_reason = _("Every namespace belongs to a project.")
    kind = NAMESPACE
    columns: ClassVar[Sequence[Column]] = (
        Column("name", _("Namespace"), "code"),
        Column("cluster_name", _("Cluster")),
        Column("suggested_project", _("Probably"), absent=_("no hint"), show=_suggested_name),
        Column("reason", _("Why"), "state", states=REASONS),
        Column("hint", _("Hint"), "code", absent=_("none"), on_page=False),
        Column("labels", _("Labels"), "labels"),
        Column("rancher_project", _("Rancher project"), "code", absent=_("none")),
        Column("created_at", _("Age"), "age"),
        Column("uid", _("Uid"), "code", on_page=False),
        Column("cluster_id", _("Cluster id"), on_page=False),
    )
    filters = (
        Filter("name", _("Namespace"), "text"),
        Filter("cluster", _("Cluster"), choices=lists.cluster_choices),
        Filter("hint", _("Hint"), choices=hint_choices),
        Filter("rancher_project", _("Rancher project"), "text"),
        Filter("kept", _("Left alone"), "flag"),
    )
    orders = {
        "name": ("name", "id"),
        "cluster_name": ("cluster_name", "name", "id"),
        "suggested_project": ("suggested_project", "rancher_project", "name", "id"),
        "created_at": ("created_at", "id"),
    }
    default_order = "suggested_project"

    def __init__(self, **scope: Any) -> None:
        super().__init__(**scope)
        if scope.get("sees_cost"):
            cost = Column("cost", _("Cost, 30 days"), "money", unit_key="currency", total=True, absent=_("unpriced"))
            self.columns = (*UnownedList.columns, cost)  # type: ignore[misc] # who looks decides what is shown

    def mine(self, user: Person) -> QuerySet[Any]:
        """Live namespaces that nobody holds."""
        found: QuerySet[Any] = selectors.unowned(user)
        return found

    def rows(self, user: Person, params: listing.Params) -> Any:
        """In memory: a suggestion depends on every holding. Fleets have thousands of namespaces, not millions."""
        found = self.unkept(self.mine(user), params)
        if params.filters["name"]:
            found = found.filter(name__icontains=params.filters["name"])
        if params.filters["cluster"]:
            found = found.filter(cluster__slug=params.filters["cluster"])
        if params.filters["rancher_project"]:
            found = found.filter(rancher_project=params.filters["rancher_project"])
        rows = list(
            found.annotate(pick=lists.pick("cluster_id", "uid")).values(
                "id",
                "name",
                "uid",
                "cluster_id",
                "labels",
                "rancher_project",
                "created_at",
                "pick",
                cluster_name=F("cluster__name"),
            )
        )
        hints = selectors.suggested(rows, selectors.choices_for(user, Permission.PROJECT_ASSIGN))
        for row in rows:
            _put(row, hints[(row["cluster_id"], row["uid"])])
        if self.scope.get("sees_cost"):
            with_cost(user, rows, params.at)
        wanted = params.filters["hint"]
        return [row for row in rows if not wanted or wanted == ("some" if row["suggested_project"] else "none")]


def _put(row: dict[str, Any], hint: suggestions.Suggestion) -> None:
    row["labels"] = {label: value for label, value in (row["labels"] or {}).items() if label != OWN_NAME}
    row["suggested_project"] = hint.project.slug if hint.project else None
    row["suggested_name"] = hint.project.name if hint.project else ""
    row["reason"] = hint.reason
    row["hint"] = f"{hint.label}={hint.value}" if hint.label else (hint.value or None)
    row["rancher_project"] = row["rancher_project"] or None


class VolumeOrphans(Orphans):
    """Volumes that no claim holds: they cost, and nobody uses them."""

    key = "volumes-without-claim"
    title = _("Volumes without claim")
    kind = VOLUME
    empty_reason = _("Every volume is held by a claim.")
    columns: ClassVar[Sequence[Column]] = (
        Column("name", _("Volume"), "code"),
        Column("cluster_name", _("Cluster")),
        Column("phase", _("State")),
        Column("capacity_bytes", _("Size"), "bytes", total=True),
        Column("storage_class", _("Storage class"), "code", absent=_("none")),
        Column("reclaim_policy", _("When released")),
        Column("former", _("Last claim"), "code", absent=_("never claimed")),
        Column("created_at", _("Age"), "age"),
        Column("uid", _("Uid"), "code", on_page=False),
        Column("cluster_id", _("Cluster id"), on_page=False),
    )
    filters = (
        Filter("name", _("Volume"), "text", lookup="name__icontains"),
        Filter("cluster", _("Cluster"), choices=lists.cluster_choices, lookup="cluster__slug"),
        Filter("kept", _("Left alone"), "flag"),
    )
    orders = {
        "capacity_bytes": ("capacity_bytes", "id"),
        "name": ("name", "id"),
        "created_at": ("created_at", "id"),
    }
    default_order = "-capacity_bytes"

    def mine(self, user: Person) -> QuerySet[Any]:
        """Of clusters on which the person may assign."""
        return Volume.objects.visible_to(user, Permission.PROJECT_ASSIGN).live().filter(phase__in=FREE_PHASES)

    def rows(self, user: Person, params: listing.Params) -> Any:
        """Largest first: they cost most."""
        return (
            self.unkept(self.mine(user), params)
            .annotate(former=_former(), pick=lists.pick("cluster_id", "uid"), cluster_name=F("cluster__name"))
            .values("id", "pick", *(column.key for column in self.columns))
        )


class WorkloadOrphans(Orphans):
    """Workloads in namespaces that no project holds."""

    key = "workloads-without-owner"
    title = _("Workloads without owner")
    kind = WORKLOAD
    empty_reason = _("Every workload lies in a namespace of a project.")
    columns: ClassVar[Sequence[Column]] = (
        Column("name", _("Workload"), "code"),
        Column("kind", _("Kind")),
        Column("namespace_name", _("Namespace"), "code"),
        Column("cluster_name", _("Cluster")),
        Column("ready", _("Ready"), "number"),
        Column("desired", _("Wanted"), "number"),
        Column("created_at", _("Age"), "age"),
        Column("uid", _("Uid"), "code", on_page=False),
        Column("cluster_id", _("Cluster id"), on_page=False),
    )
    filters = (
        Filter("name", _("Workload"), "text", lookup="name__icontains"),
        Filter("namespace", _("Namespace"), "text", lookup="namespace_name__icontains"),
        Filter("cluster", _("Cluster"), choices=lists.cluster_choices, lookup="cluster__slug"),
        Filter("kept", _("Left alone"), "flag"),
    )
    orders = {
        "namespace_name": ("namespace_name", "name", "id"),
        "name": ("name", "id"),
        "created_at": ("created_at", "id"),
    }

    def mine(self, user: Person) -> QuerySet[Any]:
        """Those that no other one made, in namespaces without project."""
        unowned = Namespace.objects.live().filter(project_id=None)
        found = Workload.objects.visible_to(user, Permission.PROJECT_ASSIGN).live()
        return found.filter(owner_uid="", namespace__in=unowned)

    def rows(self, user: Person, params: listing.Params) -> Any:
        """The topmost ones: what a controller made for another workload goes with it."""
        return (
            self.unkept(self.mine(user), params)
            .annotate(
                pick=lists.pick("cluster_id", "uid"),
                cluster_name=F("cluster__name"),
            )
            .values("id", "pick", *(column.key for column in self.columns))
        )


class BindingOrphans(Orphans):
    """Roles that nobody can use any more: their person left or was switched off, their group is gone."""

    key = "roles-without-holder"
    title = _("Roles whose holder is gone")
    permission = Permission.BINDING_EDIT
    kind = BINDING
    empty_reason = _("Everybody who has a role is there.")
    columns: ClassVar[Sequence[Column]] = (
        Column("name", _("Holder"), show=lambda row: str(row["name"])),
        Column(
            "why",
            _("Why"),
            "state",
            states={
                "off": ("attention", _("cannot sign in any more")),
                "gone": ("attention", _("group is gone at its provider")),
            },
        ),
        Column("role", _("Role"), show=lambda row: row["role_name"]),
        Column("where", _("On")),
        Column("created_at", _("Since"), "instant"),
        Column("uid", _("Id"), on_page=False),
    )
    filters = (Filter("kept", _("Left alone"), "flag"),)
    orders = {"name": ("name", "uid"), "created_at": ("created_at", "uid")}

    def mine(self, user: Person) -> QuerySet[Any]:
        """Bindings in force now."""
        return bindings(user, clock.now())

    def rows(self, user: Person, params: listing.Params) -> Any:
        """In memory: where the person may give and take roles, at most some hundred are without holder."""
        found = self.unkept(bindings(user, params.at), params, uid="pk", cluster="")
        names = {role.key: str(role.name) for role in own_roles.every()}
        return [
            {
                "name": one.holder,
                "why": "gone" if one.group_id else "off",
                "role": one.role,
                "role_name": names.get(one.role, one.role),
                "where": one.scope_label or one.scope_kind,
                "created_at": one.created_at,
                "uid": str(one.pk),
                "pick": str(one.pk),
            }
            for one in found.select_related("user", "group")
        ]


def bindings(user: Person, at: datetime) -> QuerySet[Binding]:
    """Bindings in force whose holder counts no more, as far as the person may take them away."""
    there = standing(User.objects.all()).values("pk")
    gone = Q(group__gone_at__isnull=False) | (Q(user__isnull=False) & ~Q(user__in=there))
    found = Binding.objects.in_force(at).filter(gone).exclude(user__kind=ROBOT)
    held = user.scopes_for(Permission.BINDING_EDIT)
    if held.everything:
        return found
    return found.filter(
        Q(scope_kind=ScopeKind.TEAM, scope_id__in=held.teams)
        | Q(scope_kind=ScopeKind.PROJECT, scope_id__in=held.projects)
    )


def _former() -> Concat:
    return Concat(F("claim_namespace"), Value("/"), F("claim_name"), output_field=TextField())


def tabs(user: Person) -> list[tuple[str, Any, str]]:
    """Return key, label and address of the lists that the person may open."""
    found = []
    if user.may(Permission.PROJECT_ASSIGN):
        found = [
            (NAMESPACE, _("Namespaces"), reverse("projects:unowned")),
            (VOLUME, _("Volumes"), reverse("projects:unowned_volumes")),
            (WORKLOAD, _("Workloads"), reverse("projects:unowned_workloads")),
        ]
    if user.may(Permission.BINDING_EDIT):
        found.append((BINDING, _("Roles"), reverse("projects:unowned_roles")))
    if user.may(Permission.PROJECT_ASSIGN):
        found.append(("rules", _("Rules"), reverse("projects:rules")))
    return found
