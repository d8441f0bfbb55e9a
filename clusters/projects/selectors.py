"""Reads about ownership."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import OuterRef, Subquery
from django.urls import reverse

from clusters.applying.models import AppliedObject
from clusters.inventory.models import Namespace
from clusters.kube import label_selector
from clusters.projects import suggestions
from clusters.projects.models import (
    ClaimRule,
    NamespaceTenure,
    NamespaceWish,
    Project,
    ProjectTenure,
    Team,
    WishState,
)
from clusters.registry.models import Cluster
from portal.access.permissions import Permission
from portal.access.scopes import Person
from portal.core.periods import Period


@dataclass(frozen=True)
class OwnershipPart:
    """One owner of one namespace over [start, end): project and team do not change inside it."""

    namespace_uid: str
    start: datetime
    end: datetime
    project_id: UUID
    team_id: UUID


OWNERSHIP_SQL = """
SELECT held.namespace_uid,
       greatest(lower(held.period), lower(owned.period), span.since) AS starts_at,
       least(upper(held.period), upper(owned.period), span.until) AS ends_at,
       held.project_id, owned.team_id
  FROM (SELECT %(since)s::timestamptz AS since, %(until)s::timestamptz AS until) AS span
  JOIN namespace_tenure AS held
    ON held.cluster_id = %(cluster)s AND held.period && tstzrange(span.since, span.until)
  JOIN project_tenure AS owned
    ON owned.project_id = held.project_id
   AND owned.period && (held.period * tstzrange(span.since, span.until))
 ORDER BY held.namespace_uid, starts_at
"""


def ownership_parts(cluster_id: UUID, period: Period) -> list[OwnershipPart]:
    """Return who owned which namespace when, clipped to the period; what nobody owned is not in it."""
    with connection.cursor() as cursor:
        cursor.execute(OWNERSHIP_SQL, {"cluster": cluster_id, "since": period.start, "until": period.end})
        return [OwnershipPart(*row) for row in cursor.fetchall()]


def team_scope(slug: str) -> tuple[UUID, str] | None:
    """Return id and label of the team a role can be given on, None where there is none."""
    found = Team.objects.filter(slug=slug).values_list("id", "name").first()
    return (found[0], found[1]) if found else None


def project_scope(slug: str) -> tuple[UUID, str] | None:
    """Return id and label of the project a role can be given on, None where there is none."""
    found = Project.objects.filter(slug=slug).values_list("id", "name").first()
    return (found[0], found[1]) if found else None


def team_page(team_id: UUID) -> tuple[str, str] | None:
    """Return name and members page of a team, None where there is none (`SCOPE_PAGES`)."""
    found = Team.objects.filter(pk=team_id).first()
    return (found.name, reverse("projects:team_members", args=[found.slug])) if found else None


def project_page(project_id: UUID) -> tuple[str, str] | None:
    """Return name and members page of a project, None where there is none (`SCOPE_PAGES`)."""
    found = Project.objects.filter(pk=project_id).first()
    return (found.name, reverse("projects:project_members", args=[found.slug])) if found else None


def project_ids_of(team_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Return the projects that the teams have now, by ids (`SCOPE_CHILDREN`)."""
    owned = ProjectTenure.objects.current().filter(team_id__in=list(team_ids))
    return frozenset(owned.values_list("project_id", flat=True))


def reach(*, projects: Iterable[UUID], teams: Iterable[UUID]) -> frozenset[UUID | int]:
    """Return the projects that rights on these reach now, and the spans of the namespaces they hold (`SCOPE_REACH`)."""
    standing = Project.objects.standing().filter(pk__in=[*projects, *project_ids_of(teams)])
    held = NamespaceTenure.objects.current().filter(project__in=standing)
    return frozenset(standing.values_list("pk", flat=True)) | frozenset(held.values_list("pk", flat=True))


def listed() -> list[tuple[str, str]]:
    """Return slug and name of the projects whose owners let everybody find them (`LISTED_THINGS`)."""
    return list(Project.objects.standing().filter(is_listed=True).order_by("name").values_list("slug", "name")[:1000])


def team_id_of(project_id: UUID) -> UUID | None:
    """Return the team that has the project now, by ids (`SCOPE_PARENTS`)."""
    return ProjectTenure.objects.current().filter(project_id=project_id).values_list("team_id", flat=True).first()


def team_of(project: Project) -> Team | None:
    """Return the team that owns the project now, None for a closed one."""
    return Team.objects.filter(pk__in=ProjectTenure.objects.current().filter(project=project).values("team_id")).first()


def with_team(projects: Any) -> Any:
    """Annotate projects with `team_pk`, `team_slug` and `team_name` of the team that owns them now."""
    owned = ProjectTenure.objects.current().filter(project=OuterRef("pk"))
    return projects.annotate(
        team_pk=Subquery(owned.values("team_id")[:1]),
        team_slug=Subquery(owned.values("team__slug")[:1]),
        team_name=Subquery(owned.values("team__name")[:1]),
    )


def choices_for(user: Person, permission: Permission) -> list[suggestions.Choice]:
    """Return the standing projects on which the person has the right, by name."""
    rows = with_team(Project.objects.visible_to(user, permission).standing()).order_by("name", "id")
    return [suggestions.Choice(row.pk, row.slug, row.name, row.team_slug or "", row.team_name or "") for row in rows]


def unowned(user: Person) -> Any:
    """Return the live namespaces without project that the person may assign."""
    return Namespace.objects.visible_to(user, Permission.PROJECT_ASSIGN).live().filter(project_id=None)


