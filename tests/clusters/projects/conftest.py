"""Clusters with namespaces, teams and projects, without a server behind them: ownership asks none."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clusters.inventory.models import Namespace
from clusters.projects.models import Project, Team
from clusters.projects.services import projects, teams
from clusters.projects.services.holdings import Key
from clusters.registry.models import Cluster, State
from portal.core.actors import COMMAND

# The tests' present: the middle of an hour in the middle of a month.
AT = datetime(2026, 8, 14, 12, 30, 15, tzinfo=UTC)
SEEN = AT - timedelta(days=40)


def a_cluster(name: str = "prod") -> Cluster:
    """An attached cluster."""
    return Cluster.objects.create(
        name=name,
        slug=name,
        state=State.ATTACHED,
        server="https://10.0.0.1",
        credential="sealed elsewhere",
        kube_system_uid=str(uuid.uuid4()),
        generation=1,
        attached_at=SEEN,
    )


def a_namespace(cluster: Cluster, name: str, **fields: Any) -> Key:
    """A namespace of the inventory; returns its identity."""
    given = {"created_at": SEEN, "observed_at": SEEN, "phase": "Active", "rancher_project": "", "resource_version": "1"}
    uid = str(uuid.uuid4())
    Namespace.objects.create(cluster=cluster, uid=uid, name=name, **{**given, **fields})
    return cluster.pk, uid


def columns(key: Key) -> tuple[uuid.UUID | None, uuid.UUID | None]:
    """Team and project as the inventory's columns have them."""
    return Namespace.objects.values_list("team_id", "project_id").get(cluster_id=key[0], uid=key[1])


def a_team(name: str = "Payments", at: datetime = SEEN) -> Team:
    """A team that stands since the namespaces were seen."""
    return teams.open(name=name, by=COMMAND, at=at)


def a_project(name: str, team: Team, at: datetime = SEEN) -> Project:
    """A project of the team."""
    return projects.open(name=name, team=team, by=COMMAND, at=at)


@pytest.fixture
def cluster(db: None) -> Cluster:
    """One cluster."""
    return a_cluster()


@pytest.fixture
def team(db: None) -> Team:
    """One team."""
    return a_team()


@pytest.fixture
def project(team: Team) -> Project:
    """One of its projects."""
    return a_project("Checkout", team)
