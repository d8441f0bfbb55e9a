"""A pool over two real clusters: no watcher sees more than it, and a real pod is refused at the edge."""

import os
import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

import pytest

from clusters.inventory import services as inventory
from clusters.inventory.models import Quota, Stream
from clusters.kube.objects import table
from clusters.projects.models import Project
from clusters.quotas import selectors
from clusters.quotas.models import QuotaPlan, QuotaShare
from clusters.quotas.moving import Move, NotReached, Seen
from clusters.quotas.pool import Key
from clusters.quotas.services import balancing, shares
from clusters.quotas.services.door import ClusterDoor, Site
from clusters.registry.models import Cluster as Attached
from portal.accounts.models import User
from portal.core import clock
from tests.clusters.applying import beds
from tests.clusters.quotas.test_plans import decide
from tests.clusters.quotas.watching import Watcher
from tests.testbed import objects
from tests.testbed.api import Refusal, wait_until
from tests.testbed.control_plane import Bed
from tests.testbed.control_plane import Cluster as RealCluster

pytestmark = pytest.mark.django_db(transaction=True)
SEEDS = int(os.environ.get("SEEDS") or 1)
POOL = {"pods": 12, "requests.cpu": 3000}
KINDS = ("namespace", "quota", "pod", "workload", "occurrence", "node")


class Ground(beds.Ground):
    """A real cluster, read and written with all rights: what each account may do is proved elsewhere."""

    def _attached(self, config: str, name: str) -> Attached:
        everything = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
        return super()._attached(self.real.account_kubeconfig(f"all-{name}", rules=everything), name)

    def sync(self, at: datetime | None = None) -> None:
        Stream.objects.filter(cluster=self.cluster).update(due_at=None)
        wanted = [kind for kind in table.KINDS if kind.name in KINDS]
        assert inventory.sync_once(self.cluster, at=at or clock.now(), kinds=wanted).failed == {}


@dataclass
class Estate:
    """Two clusters with a project over both."""

    grounds: list[Ground]
    names: list[list[str]]
    project: Project

    def sync(self) -> None:
        for ground in self.grounds:
            ground.sync()

    def reconcile(self) -> None:
        for ground in self.grounds:
            ground.reconcile()

    def balance(self) -> dict[str, int]:
        return balancing.rebalance(project_id=self.project.pk, now=clock.now)

    def settled(self) -> None:
        for _round in range(3):
            self.balance()
            self.reconcile()
            self.sync()

    def hard(self, place: int, name: str) -> dict[str, str]:
        quota = self.grounds[place].api.read("ResourceQuota", "paddock", namespace=name)
        found: dict[str, str] = quota["spec"]["hard"]
        return found


@pytest.fixture
def estate(testbed: Bed) -> Iterator[Estate]:
    tag = uuid.uuid4().hex[:6]
    grounds = [Ground(testbed[name], f"pool-{name}-{tag}") for name in ("one", "two")]
    names = [[ground.namespace(f"pool-{tag}-{number}") for number in range(2)] for ground in grounds]
    project = beds.project(f"pool-{tag}")
    for ground, held in zip(grounds, names, strict=True):
        ground.sync()
        ground.hold(project, *held)
    yield Estate(grounds, names, project)
    for ground in grounds:
        ground.cleared()


def pod(cluster: RealCluster, namespace: str, name: str, cpu: str = "100m") -> bool:
    """Make a pod directly; False where the server refuses it."""
    spec = objects.pod_spec(containers=[objects.container(cpu=cpu)])
    try:
        cluster.api.create(objects.pod(name, namespace, spec=spec))
    except Refusal as refused:
        assert "exceeded quota: paddock" in str(refused), str(refused)
        return False
    return True


class Rough(ClusterDoor):
    """The real door, with clusters that freeze and answers that are lost on both sides of a write."""

    def __init__(self, chance: random.Random, frozen: set[uuid.UUID], meanwhile: Callable[[], None]) -> None:
        def site(cluster_id: uuid.UUID) -> Site | None:
            return None if cluster_id in frozen else balancing.site_of(cluster_id, clock.now())

        super().__init__(site, balancing.ours, allow_loopback=True)
        self.chance, self.meanwhile = chance, meanwhile

    def read(self, key: Key) -> Seen | None:
        seen = super().read(key)
        self.meanwhile()
        return seen

    def write(self, move: Move, seen: Seen) -> str | None:
        if self.chance.random() < 0.15:
            raise NotReached
        version = super().write(move, seen)
        if self.chance.random() < 0.15:
            raise NotReached
        if self.chance.random() < 0.1:
            raise Killed
        return version