def assignable(user: Person, keys: Sequence[suggestions.Key]) -> bool:
    """Tell whether the person may assign every one of these namespaces, named by (cluster id, uid)."""
    visible = Namespace.objects.visible_to(user, Permission.PROJECT_ASSIGN)
    found = visible.filter(uid__in={uid for _cluster, uid in keys}).values_list("cluster_id", "uid")
    return set(keys) <= set(found)


def suggested(
    rows: Sequence[dict[str, Any]], choices: Sequence[suggestions.Choice]
) -> dict[suggestions.Key, suggestions.Suggestion]:
    """Return a suggestion per row; rows need cluster_id, uid, name, labels and rancher_project."""
    namespaces = [
        suggestions.Unowned(
            (row["cluster_id"], row["uid"]), row["name"], row["labels"] or {}, row["rancher_project"] or ""
        )
        for row in rows
    ]
    clusters = {row["cluster_id"] for row in rows}
    known = suggestions.Known(_former(clusters), _rancher(clusters), _rules())
    return suggestions.suggest(namespaces, choices, known)


def _rules() -> list[suggestions.Rule]:
    labels = dict(Cluster.objects.attached().values_list("pk", "labels"))
    return [
        suggestions.Rule(rule.project_id, rule.prefix, rule.label_key, rule.label_value, _chosen(rule.clusters, labels))
        for rule in ClaimRule.objects.filter(project__ended_at=None).order_by("created_at", "pk")
    ]


def _chosen(selector: str, labels: Mapping[UUID, Mapping[str, str]]) -> frozenset[UUID] | None:
    if not selector:
        return None
    wanted = label_selector.parse(selector)
    return frozenset(cluster for cluster, worn in labels.items() if wanted.matches(worn))


def _former(clusters: set[UUID]) -> dict[tuple[UUID, str], UUID]:
    ended = NamespaceTenure.objects.filter(cluster_id__in=clusters)
    rows = ended.order_by("period").values_list("cluster_id", "namespace_name", "project_id")
    return {(cluster, name): project for cluster, name, project in rows}


def _rancher(clusters: set[UUID]) -> dict[tuple[UUID, str], frozenset[UUID]]:
    found: dict[tuple[UUID, str], set[UUID]] = defaultdict(set)
    held = Namespace.objects.filter(cluster_id__in=clusters, project_id__isnull=False).exclude(rancher_project="")
    for cluster, rancher, project in held.values_list("cluster_id", "rancher_project", "project_id"):
        if project is not None:
            found[(cluster, rancher)].add(project)
    return {key: frozenset(projects) for key, projects in found.items()}


@dataclass(frozen=True)
class Drift:
    """A namespace whose columns say something else than its dated row."""

    cluster_id: UUID
    namespace_uid: str
    name: str
    columns: tuple[UUID | None, UUID | None]
    dated: tuple[UUID | None, UUID | None]


def drift() -> list[Drift]:
    """Compare the current holder in the inventory's columns with the dated rows, which are the truth."""
    held = NamespaceTenure.objects.current().filter(cluster=OuterRef("cluster_id"), namespace_uid=OuterRef("uid"))
    owned = ProjectTenure.objects.current().filter(project=OuterRef("dated_project"))
    rows = Namespace.objects.annotate(dated_project=Subquery(held.values("project_id")[:1])).annotate(
        dated_team=Subquery(owned.values("team_id")[:1])
    )
    found = rows.values_list(
        "cluster_id", "uid", "name", "team_id", "project_id", "dated_team", "dated_project"
    ).iterator(chunk_size=2000)
    return [
        Drift(cluster, uid, name, (team, project), (dated_team, dated_project))
        for cluster, uid, name, team, project, dated_team, dated_project in found
        if (team, project) != (dated_team, dated_project)
    ]


@dataclass(frozen=True)
class WishLine:
    """A namespace that is being made, or could not be."""

    id: UUID
    name: str
    cluster: str
    word: str
    tone: str
    text: str
    open: bool


def wishes(project: Project) -> list[WishLine]:
    """Return the project's namespaces that are not made yet, and those that failed, by cluster and name."""
    said = AppliedObject.objects.filter(source="projects.wish", source_id=OuterRef("pk")).values("text")[:1]
    rows = (
        NamespaceWish.objects.filter(project=project, state__in=[WishState.WANTED, WishState.FAILED])
        .select_related("cluster")
        .annotate(said=Subquery(said))
        .order_by("cluster__name", "name")
    )
    return [
        WishLine(
            row.pk,
            row.name,
            row.cluster.name,
            row.get_state_display(),
            "busy" if row.state == WishState.WANTED else "broken",
            row.text or row.said or "",
            row.state == WishState.WANTED,
        )
        for row in rows[:200]
    ]


@dataclass(frozen=True)
class Place:
    """A cluster on which namespaces can be made for a project. `is_own`: the project holds some there already."""

    id: UUID
    name: str
    is_own: bool

    @property
    def label(self) -> str:
        """Its name as a choice."""
        return self.name


def clusters_for(user: Person, project: Project) -> list[Place]:
    """Return the attached clusters on which the person may have namespaces of the project made, its own ones first.

    Those the project is on already, and those the person may see themselves: the first namespace on another cluster
    is for somebody who answers for that cluster.
    """
    own = set(NamespaceTenure.objects.current().filter(project=project).values_list("cluster_id", flat=True))
    seen = set(Cluster.objects.visible_to(user).values_list("pk", flat=True))
    rows = Cluster.objects.attached().filter(pk__in=own | seen)
    places = [Place(row.pk, row.name, row.pk in own) for row in rows.only("pk", "name")]
    return sorted(places, key=lambda place: (not place.is_own, place.name))
