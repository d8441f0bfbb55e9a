"""Removing the demo whole: rows of every room, then the simulated clusters. Its audit stays."""

from collections.abc import Collection
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from billing.ledger import services as ledger
from billing.metering import services as metering
from billing.pricing import services as pricing
from clusters.applying.models import AppliedObject
from clusters.inventory import services as inventory
from clusters.inventory.models import Lease
from clusters.projects.models import (
    NamespaceRemoval,
    NamespaceTenure,
    NamespaceTerm,
    NamespaceWish,
    Project,
    ProjectTenure,
    Team,
)
from clusters.quotas.services import shares as quotas
from clusters.registry.models import Cluster
from portal.core import errors
from portal.core.actors import Actor
from portal.home.demo import files, memory, people
from portal.home.demo.catalogue.organisation import SITES
from portal.home.demo.simulator import Simulator
from portal.jobs.models import Job

# News about what is gone with the demo: nobody has to be told of it.
_STALE_NEWS = """
DELETE FROM right_change r WHERE r.scope_id = ANY(%(gone)s)
    OR (r.user_id IS NOT NULL AND NOT EXISTS (SELECT FROM user_account WHERE id = r.user_id))
    OR (r.group_id IS NOT NULL AND NOT EXISTS (SELECT FROM outside_group WHERE id = r.group_id))"""
# Interned rows that nothing points at any more.
_UNUSED_KEYS = """
DELETE FROM price_key k WHERE NOT EXISTS (SELECT FROM segment WHERE price_key_id = k.id)
    AND NOT EXISTS (SELECT FROM asset_hour WHERE price_key_id = k.id)
    AND NOT EXISTS (SELECT FROM cost_hour WHERE price_key_id = k.id)
    AND NOT EXISTS (SELECT FROM pod_hour WHERE price_key_id = k.id)"""
_UNUSED_LABELS = """
DELETE FROM label_set l WHERE NOT EXISTS (SELECT FROM segment WHERE label_set_id = l.id)
    AND NOT EXISTS (SELECT FROM cost_workload_day WHERE label_set_id = l.id)
    AND NOT EXISTS (SELECT FROM pod_hour WHERE label_set_id = l.id)"""


def remove(*, by: Actor) -> dict[str, int]:
    """Remove everything the demo made and record it; returns what went. Nothing happens where there is none.

    Teams and projects of the demo that hold anything of a real cluster stay, and are no longer marked as the demo's.
    Raises `Conflict` while it is being loaded.
    """
    memory.hold()
    try:
        with transaction.atomic():
            removed = erase() if memory.anything_left() else {}
            if removed or memory.last() == memory.LOADED:
                memory.note(memory.REMOVED, by=by, **removed)
        _stop_serving()
        return removed
    finally:
        memory.release()


@transaction.atomic
def erase() -> dict[str, int]:
    """Remove the rows, as one change: nobody sees half a demo."""
    # Whoever reads or closes one of them ends first, or finds it gone at its next write.
    clusters = list(Cluster.objects.select_for_update(of=("self",)).filter(is_demo=True).order_by("id"))
    ids = [cluster.pk for cluster in clusters]
    list(Lease.objects.select_for_update(of=("self",)).filter(cluster_id__in=ids).order_by("cluster_id"))
    ledger.erase(cluster_ids=ids)
    metering.erase(cluster_ids=ids)
    pricing.erase_demo()
    for cluster_id in ids:
        inventory.erase(cluster_id=cluster_id)
    kept = _keep_what_is_real()
    teams, projects = _erase_ownership(ids)
    gone, roles_kept = people.erase([*ids, *teams, *projects])
    _erase_jobs(ids)
    Cluster.objects.filter(resumes_id__in=ids).update(resumes=None)
    Cluster.objects.filter(pk__in=ids).delete()
    with connection.cursor() as cursor:
        cursor.execute(_UNUSED_KEYS)
        cursor.execute(_UNUSED_LABELS)
        cursor.execute(_STALE_NEWS, {"gone": [*ids, *teams, *projects]})
    return {
        "clusters": len(ids),
        "teams": len(teams),
        "projects": len(projects),
        "people": gone,
        "kept": kept + roles_kept,
    }


def _keep_what_is_real() -> int:
    """Take the mark from projects that held a real cluster's namespace, and from teams that owned a real project."""
    real = NamespaceTenure.objects.exclude(cluster__is_demo=True)
    kept = Project.objects.filter(is_demo=True, pk__in=real.values("project_id")).update(is_demo=False)
    owning = ProjectTenure.objects.filter(project__is_demo=False)
    return kept + Team.objects.filter(is_demo=True, pk__in=owning.values("team_id")).update(is_demo=False)


def _erase_ownership(cluster_ids: Collection[UUID]) -> tuple[list[UUID], list[UUID]]:
    theirs = Q(cluster_id__in=cluster_ids) | Q(project__is_demo=True)
    for model in (NamespaceTenure, NamespaceWish, NamespaceRemoval):
        model._default_manager.filter(theirs).delete()
    NamespaceTerm.objects.filter(cluster_id__in=cluster_ids).delete()
    AppliedObject.objects.filter(cluster_id__in=cluster_ids).delete()
    ProjectTenure.objects.filter(project__is_demo=True).delete()
    projects = list(Project.objects.filter(is_demo=True).values_list("pk", flat=True))
    quotas.erase(project_ids=projects, cluster_ids=cluster_ids)
    Project.objects.filter(pk__in=projects).delete()
    teams = list(Team.objects.filter(is_demo=True).values_list("pk", flat=True))
    Team.objects.filter(pk__in=teams).delete()
    return teams, projects


def _erase_jobs(cluster_ids: Collection[UUID]) -> None:
    # A worker that runs one finds its row gone and stops.
    Job.objects.filter(ids__cluster_id__in=[str(one) for one in cluster_ids]).delete()


def _stop_serving() -> None:
    slugs = [site.slug for site in SITES]
    try:
        simulator = Simulator()
        for slug in simulator.served().keys() & set(slugs):
            simulator.remove(slug)
    except errors.Refused:
        pass  # it does not run: without the files its next start serves none of them
    files.forget(slugs)
