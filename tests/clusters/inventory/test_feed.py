"""What the feed tells billing: when a charged thing begins, changes and ends."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from pytest_django import Settings

from clusters.inventory.models import Namespace, Node
from portal.core import clock
from tests.clusters.inventory.conftest import MakeEstate
from tests.clusters.inventory.objects import claim, namespace, node, pod, service, shop, volume

BEGUN = datetime(2026, 3, 1, 10, tzinfo=UTC)


def test_the_first_pass_tells_of_everything_charged(estate: MakeEstate) -> None:
    found = estate(**shop(pods=30))
    found.load()
    home = Namespace.objects.get(name="shop")
    pods = found.facts("pod")
    assert len(pods) == 30
    first = next(fact for fact in pods if fact.name == "web-0")
    assert (first.cpu_m, first.memory_bytes, first.started_at) == (500, Decimal(1024**3), BEGUN)
    assert (first.ended_at, first.end_flag, first.namespace_uid) == (None, "", home.uid)
    assert (first.owner_kind, first.owner_name) == ("ReplicaSet", "web-abc")
    assert first.node_uid == Node.objects.get(name="n1").uid
    nodes = found.facts("node")
    assert {fact.name for fact in nodes} == {"n1", "n2"}
    assert (nodes[0].instance_type, nodes[0].region) == ("m6i.xlarge", "eu-1")
    assert (nodes[0].cpu_m, nodes[0].provider_id) == (4000, f"aws:///eu-1/{nodes[0].name}")
    (disk,) = found.facts("volume")
    assert (disk.storage_bytes, disk.storage_class) == (Decimal(10 * 1024**3), "fast")
    assert (disk.claim_uid, disk.claim_namespace_uid) == ("uid-of-data", home.uid)
    (balancer,) = found.facts("load_balancer")
    assert (balancer.name, balancer.units, balancer.namespace_uid) == ("front", 1, home.uid)


def test_what_does_not_touch_the_charge_is_not_told(estate: MakeEstate) -> None:
    found = estate(**shop())
    found.load()
    found.fold()
    found.put("pods", pod("web-0", restarts=1, owner=("ReplicaSet", "web-abc")))
    found.put("nodes", node("n1", zone="b"))
    found.sync()
    assert found.facts("pod") == found.facts("node") == []


def test_a_resize_in_place_is_told_with_the_first_start(estate: MakeEstate) -> None:
    found = estate(**shop())
    found.load()
    found.fold()
    later = "2026-03-02T10:00:00Z"
    found.put("pods", pod("web-0", cpu="2", restarts=1, started=later, owner=("ReplicaSet", "web-abc")))
    found.sync()
    (fact,) = found.facts("pod")
    assert (fact.cpu_m, fact.started_at, fact.ended_at) == (2000, BEGUN, None)


def test_a_restart_that_forgot_its_first_start_moves_nothing(estate: MakeEstate) -> None:
    found = estate(**shop())
    found.load()
    found.fold()
    found.put("pods", pod("web-0", started="2026-03-04T00:00:00Z", owner=("ReplicaSet", "web-abc")))
    found.sync()
    assert found.facts("pod") == []


def test_starts_between_two_passes_count_too(estate: MakeEstate) -> None:
    found = estate(**shop())
    found.load()
    found.fold()
    found.put("pods", pod("quick", started="2026-03-05T00:00:00Z"))
    found.put("pods", pod("quick", started="2026-03-05T00:00:20Z", restarts=1))
    found.sync()
    (fact,) = found.facts("pod")
    assert fact.started_at == datetime(2026, 3, 5, tzinfo=UTC)


def test_a_pod_that_never_started_or_has_no_node_is_not_charged(estate: MakeEstate) -> None:
    found = estate(
        namespaces=[namespace("shop")], pods=[pod("waits", started=None), pod("pending", node="", started=None)]
    )
    found.load()
    assert found.facts("pod") == []
    found.put("pods", pod("waits"))
    found.sync()
    assert [fact.name for fact in found.facts("pod")] == ["waits"]


def test_a_finished_pod_ends_when_its_last_container_did(estate: MakeEstate) -> None:
    found = estate(**shop())
    found.load()
    found.fold()
    done = "2026-03-01T11:30:00Z"
    finished = pod("web-0", phase="Succeeded", finished=done, owner=("ReplicaSet", "web-abc"))
    found.put("pods", finished)
    found.sync()
    (fact,) = found.facts("pod")
    assert (fact.ended_at, fact.end_flag) == (datetime(2026, 3, 1, 11, 30, tzinfo=UTC), "")
    found.fold()
    found.delete("pods", "web-0", "shop")
    found.sync()
    assert found.facts("pod") == []


def test_a_deleted_pod_ends_at_its_deletion_or_when_it_was_seen_gone(estate: MakeEstate) -> None:
    found = estate(**shop())
    found.load()
    found.fold()
    found.put("pods", pod("web-0", deleting="2026-03-01T12:00:00Z", owner=("ReplicaSet", "web-abc")))
    found.delete("pods", "web-0", "shop")
    found.delete("pods", "web-1", "shop")
    at = clock.now()
    found.sync(at)
    ends = {fact.name: fact.ended_at for fact in found.facts("pod")}
    assert ends["web-0"] == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert ends["web-1"] is not None
    assert at <= ends["web-1"] <= at + timedelta(seconds=5)


def test_a_pod_that_came_and_went_between_two_passes_is_charged(estate: MakeEstate) -> None:
    found = estate(**shop())
    found.load()
    found.fold()
    found.put("pods", pod("short"))
    found.put("pods", pod("short", phase="Succeeded", finished="2026-03-01T10:05:00Z"))
    found.delete("pods", "short", "shop")
    found.sync()
    (fact,) = found.facts("pod")
    assert (fact.started_at, fact.ended_at) == (BEGUN, BEGUN + timedelta(minutes=5))


def test_what_was_missed_ends_at_the_last_confirmation(estate: MakeEstate) -> None:
    found = estate(**shop())
    at = clock.now()
    found.load(at)
    confirmed = {kind: found.stream(kind).last_ok_at for kind in ("pod", "node", "service", "volume")}
    found.fold()
    found.delete("pods", "web-0", "shop")
    found.delete("nodes", "n2")
    found.forget_position("pod", "node")
    found.load(at + timedelta(hours=2))
    (gone,) = found.facts("pod")
    assert (gone.name, gone.end_flag, gone.ended_at) == ("web-0", "missed", confirmed["pod"])
    (lost,) = found.facts("node")
    assert (lost.name, lost.end_flag, lost.ended_at) == ("n2", "missed", confirmed["node"])


def test_a_load_balancer_ends_when_the_service_becomes_another(estate: MakeEstate) -> None:
    found = estate(**shop())
    found.load()
    found.fold()
    found.put("services", service("front", type="ClusterIP"))
    at = clock.now()
    found.sync(at)
    (ended,) = found.facts("load_balancer")
    assert ended.ended_at is not None
    assert ended.ended_at >= at
    found.fold()
    found.put("services", service("front"))
    found.sync(at + timedelta(minutes=1))
    (again,) = found.facts("load_balancer")
    assert (again.ended_at, again.started_at > ended.ended_at) == (None, True)


def test_a_volume_is_told_when_it_grows_is_bound_and_deleted(estate: MakeEstate) -> None:
    found = estate(namespaces=[namespace("shop")], persistentvolumes=[volume("pv-9")])
    found.load()
    (free,) = found.facts("volume")
    assert (free.claim_uid, free.claim_namespace_uid) == ("", "")
    found.fold()
    found.put("persistentvolumeclaims", claim("data", volume="pv-9"))
    found.put("persistentvolumes", volume("pv-9", size="20Gi", claim=("shop", "data")))
    found.sync()
    (bound,) = found.facts("volume")
    assert (bound.storage_bytes, bound.claim_uid) == (Decimal(20 * 1024**3), "uid-of-data")
    found.fold()
    found.delete("persistentvolumes", "pv-9")
    found.sync()
    (gone,) = found.facts("volume")
    assert gone.ended_at is not None


def test_cost_labels_come_from_the_pod_and_its_namespace(estate: MakeEstate, settings: Settings) -> None:
    settings.COST_LABELS = ["team", "env"]
    found = estate(
        namespaces=[namespace("shop", team="red", other="x")],
        pods=[pod("web", labels={"env": "prod", "app": "web"}), pod("own", labels={"team": "blue"})],
    )
    found.load()
    told = {fact.name: fact.labels for fact in found.facts("pod")}
    assert told == {"web": {"team": "red", "env": "prod"}, "own": {"team": "blue"}}
    found.fold()
    found.put("pods", pod("web", labels={"env": "prod", "app": "new"}))
    found.put("namespaces", namespace("shop", team="red", other="y"))
    found.sync()
    assert found.facts("pod") == []
    found.put("pods", pod("web", labels={"env": "test", "app": "new"}))
    found.sync()
    assert [fact.labels for fact in found.facts("pod")] == [{"team": "red", "env": "test"}]
    found.fold()
    found.put("namespaces", namespace("shop", team="green"))
    found.sync()
    told = {fact.name: fact.labels for fact in found.facts("pod")}
    assert told == {"web": {"team": "green", "env": "test"}, "own": {"team": "blue"}}
