"""Two worlds that differ in the other team's things alone look the same, to the byte, to somebody of ours.

The second world is the first one after the other team has changed everything it has: totals, counts, order, choices,
ages and links that would let any of it through differ.
"""

from datetime import timedelta

import pytest

from clusters.inventory.models import Namespace, Node, Pod, Workload
from clusters.projects.services import holdings, projects, teams
from portal.access.scopes import ScopeKind
from portal.accounts import services as accounts
from portal.accounts.models import User
from portal.core import clock
from portal.core.actors import COMMAND
from portal.jobs import services as jobs
from tests.architecture import addresses
from tests.architecture.addresses import body, shapes
from tests.factories import rivals, robots
from tests.factories.rivals import AT, THEIRS, World, filled
from tests.people import client_of, person

PAGES = [one for one in addresses.every() if one.name not in addresses.UNASKED]
ORDERS = ("-name", "created_at", "-cpu_m")


@pytest.fixture(autouse=True)
def present(monkeypatch: pytest.MonkeyPatch) -> None:
    """The present of the world."""
    monkeypatch.setattr(clock, "now", lambda: AT)


@pytest.fixture
def world(db: None) -> World:
    """Two teams."""
    return rivals.world()


def seen_by(user: User, world: World) -> dict[str, tuple[int, bytes]]:
    """Every answer to the person, about what is ours and about what is theirs."""
    found: dict[str, tuple[int, bytes]] = {}
    client = client_of(user)
    for one in PAGES:
        urls = {whose: one.url(world, whose) for whose in (("ours", "theirs") if one.kind else ("ours",))}
        for whose, url in urls.items():
            for shape, answer in shapes(client, url, is_api=one.is_api).items():
                found[f"{one.name} {whose} {shape}"] = answer.status_code, body(answer)
    for address in ("/inventory/pods/", "/inventory/workloads/", "/inventory/namespaces/", "/projects/"):
        for order in ORDERS:
            answer = client.get(address, {"order": order, "size": "25"})
            found[f"{address} {order}"] = answer.status_code, body(answer)
        for query in ({"project": world.theirs.project.slug}, {"name": THEIRS}, {"cluster": world.foreign.slug}):
            answer = client.get(address, {**query, "format": "csv"})
            found[f"{address} {query}"] = answer.status_code, body(answer)
    return found


def everything_of_theirs_changes(world: World) -> None:
    """More of it, other amounts, other names, other states, other people, other jobs."""
    theirs = world.theirs
    for number in range(30):
        rivals.inhabit(world.shared, theirs.project, f"{THEIRS}-{number}", cpu_m=10_000 + number, restarts=number)
    Pod.objects.filter(pk=theirs.pod.pk).update(cpu_m=64_000, memory_bytes=2**40, phase="Failed", name="aaa-first")
    Workload.objects.filter(pk=theirs.workload.pk).update(ready=0, desired=9, name="aaa-first")
    Namespace.objects.filter(cluster=world.foreign).update(gone_at=AT)
    filled(Node, cluster=world.foreign, name=f"{THEIRS}-another", cpu_m=128_000, memory_bytes=2**38, ready=False)
    filled(Namespace, cluster=world.foreign, name=f"{THEIRS}-unowned", phase="Active")
    world.stream.__class__.objects.filter(cluster=world.foreign).update(
        state="unreachable", last_ok_at=AT - timedelta(days=2), text="gone"
    )
    teams.change(team=theirs.team, name="aaa renamed", cost_centre="9", owner="", by=COMMAND)
    second = projects.open(name="aaa second", team=theirs.team, by=COMMAND, at=AT)
    teams.open(name="aaa third team", by=COMMAND, at=AT)
    key = (world.shared.pk, theirs.namespace.uid)
    holdings.move(source=theirs.project, target=second, namespaces=[key], by=COMMAND, at=AT)
    another = person(f"{THEIRS}-another")
    rivals.give(another, "team_owner", ScopeKind.TEAM, theirs.team)
    accounts.set_active(user=theirs.member, active=False, by=COMMAND)
    jobs.enqueue("clusters.inventory.drain", key=str(world.foreign.pk), by=COMMAND, cluster_id=str(world.foreign.pk))
    rivals.cluster(f"{THEIRS}-second-cluster")
    robots.robot_of(theirs.project, f"aaa-{THEIRS}-second-robot", AT)
    robots.token_of(theirs.member, theirs.project, AT)


@pytest.mark.parametrize("role", ["project_member", "team_owner", "cluster_viewer"])
def test_what_the_others_do_shows_nowhere(world: World, role: str) -> None:
    bob = person("bob")
    match role:
        case "team_owner":
            rivals.give(bob, role, ScopeKind.TEAM, world.ours.team)
        case "cluster_viewer":
            rivals.give(bob, role, ScopeKind.CLUSTER, world.own)
        case _:
            rivals.give(bob, role, ScopeKind.PROJECT, world.ours.project)
    first = seen_by(bob, world)
    everything_of_theirs_changes(world)
    if role == "project_member":
        # A project of one's own team is another one's, too.
        projects.open(name="aaa beside it", team=world.ours.team, by=COMMAND, at=AT)
    second = seen_by(bob, world)
    assert sum(status == 200 for status, _body in first.values()) > 20
    assert [name for name, answer in first.items() if second[name] != answer] == []


def test_the_administrator_sees_it(world: World, ann: User) -> None:
    """The comparison finds differences where there are some."""
    first = seen_by(ann, world)
    everything_of_theirs_changes(world)
    second = seen_by(ann, world)
    differing = {name.split()[0] for name, answer in first.items() if second[name] != answer}
    assert {"inventory:pods", "projects:projects", "api:pods-list", "home:home", "audit:events"} <= differing
