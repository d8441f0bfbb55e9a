"""Teams, projects, what they hold and since when, and shared namespaces."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from billing.ledger.models import SharedNamespace
from clusters.inventory.models import Namespace
from clusters.projects.models import NamespaceTenure, Project, Team, fold
from clusters.projects.services import holdings, projects, teams
from clusters.registry.models import Cluster
from portal.access.scopes import ScopeKind
from portal.accounts.bindings import role_bindings
from portal.audit import services as audit
from portal.core.actors import Actor
from portal.home.demo import people
from portal.home.demo.catalogue import organisation
from portal.home.demo.catalogue.shapes import Site, Space

Clusters = Mapping[str, Cluster]
# The company is older than what is told of it.
_OPENED = timedelta(days=80)


def bring(clusters: Clusters, *, at: datetime, by: Actor) -> None:
    """Make what is missing; `clusters` are by the slug of their site, already read. `at` is the world's now."""
    opened = at - _OPENED
    found_teams = {one.slug: _team(one, opened, by) for one in organisation.TEAMS}
    found_projects = {one.slug: _project(one, found_teams[one.team], opened, by) for one in organisation.PROJECTS}
    for site in organisation.SITES:
        cluster = clusters[site.slug]
        rows = {row.name: row for row in Namespace.objects.live().filter(cluster=cluster)}
        for space in site.spaces:
            if space.project:
                _hold(cluster, rows[space.name], space, found_projects, at=at, by=by)
        _share(cluster, site, at=at, by=by)
    people.bring(_scopes(clusters, found_teams, found_projects), at=at, by=by)


def _team(one: organisation.Team, opened: datetime, by: Actor) -> Team:
    known = Team.objects.filter(is_demo=True, cost_centre=one.cost_centre).first()
    if known is not None:
        return known
    taken = Team.objects.filter(name_folded=fold(one.name)).exists()
    return teams.open(
        name=f"{one.name} (demo)" if taken else one.name,
        cost_centre=one.cost_centre,
        owner=one.owner,
        is_demo=True,
        by=by,
        at=opened,
    )


def _project(one: organisation.Project, team: Team, opened: datetime, by: Actor) -> Project:
    known = Project.objects.filter(is_demo=True, name=one.name).first()
    if known is not None:
        return known
    with transaction.atomic():
        made = projects.open(name=one.name, team=team, description=one.description, is_demo=True, by=by, at=opened)
        if one.listed:
            made = projects.change(project=made, name=made.name, description=made.description, is_listed=True, by=by)
    return made


def _hold(
    cluster: Cluster, row: Namespace, space: Space, known: Mapping[str, Project], *, at: datetime, by: Actor
) -> None:
    """Put a namespace into its project since it was made, and move it when the catalogue says so.

    Each change is made with the instant at which it happened, so that nothing has to be counted again.
    """
    key = (cluster.pk, row.uid)
    if NamespaceTenure.objects.of([key]).exists():
        return
    first, days = space.moved
    source = known[first or space.project]
    born = row.created_at or at
    with transaction.atomic():
        holdings.assign(project=source, namespaces=[key], by=by, at=born)
        if first:
            moved_at = (at - timedelta(days=days)).replace(hour=10, minute=20, second=0)
            holdings.move(
                source=source,
                target=known[space.project],
                namespaces=[key],
                by=by,
                at=moved_at,
                reason="Moved with the people who run it.",
            )


def _share(cluster: Cluster, site: Site, *, at: datetime, by: Actor) -> None:
    for space in site.spaces:
        if not space.shared:
            continue
        with transaction.atomic():
            _row, made = SharedNamespace.objects.get_or_create(
                cluster=cluster, name=space.name, defaults={"period": (at - _OPENED, None)}
            )
            if made:
                after = {"namespace": space.name, "shared": True}
                audit.record("ledger.shared.change", by=by, on=cluster.as_subject(), after=after)


def _scopes(
    clusters: Clusters, found_teams: Mapping[str, Team], found_projects: Mapping[str, Project]
) -> people.Scopes:
    groups: Sequence[tuple[ScopeKind, Mapping[str, Cluster] | Mapping[str, Team] | Mapping[str, Project]]] = (
        (ScopeKind.CLUSTER, clusters),
        (ScopeKind.TEAM, found_teams),
        (ScopeKind.PROJECT, found_projects),
    )
    found = {
        (kind.value, slug): role_bindings.Scope(kind, UUID(str(one.pk)), one.name)
        for kind, group in groups
        for slug, one in group.items()
    }
    return found | {(ScopeKind.EVERYTHING.value, ""): role_bindings.EVERYTHING}
