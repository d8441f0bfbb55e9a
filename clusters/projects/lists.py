"""Lists of teams, projects and namespaces."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import Case, Count, Exists, F, OuterRef, Subquery, TextField, Value, When
from django.db.models.functions import Cast, Concat
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from clusters.inventory.models import Namespace
from clusters.projects import selectors, suggestions
from clusters.projects.models import NamespaceTenure, Project, ProjectTenure, Team
from clusters.registry.models import Cluster
from portal.access.permissions import Permission
from portal.access.scopes import Person
from portal.audit.kinds import KINDS
from portal.audit.lists import changes
from portal.audit.models import Event
from portal.core import listing
from portal.core.listing import Column, Filter

STATES = {"open": ("ok", _("Open")), "closed": ("unknown", _("Closed"))}
REASONS = {
    "former": ("plain", _("held one of this name before")),
    "rancher": ("plain", _("same Rancher project")),
    "label": ("plain", _("label names the project")),
    "team_label": ("plain", _("label names the team")),
    "": ("plain", _("nothing points anywhere")),
}


# Kubernetes puts it on every namespace; it repeats the name.
OWN_NAME = "kubernetes.io/metadata.name"


def cluster_choices(user: Person) -> list[tuple[str, str]]:
    """Return the attached clusters by slug; those with namespaces one may see are named in the rows anyway."""
    return list(Cluster.objects.visible_to(user).attached().order_by("name").values_list("slug", "name"))


def team_choices(user: Person) -> list[tuple[str, str]]:
    """Return the teams one may see by slug."""
    return list(Team.objects.visible_to(user).standing().order_by("name").values_list("slug", "name"))


def _held(outer: str, count: str = "*") -> Subquery:
    rows = NamespaceTenure.objects.current().filter(project=OuterRef(outer)).order_by()
    counted = Count("id") if count == "*" else Count(count, distinct=True)
    return Subquery(rows.values("project").annotate(n=counted).values("n"))


def _pick(cluster: str, uid: str) -> Concat:
    """What a checkbox carries and `forms.parse_keys` reads: the namespace's identity."""
    return Concat(Cast(cluster, TextField()), Value("/"), Cast(uid, TextField()), output_field=TextField())


class ProjectList(listing.Listing):
    """Projects one may see."""

    key = "projects"
    title = _("Projects")
    permission = Permission.PROJECT_VIEW
    empty_reason = _("There is no project yet.")
    columns: ClassVar[Sequence[Column]] = (
        Column("name", _("Name"), href=listing.link("projects:project", "slug")),
        Column("team", _("Team"), href=listing.link("projects:team", "team_slug"), absent=_("none")),
        Column("namespaces", _("Namespaces"), "number", absent=_("none")),
        Column("clusters", _("Clusters"), "number", absent=_("none")),
        Column("description", _("Description")),
        Column("created_at", _("Open since"), "age"),
        Column("ended_at", _("Closed"), "instant", absent=_("open"), on_page=False),
        Column("slug", _("Slug"), "code", on_page=False),
        Column("team_slug", _("Team's slug"), "code", on_page=False),
        Column("id", _("Id"), on_page=False),
    )
    filters = (
        Filter("name", _("Name"), "text", lookup="name__icontains"),
        Filter("team", _("Team"), choices=team_choices),
        Filter("closed", _("Closed"), "flag"),
    )
    orders = {"name": ("name", "id"), "team": ("team", "id"), "created_at": ("created_at", "id")}

    def rows(self, user: Person, params: listing.Params) -> Any:
        """The standing ones, or the closed ones on request."""
        found = Project.objects.visible_to(user)
        found = found.filter(ended_at__isnull=False) if params.filters["closed"] else found.standing()
        if "team" in self.scope:
            found = found.filter(pk__in=_owned_by(self.scope["team"]))
        if params.filters["team"]:
            found = found.filter(pk__in=_owned_by(params.filters["team"]))
        return (
            selectors.with_team(found)
            .annotate(team=F("team_name"), namespaces=_held("pk"), clusters=_held("pk", "cluster_id"))
            .values(*(column.key for column in ProjectList.columns))
        )

    def empty_action(self, user: Person) -> listing.Link | None:
        """Open one."""
        return listing.Link(_("New project"), reverse("projects:new")) if user.may(Permission.TEAM_EDIT) else None


def _owned_by(team_slug: str) -> Any:
    return ProjectTenure.objects.current().filter(team__slug=team_slug).values("project_id")


class TeamList(listing.Listing):
    """Teams one may see."""

    key = "teams"
    title = _("Teams")
    permission = Permission.TEAM_VIEW
    empty_reason = _("There is no team yet.")
    columns = (
        Column("name", _("Name"), href=listing.link("projects:team", "slug")),
        Column("cost_centre", _("Cost centre"), "code"),
        Column("owner", _("Answers for it")),
        Column("projects", _("Projects"), "number", absent=_("none")),
        Column("created_at", _("Since"), "age"),
        Column("ended_at", _("Closed"), "instant", absent=_("open"), on_page=False),
        Column("slug", _("Slug"), "code", on_page=False),
        Column("id", _("Id"), on_page=False),
    )
    filters = (
        Filter("name", _("Name"), "text", lookup="name__icontains"),
        Filter("closed", _("Closed"), "flag"),
    )
    orders = {"name": ("name", "id"), "created_at": ("created_at", "id")}

    def rows(self, user: Person, params: listing.Params) -> Any:
        """The standing ones, or the closed ones on request; projects are counted as far as one may see them."""
        found = Team.objects.visible_to(user)
        found = found.filter(ended_at__isnull=False) if params.filters["closed"] else found.standing()
        seen = Project.objects.visible_to(user).values("pk")
        owned = ProjectTenure.objects.current().filter(team=OuterRef("pk"), project_id__in=seen).order_by()
        counted = Subquery(owned.values("team").annotate(n=Count("id")).values("n"))
        return found.annotate(projects=counted).values(*(column.key for column in self.columns))

    def empty_action(self, user: Person) -> listing.Link | None:
        """Open one."""
        everything = user.scopes_for(Permission.TEAM_EDIT).everything
        return listing.Link(_("New team"), reverse("projects:new_team")) if everything else None


