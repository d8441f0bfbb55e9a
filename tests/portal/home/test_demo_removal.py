"""Removing a demo that real things grew into, and the ways of asking for its removal."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clusters.projects.models import NamespaceTenure, Project, ProjectTenure, Team
from clusters.projects.services import projects, teams
from clusters.registry.models import Cluster, State
from portal.access.scopes import ScopeKind
from portal.accounts.bindings import role_bindings
from portal.accounts.models import Binding, CustomRole, User
from portal.audit.models import Event
from portal.core import clock, errors, sealed
from portal.core.actors import COMMAND
from portal.home import demo
from portal.home.demo import people
from portal.jobs import runner
from portal.jobs.models import Job
from tests.people import client_of, person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    """No simulator runs here."""
    settings.DATA_DIR = tmp_path
    return tmp_path


def cluster(name: str, *, is_demo: bool) -> Cluster:
    """An attached cluster that nobody reads."""
    made = Cluster(name=name, slug=name, state=State.ATTACHED, server="https://10.0.0.1", is_demo=is_demo)
    made.kube_system_uid = f"uid-of-{name}"
    sealed.set_sealed(made, "credential", "{}")
    made.save()
    return made


def owned(name: str, *, is_demo: bool) -> tuple[Team, Project]:
    """A team with a project."""
    team = teams.open(name=f"{name} team", by=COMMAND, at=clock.now(), is_demo=is_demo)
    return team, projects.open(name=name, team=team, by=COMMAND, at=clock.now(), is_demo=is_demo)


def held(project: Project, where: Cluster, name: str) -> NamespaceTenure:
    """A namespace in a project."""
    since = clock.now() - timedelta(days=1)
    return NamespaceTenure.objects.create(
        project=project, cluster=where, namespace_uid=name, namespace_name=name, period=(since, None)
    )


def test_what_holds_a_real_namespace_stays_and_is_no_longer_marked() -> None:
    real, staged = cluster("real", is_demo=False), cluster("staged", is_demo=True)
    team, project = owned("Shop", is_demo=True)
    other_team, other = owned("Search", is_demo=True)
    kept = held(project, real, "till")
    held(project, staged, "shop")
    held(other, staged, "search")

    removed = demo.remove(by=COMMAND)

    assert removed == {"clusters": 1, "teams": 1, "projects": 1, "people": 0, "kept": 2}
    assert list(NamespaceTenure.objects.all()) == [kept]
    assert list(Project.objects.values_list("pk", "is_demo")) == [(project.pk, False)]
    assert list(Team.objects.values_list("pk", "is_demo")) == [(team.pk, False)]
    assert list(Cluster.objects.all()) == [real]


def test_a_real_project_of_the_demos_team_keeps_its_team() -> None:
    cluster("staged", is_demo=True)
    team, _project = owned("Shop", is_demo=True)
    mine = projects.open(name="Mine", team=team, by=COMMAND, at=clock.now())
    demo.remove(by=COMMAND)
    assert list(Project.objects.all()) == [mine]
    assert list(Team.objects.values_list("pk", "is_demo")) == [(team.pk, False)]
    assert ProjectTenure.objects.get().project_id == mine.pk


def test_a_real_project_loses_the_namespaces_of_the_demo() -> None:
    staged = cluster("staged", is_demo=True)
    _team, project = owned("Mine", is_demo=False)
    held(project, staged, "shop")
    demo.remove(by=COMMAND)
    assert list(Project.objects.all()) == [project]
    assert not NamespaceTenure.objects.exists()


def test_roles_that_real_people_hold_on_it_go_with_it(bob: User) -> None:
    staged = cluster("staged", is_demo=True)
    scope = role_bindings.Scope(ScopeKind.CLUSTER, staged.pk, staged.name)
    role_bindings.grant(user=bob, role="cluster_viewer", scope=scope, by=COMMAND, at=clock.now())
    demo.remove(by=COMMAND)
    assert not Binding.objects.exists()
    assert User.objects.get() == bob


def test_a_role_of_the_demo_that_somebody_holds_elsewhere_stays(bob: User) -> None:
    staged, team = cluster("staged", is_demo=True), teams.open(name="Mine", by=COMMAND, at=clock.now())
    people.bring_roles(at=clock.now(), by=COMMAND)
    scope = role_bindings.Scope(ScopeKind.TEAM, team.pk, team.name)
    role_bindings.grant(user=bob, role="x-on-call-demo", scope=scope, by=COMMAND, at=clock.now())
    assert demo.remove(by=COMMAND)["kept"] == 1
    assert CustomRole.objects.get().key == "x-on-call-demo"
    assert Binding.objects.get().user == bob
    assert not Cluster.objects.filter(pk=staged.pk).exists()


def test_a_running_job_of_its_clusters_finds_its_row_gone() -> None:
    staged = cluster("staged", is_demo=True)
    job = Job.objects.create(
        kind="clusters.inventory.drain",
        key=str(staged.pk),
        ids={"cluster_id": str(staged.pk)},
        queue="sync",
        state="running",
        by=COMMAND.as_json(),
        by_label="",
        max_attempts=1,
        due_at=clock.now(),
        fence=1,
    )
    run = runner.JobRun(job.pk, 1, COMMAND)
    demo.remove(by=COMMAND)
    with pytest.raises(runner.LeaseLost):
        run.demand_alive()


def test_the_button_removes_it_by_a_job() -> None:
    cluster("staged", is_demo=True)
    ann = person("ann", "admin", "finance")
    answer = client_of(ann).post(reverse("home:remove_demo"))
    job = Job.objects.get(kind="portal.home.remove_demo")
    assert answer.url == reverse("home:job", args=[job.pk])  # type: ignore[attr-defined]
    assert runner.run(job.pk) == "succeeded"
    result = Job.objects.get(pk=job.pk).result
    assert result is not None
    assert result["clusters"] == 1
    event = Event.objects.get(kind="demo.remove")
    assert (event.actor_id, event.on_type) == (str(ann.pk), "demo")
    assert not Cluster.objects.exists()


def test_who_may_not_cannot_remove_it(fay: User) -> None:
    assert client_of(fay).post(reverse("home:remove_demo")).status_code in (403, 404)
    assert Client().post(reverse("home:remove_demo")).status_code == 302
    assert not Job.objects.filter(kind="portal.home.remove_demo").exists()


def test_without_a_simulator_loading_says_what_to_start(folder: Path) -> None:
    with pytest.raises(errors.Refused, match="simulator does not answer"):
        demo.load(by=COMMAND, say=lambda _text: None)
    assert not (folder / "demo" / "world.json").exists()
