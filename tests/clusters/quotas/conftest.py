"""Projects with namespaces on two clusters, and what their quotas say."""

import uuid
from datetime import datetime
from typing import Any

import pytest

from clusters.inventory.models import Namespace, Pod, Quota, Stream
from clusters.projects.models import Project, Team
from clusters.projects.services import holdings
from clusters.quotas.pool import Key
from clusters.registry.models import Cluster
from portal.core import clock
from portal.core.actors import COMMAND
from tests.clusters.projects.conftest import a_cluster, a_namespace, a_project, a_team
from tests.factories.rivals import filled

GIB = 1024**3


def reached(cluster: Cluster, at: datetime | None = None) -> None:
    """Its quotas were confirmed just now."""
    Stream.objects.update_or_create(
        cluster=cluster, kind="quota", defaults={"state": "ok", "last_ok_at": at or clock.now()}
    )


def hold(project: Project, cluster: Cluster, name: str) -> Key:
    """A namespace of the project."""
    key = a_namespace(cluster, name)
    holdings.assign(project=project, namespaces=[key], by=COMMAND, at=clock.now(), since="now")
    return key


def row_of(key: Key) -> Namespace:
    return Namespace.objects.get(cluster_id=key[0], uid=key[1])


def a_pod(key: Key, name: str, *, cpu_m: int = 250, memory: int = GIB, workload: str = "web") -> Pod:
    namespace = row_of(key)
    found: Pod = filled(
        Pod,
        cluster_id=key[0],
        namespace=namespace,
        namespace_name=namespace.name,
        name=name,
        workload_kind="Deployment",
        workload_name=workload,
        cpu_m=cpu_m,
        memory_bytes=memory,
        phase="Running",
    )
    return found


def a_quota(key: Key, hard: dict[str, str], used: dict[str, str], *, name: str = "paddock", **more: Any) -> Quota:
    """What sync saw of a ResourceQuota."""
    namespace = row_of(key)
    Quota.objects.filter(namespace=namespace, name=name).delete()
    found: Quota = filled(
        Quota,
        cluster_id=key[0],
        namespace=namespace,
        namespace_name=namespace.name,
        name=name,
        hard=hard,
        used=used,
        **{"resource_version": str(uuid.uuid4().int % 10**6), **more},
    )
    return found


@pytest.fixture
def team(db: None) -> Team:
    return a_team()


@pytest.fixture
def project(team: Team) -> Project:
    return a_project("Checkout", team)


@pytest.fixture
def east(db: None) -> Cluster:
    cluster = a_cluster("east")
    reached(cluster)
    return cluster


@pytest.fixture
def west(db: None) -> Cluster:
    cluster = a_cluster("west")
    reached(cluster)
    return cluster


@pytest.fixture
def shop(project: Project, east: Cluster) -> Key:
    return hold(project, east, "shop")


@pytest.fixture
def cart(project: Project, west: Cluster) -> Key:
    return hold(project, west, "cart")