class HoldingList(listing.Listing):
    """What a project holds now; `pick` is what a checkbox carries."""

    key = "project-namespaces"
    title = _("Namespaces")
    permission = Permission.PROJECT_VIEW
    empty_reason = _("This project holds no namespace yet.")
    select_key = "pick"
    pick_name = "pick"
    columns = (
        Column("namespace", _("Namespace"), "code"),
        Column("cluster_name", _("Cluster")),
        Column("since", _("In this project since"), "instant"),
        Column("state", _("State"), "state", states={"live": ("ok", _("There")), "gone": ("unknown", _("Gone"))}),
        Column("reason", _("Reason"), on_page=False),
        Column("namespace_uid", _("Uid"), "code", on_page=False),
        Column("cluster_id", _("Cluster id"), on_page=False),
    )
    filters = (Filter("name", _("Namespace"), "text", lookup="namespace_name__icontains"),)
    orders = {
        "namespace": ("namespace", "id"),
        "cluster_name": ("cluster_name", "namespace", "id"),
        "since": ("since", "id"),
    }

    def rows(self, user: Person, params: listing.Params) -> Any:
        """The current holdings of the project in `scope`, which must be one the person may see."""
        seen = Project.objects.visible_to(user).filter(slug=self.scope["slug"])
        there = Namespace.objects.live().filter(cluster_id=OuterRef("cluster_id"), uid=OuterRef("namespace_uid"))
        return (
            NamespaceTenure.objects.current()
            .filter(project__in=seen)
            .annotate(
                namespace=F("namespace_name"),
                since=F("period__startswith"),
                pick=_pick("cluster_id", "namespace_uid"),
                state=Case(When(Exists(there), then=Value("live")), default=Value("gone")),
            )
            .values(
                "id",
                "namespace",
                "since",
                "state",
                "reason",
                "namespace_uid",
                "cluster_id",
                "pick",
                cluster_name=F("cluster__name"),
            )
        )


def hint_choices(_user: Person) -> list[tuple[str, Any]]:
    """Return whether a project is suggested."""
    return [("some", _("a project is suggested")), ("none", _("nothing is suggested"))]


def _suggested_name(row: dict[str, Any]) -> str:
    name: str = row["suggested_name"]
    return name


class UnownedList(listing.Listing):
    """Live namespaces without project, each with who probably owns it."""

    key = "unowned"
    title = _("Namespaces without project")
    permission = Permission.PROJECT_ASSIGN
    empty_reason = _("Every namespace belongs to a project.")
    select_key = "pick"
    pick_name = "pick"
    columns = (
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
        Filter("cluster", _("Cluster"), choices=cluster_choices),
        Filter("hint", _("Hint"), choices=hint_choices),
        Filter("rancher_project", _("Rancher project"), "text"),
    )
    orders = {
        "name": ("name", "id"),
        "cluster_name": ("cluster_name", "name", "id"),
        "suggested_project": ("suggested_project", "rancher_project", "name", "id"),
        "created_at": ("created_at", "id"),
    }
    default_order = "suggested_project"

    def rows(self, user: Person, params: listing.Params) -> Any:
        """In memory: a suggestion depends on every holding. Fleets have thousands of namespaces, not millions."""
        found = selectors.unowned(user)
        if params.filters["name"]:
            found = found.filter(name__icontains=params.filters["name"])
        if params.filters["cluster"]:
            found = found.filter(cluster__slug=params.filters["cluster"])
        if params.filters["rancher_project"]:
            found = found.filter(rancher_project=params.filters["rancher_project"])
        rows = list(
            found.annotate(pick=_pick("cluster_id", "uid")).values(
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
        wanted = params.filters["hint"]
        return [row for row in rows if not wanted or wanted == ("some" if row["suggested_project"] else "none")]


def _put(row: dict[str, Any], hint: suggestions.Suggestion) -> None:
    row["labels"] = {label: value for label, value in (row["labels"] or {}).items() if label != OWN_NAME}
    row["suggested_project"] = hint.project.slug if hint.project else None
    row["suggested_name"] = hint.project.name if hint.project else ""
    row["reason"] = hint.reason
    row["hint"] = f"{hint.label}={hint.value}" if hint.label else (hint.value or None)
    row["rancher_project"] = row["rancher_project"] or None


class ActivityList(listing.Listing):
    """What happened to the thing in `scope`. Its page checks the right to see the thing."""

    key = "activity"
    title = _("Activity")
    permission = Permission.PROJECT_VIEW
    columns = (
        Column("at", _("When"), "instant"),
        Column("kind", _("What"), show=lambda row: str(KINDS.get(row["kind"], row["kind"]))),
        Column("actor_label", _("Who")),
        Column("change", _("Change"), show=changes, in_export=False),
        Column("before", _("Before"), "labels", on_page=False),
        Column("after", _("After"), "labels", on_page=False),
        Column("id", _("Id"), "number", on_page=False),
    )
    orders = {"at": ("at", "id")}
    default_order = "-at"

    def rows(self, user: Person, params: listing.Params) -> Any:
        """Events by subject, without addresses of people."""
        subject = self.scope["on"].as_subject()
        return Event.objects.filter(on_type=subject.type, on_id=subject.id).values(
            "id", "at", "kind", "actor_label", "before", "after"
        )
