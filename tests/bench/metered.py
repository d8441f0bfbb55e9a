"""The synced cluster measured, owned and priced: segments from the real fold, a holder per namespace, a price book.

Runs in children only: Django is set up there.
"""

from datetime import UTC, datetime
from typing import Any

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from billing.metering import services as metering
from billing.metering.models import Segment
from billing.pricing import services as pricing
from billing.pricing.models import PriceBook, Rate
from clusters.inventory.models import Namespace, Stream
from clusters.projects.models import NamespaceTenure, Project, ProjectTenure, Team, fold
from portal.core import clock, periods
from portal.core.actors import COMMAND
from tests.bench import estate
from tests.bench.contest import Sample

NAMESPACES_PER_PROJECT = 10
PROJECTS_PER_TEAM = 2
RATES = (("core", "0.031611"), ("memory", "0.004237"))
NODE_CPU_M, NODE_MEMORY = 64_000, 256 * 2**30
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
ALWAYS = DateTimeTZRange(None, None)


def prepare(inputs: dict[str, Any]) -> Sample:
    cluster = estate.attached()
    now = clock.now()
    folded = metering.fold(cluster_id=cluster.pk, at=now)
    # The replayed nodes hold more than a scheduler would put there; cutting pods to fit is not what is measured.
    Segment.objects.filter(kind="node").update(cpu_m=NODE_CPU_M, memory_bytes=NODE_MEMORY)
    _own()
    _price()
    # Confirmed for hours to come, so that each of them is closed whole.
    Stream.objects.update(last_ok_at=now + 100 * periods.HOUR)
    pods = Segment.objects.filter(kind="pod").exclude(node_uid="").count()
    if pods != inputs["size"]:
        raise RuntimeError(f"{pods} pods are measured")
    return {"folded": folded.written}


def _own() -> None:
    """Give every namespace a project, and every project a team, as if it had always been so."""
    namespaces = list(Namespace.objects.order_by("name").values_list("cluster_id", "uid", "name"))
    projects = [
        Project(slug=f"project-{number}", name=f"Project {number}")
        for number in range(-(-len(namespaces) // NAMESPACES_PER_PROJECT))
    ]
    names = [f"Team {number}" for number in range(-(-len(projects) // PROJECTS_PER_TEAM))]
    teams = [Team(slug=f"team-{number}", name=name, name_folded=fold(name)) for number, name in enumerate(names)]
    Project.objects.bulk_create(projects)
    Team.objects.bulk_create(teams)
    ProjectTenure.objects.bulk_create(
        [
            ProjectTenure(project=project, team=teams[number // PROJECTS_PER_TEAM], period=ALWAYS)
            for number, project in enumerate(projects)
        ]
    )
    NamespaceTenure.objects.bulk_create(
        [
            NamespaceTenure(
                project=projects[number // NAMESPACES_PER_PROJECT],
                cluster_id=cluster_id,
                namespace_uid=uid,
                namespace_name=name,
                period=DateTimeTZRange(SINCE, None),
                reason="bench",
            )
            for number, (cluster_id, uid, name) in enumerate(namespaces)
        ]
    )


def _price() -> None:
    book = pricing.create_book(name="Bench", all_clusters=True, by=COMMAND, at=clock.now())
    Rate.objects.bulk_create(
        [
            Rate(
                book=book,
                asset=asset,
                price=price,
                unit="hour",
                period=DateTimeTZRange(SINCE, None),
                version=1,
                created_by="bench",
            )
            for asset, price in RATES
        ]
    )
    PriceBook.objects.filter(pk=book.pk).update(version=2)