class Killed(BaseException):
    """The worker dies here."""


@pytest.mark.parametrize("seed", range(SEEDS))
def test_an_independent_watcher_never_sees_more_than_the_pool(estate: Estate, seed: int) -> None:
    chance = random.Random(seed)
    decide(estate.project, given={"amounts": POOL})
    places = [(ground, name) for ground, held in zip(estate.grounds, estate.names, strict=True) for name in held]
    pods: list[tuple[Ground, str, str]] = []
    frozen: set[uuid.UUID] = set()
    refused = 0

    def load() -> None:
        nonlocal refused
        ground, name = places[chance.randrange(len(places))]
        if pods and chance.random() < 0.35:
            where, namespace, gone = pods.pop(chance.randrange(len(pods)))
            where.api.delete("Pod", gone, namespace=namespace)
        elif pod(ground.real, name, made := f"p{uuid.uuid4().hex[:8]}", f"{chance.choice([100, 300, 700])}m"):
            pods.append((ground, name, made))
        else:
            refused += 1

    with Watcher(estate.grounds[0].real, estate.grounds[1].real, [name for _ground, name in places], POOL) as watcher:
        estate.settled()
        for _step in range(12):
            load()
            if chance.random() < 0.3:
                frozen ^= {chance.choice(estate.grounds).cluster.pk}
            if chance.random() < 0.6:
                estate.sync()
            if chance.random() < 0.3:
                estate.reconcile()
            door = Rough(chance, frozen, load if chance.random() < 0.5 else lambda: None)
            try:
                shares.rebalance(project_id=estate.project.pk, door=door, now=clock.now)
            except Killed:
                # Nobody ends what a dead worker began: it runs out by itself.
                QuotaShare.objects.filter(project=estate.project).update(moving_until=None)
        frozen.clear()
        QuotaShare.objects.filter(project=estate.project).update(moving_until=None)
        estate.sync()
        estate.settled()
        watcher.look()
    assert watcher.broken == []
    assert watcher.looked > 20
    assert watcher.peak["pods"] > POOL["pods"] // 2
    for share in QuotaShare.objects.filter(project=estate.project, resource="pods"):
        standing = Quota.objects.get(cluster_id=share.cluster_id, namespace__uid=share.namespace_uid, name="paddock")
        assert int(standing.hard["pods"]) <= int(share.granted)


def test_a_pod_is_refused_at_the_edge_the_page_says_why_and_room_comes(estate: Estate, ann: User) -> None:
    decide(estate.project, given={"amounts": {"pods": 8, "requests.cpu": 4000}})
    estate.settled()
    here, name = estate.grounds[0], estate.names[0][0]
    before = int(estate.hard(0, name)["pods"])
    here.api.create(objects.deployment("web", name, replicas=before + 2))
    wait_until(
        lambda: (
            here.api.read("ResourceQuota", "paddock", namespace=name)["status"].get("used", {}).get("pods")
            == str(before)
        ),
        what="the quota is full",
    )
    wait_until(
        lambda: any("exceeded quota: paddock" in event["message"] for event in here.api.items("Event", namespace=name)),
        what="the refusal is reported",
    )
    estate.sync()
    (found,) = [one for one in selectors.refused(estate.project, clock.now()) if one.namespace == name]
    assert (found.quota, found.ours) == ("paddock", True)
    assert found.what.startswith("ReplicaSet web-")
    assert "Pods" in found.reasons[0]
    bar = next(one for one in selectors.bars(estate.project, ann, clock.now()) if one.resource == "pods")
    assert (bar.used, bar.limit) == (before, 8)
    # The others use nothing: their free share moves here, and the pod has room.
    estate.balance()
    assert int(estate.hard(0, name)["pods"]) > before
    plan = QuotaPlan.objects.get()
    assert sum(int(share.granted) for share in QuotaShare.objects.filter(resource="pods")) <= plan.pool["pods"] == 8


def test_a_limit_that_somebody_raised_by_hand_is_put_back(estate: Estate) -> None:
    decide(estate.project, given={"amounts": POOL})
    estate.settled()
    here, name = estate.grounds[1], estate.names[1][0]
    before = estate.hard(1, name)
    here.api.patch("ResourceQuota", "paddock", {"spec": {"hard": {"pods": "900"}}}, namespace=name)
    here.sync()
    here.look()
    here.reconcile()
    assert estate.hard(1, name) == before
