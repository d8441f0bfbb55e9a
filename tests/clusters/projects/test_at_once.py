"""Two people at the same moment: one wins, the other is told."""

import threading

import pytest
from django.db import connection

from clusters.projects.models import NamespaceTenure, Project
from clusters.projects.services import holdings
from portal.core import errors
from portal.core.actors import COMMAND
from tests.clusters.projects.conftest import AT, a_cluster, a_namespace, a_project, a_team, columns

pytestmark = pytest.mark.django_db(transaction=True)


def test_of_two_assignments_one_wins() -> None:
    cluster, team = a_cluster(), a_team()
    keys = [a_namespace(cluster, f"n{number}") for number in range(20)]
    rivals = [a_project(name, team) for name in ("One", "Two")]
    together = threading.Barrier(2)
    outcomes: dict[str, object] = {}

    def assign(project: Project) -> None:
        try:
            together.wait(10)
            outcomes[project.slug] = len(holdings.assign(project=project, namespaces=keys, by=COMMAND, at=AT))
        except errors.Conflict as conflict:
            outcomes[project.slug] = conflict.code
        finally:
            connection.close()

    threads = [threading.Thread(target=assign, args=(project,)) for project in rivals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(map(str, outcomes.values())) == ["20", "conflict"]
    winner = next(project for project in rivals if outcomes[project.slug] == 20)
    assert set(NamespaceTenure.objects.values_list("project_id", flat=True)) == {winner.pk}
    assert {columns(key)[1] for key in keys} == {winner.pk}


def test_of_two_moves_one_wins() -> None:
    cluster, team = a_cluster(), a_team()
    key = a_namespace(cluster, "shop")
    source, one, two = (a_project(name, team) for name in ("Source", "One", "Two"))
    holdings.assign(project=source, namespaces=[key], by=COMMAND, at=AT)
    together = threading.Barrier(2)
    outcomes: dict[str, str] = {}

    def move(target: Project) -> None:
        try:
            together.wait(10)
            holdings.move(source=source, target=target, namespaces=[key], by=COMMAND, at=AT)
            outcomes[target.slug] = "moved"
        except errors.Conflict as conflict:
            outcomes[target.slug] = conflict.code
        finally:
            connection.close()

    threads = [threading.Thread(target=move, args=(target,)) for target in (one, two)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes.values()) == ["conflict", "moved"]
    assert NamespaceTenure.objects.current().count() == 1
