"""Two worlds that differ in the other team's things alone look the same, to the byte, to somebody of ours.

The second world is the first one after the other team has changed everything it has: totals, counts, order, choices,
ages and links that would let any of it through differ.
"""

from datetime import timedelta

import pytest

from clusters.inventory.models import Namespace, Node, Pod, Workload
from clusters.projects.models import Team
from clusters.projects.services import holdings, projects, teams
from portal.access.scopes import ScopeKind
from portal.accounts import services as accounts
from portal.accounts.models import User
from portal.core.actors import COMMAND
from portal.jobs import services as jobs
from tests.architecture import addresses, matrix
from tests.architecture.cast import PARTS, Somebody
from tests.architecture.matrix import Sweep
from tests.factories import rivals, robots
from tests.factories.rivals import AT, THEIRS, World, filled
from tests.people import client_of, person

pytestmark = pytest.mark.django_db
ORDERS = ("-name", "created_at", "-cpu_m")
# People belong to no team: whoever gives roles finds everybody, and nobody who was deactivated.
OF_THE_DIRECTORY = "fragment accounts:grant of theirs"
OURS_ALONE = ("viewer", "member", "owner", "team_owner", "token", "robot", "view_as")


def seen_by(sweep: Sweep, who: str) -> dict[str, tuple[int, str]]:
    """Every answer to the person, about what is ours and about what is theirs."""
    found: dict[str, tuple[int, str]] = {}
    for cell in matrix.cells([who]):
        if cell.shape.method == "GET":
            found[str(cell)] = sweep.ask(cell).status_code, sweep.last
    theirs = sweep.world.theirs
    for address in ("/inventory/pods/", "/inventory/workloads/", "/inventory/namespaces/", "/projects/"):
        asked = [{"order": order, "size": "25"} for order in ORDERS]
        asked += [{"project": theirs.project.slug, "format": "csv"}, {"name": THEIRS, "format": "csv"}]
        asked += [{"cluster": sweep.world.foreign.slug, "format": "csv"}]
        for query in asked:
            answer = sweep.people[who].client.get(address, query)
            found[f"{address} {query}"] = answer.status_code, addresses.body(answer).decode()
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
    team, member = Team.objects.get(pk=theirs.team.pk), User.objects.get(pk=theirs.member.pk)
    teams.change(team=team, name="aaa renamed", cost_centre="9", owner="", by=COMMAND)
    second = projects.open(name="aaa second", team=team, by=COMMAND, at=AT)
    teams.open(name="aaa third team", by=COMMAND, at=AT)
    key = (world.shared.pk, theirs.namespace.uid)
    holdings.move(source=theirs.project, target=second, namespaces=[key], by=COMMAND, at=AT)
    another = person(f"{THEIRS}-another")
    rivals.give(another, "team_owner", ScopeKind.TEAM, theirs.team)
    accounts.set_active(user=member, active=False, by=COMMAND)
    jobs.enqueue("clusters.inventory.drain", key=str(world.foreign.pk), by=COMMAND, cluster_id=str(world.foreign.pk))
    rivals.cluster(f"{THEIRS}-second-cluster")
    robots.robot_of(theirs.project, f"aaa-{THEIRS}-second-robot", AT)
    robots.token_of(theirs.member, theirs.project, AT)


@pytest.mark.parametrize("who", OURS_ALONE)
def test_what_the_others_do_shows_nowhere(sweep: Sweep, who: str) -> None:
    first = seen_by(sweep, who)
    everything_of_theirs_changes(sweep.world)
    if who != "team_owner":
        # A project of one's own team is another one's, too.
        team = Team.objects.get(pk=sweep.world.ours.team.pk)
        projects.open(name="aaa beside it", team=team, by=COMMAND, at=AT)
    second = seen_by(sweep, who)
    assert sum(status == 200 for status, _body in first.values()) > 10
    differing = [name for name, answer in first.items() if second[name] != answer]
    assert differing == ([f"{who}: {OF_THE_DIRECTORY}"] if who in ("owner", "team_owner") else [])


def test_what_another_cluster_does_shows_nowhere(sweep: Sweep) -> None:
    keeper = person("okapi-keeper")
    rivals.give(keeper, "cluster_viewer", ScopeKind.CLUSTER, sweep.world.own)
    one = Somebody("cluster_viewer", PARTS["cluster_viewer"], client_of(keeper), keeper)
    alone = Sweep(sweep.world, {"cluster_viewer": one})
    first = seen_by(alone, "cluster_viewer")
    everything_of_theirs_changes(sweep.world)
    second = seen_by(alone, "cluster_viewer")
    assert [name for name, answer in first.items() if second[name] != answer] == []


def test_the_administrator_sees_it(sweep: Sweep) -> None:
    """The comparison finds differences where there are some."""
    first = seen_by(sweep, "everything")
    everything_of_theirs_changes(sweep.world)
    second = seen_by(sweep, "everything")
    differing = {name.split()[2] for name, answer in first.items() if second[name] != answer and ": " in name}
    assert {"inventory:pods", "projects:projects", "home:home", "audit:events"} <= differing
