"""Lists of teams, projects and namespaces."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import Case, Count, Exists, F, OuterRef, Subquery, TextField, Value, When
from django.db.models.functions import Cast, Coalesce, Concat, NullIf
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from clusters.applying.models import AppliedObject, State
from clusters.inventory.models import Namespace
from clusters.projects import selectors
from clusters.projects.models import (
    NamespaceRemoval,
    NamespaceTenure,
    NamespaceTerm,
    NamespaceWish,
    Project,
    ProjectTenure,
    RemovalState,
    Team,
)
from clusters.registry.models import Cluster
from portal.access.permissions import Permission
from portal.access.scopes import Person
from portal.audit.kinds import KINDS
from portal.audit.lists import changes
from portal.audit.models import Event
from portal.core import listing
from portal.core.listing import Column, Filter

STATES = {"open": ("ok", _("Open")), "closed": ("unknown", _("Closed"))}


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


def _written(state: str = "") -> Subquery:
    """How many objects Paddock writes for a project, or how many of them stand in a state."""
    rows = AppliedObject.objects.filter(project_id=OuterRef("pk")).order_by()
    rows = rows.filter(state=state) if state else rows
    return Subquery(rows.values("project_id").annotate(n=Count("pk")).values("n"))


def _of_those(count: Subquery) -> Case:
    """None where nothing is written at all, which `wanted` says."""
    return Case(When(wanted__isnull=False, then=Coalesce(count, 0)))


def _next_end() -> Subquery:
    held = NamespaceTenure.objects.current().filter(
        cluster_id=OuterRef("cluster_id"), namespace_uid=OuterRef("namespace_uid")
    )
    terms = NamespaceTerm.objects.filter(Exists(held.filter(project_id=OuterRef(OuterRef("pk"))))).order_by("ends_at")
    return Subquery(terms.values("ends_at")[:1])


def _applied(row: dict[str, Any]) -> str:
    """Say `2 of 3`: what is not applied says why on the project's page."""
    return _now("%(n)s of %(all)s") % {"n": row["applied"] or 0, "all": row["wanted"]} if row["wanted"] else ""


def pick(cluster: str, uid: str) -> Concat:
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
        Column("applied", _("Applied"), show=_applied, absent=_("nothing written")),
        Column("ends_soon", _("Next end"), "instant", absent=_("none")),
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
            .annotate(wanted=_written(), ends_soon=_next_end())
            .annotate(applied=_of_those(_written(State.APPLIED)))
            .values("wanted", *(column.key for column in ProjectList.columns))
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


HOLDING_STATES = {
    "live": ("ok", _("There")),
    "gone": ("unknown", _("Gone")),
    "wanted": ("attention", _("To be deleted")),
    "sent": ("busy", _("Being deleted")),
    "failed": ("broken", _("Could not be deleted")),
}


def _same(model: type[NamespaceTerm] | type[NamespaceRemoval]) -> Any:
    return model.objects.filter(cluster_id=OuterRef("cluster_id"), namespace_uid=OuterRef("namespace_uid"))


def _written_in(state: str = "") -> Subquery:
    """What is written into one namespace, its own labels included."""
    rows = AppliedObject.objects.filter(cluster_id=OuterRef("cluster_id"), namespace_uid=OuterRef("namespace_uid"))
    rows = (rows.filter(state=state) if state else rows).order_by()
    return Subquery(rows.values("namespace_uid").annotate(n=Count("pk")).values("n"))


def _unwell() -> Any:
    """What of it is not as it should be, the longest first."""
    rows = AppliedObject.objects.filter(cluster_id=OuterRef("cluster_id"), namespace_uid=OuterRef("namespace_uid"))
    return rows.exclude(text="").order_by("since", "pk")


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
        Column("state", _("State"), "state", states=HOLDING_STATES),
        Column("applied", _("Applied"), show=_applied, absent=_("nothing written")),
        Column("ends_at", _("Ends"), "instant", absent=_("does not end")),
        Column("trouble", _("What is wrong"), absent=_("nothing")),
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
        read = Namespace.objects.filter(cluster_id=OuterRef("cluster_id"), uid=OuterRef("made_uid"))
        made = NamespaceWish.objects.filter(
            ~Exists(read), cluster_id=OuterRef("cluster_id"), made_uid=OuterRef("namespace_uid")
        )
        return (
            NamespaceTenure.objects.current()
            .filter(project__in=seen)
            .annotate(
                namespace=F("namespace_name"),
                since=F("period__startswith"),
                pick=pick("cluster_id", "namespace_uid"),
                removal=Subquery(_same(NamespaceRemoval).values("state")[:1]),
                ends_at=Subquery(_same(NamespaceTerm).values("ends_at")[:1]),
                wanted=_written_in(),
                applied=_of_those(_written_in(State.APPLIED)),
                trouble=Coalesce(
                    NullIf(Subquery(_same(NamespaceRemoval).values("text")[:1]), Value("")),
                    Subquery(_unwell().values("text")[:1]),
                ),
                state=Case(
                    When(removal=RemovalState.GONE, then=Value("gone")),
                    When(~Exists(there) & ~Exists(made), then=Value("gone")),
                    When(removal__isnull=False, then=F("removal")),
                    When(Exists(there.filter(deleting_since__isnull=False)), then=Value("sent")),
                    default=Value("live"),
                ),
            )
            .values(
                "id",
                "namespace",
                "since",
                "state",
                "wanted",
                "applied",
                "ends_at",
                "trouble",
                "reason",
                "namespace_uid",
                "cluster_id",
                "pick",
                cluster_name=F("cluster__name"),
            )
        )


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
