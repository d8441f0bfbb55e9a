"""The first pass over a cluster, and passes in which nothing happens."""

from clusters.inventory.models import Namespace, Node, ObjectBody, Pod, Quota, Service, Volume, VolumeClaim, Workload
from clusters.kube.objects.table import KINDS
from tests.clusters.inventory.conftest import MakeEstate
from tests.clusters.inventory.objects import shop


def test_everything_is_read_and_stands_in_its_namespace(estate: MakeEstate) -> None:
    found = estate(**shop())
    report = found.load()
    assert report.failed == {}
    assert {each.kind for each in report.streams} == {kind.name for kind in KINDS}
    assert {each.state for each in report.streams} == {"ok"}
    home = Namespace.objects.get(name="shop")
    assert home.labels == {"team": "red"}
    assert Pod.objects.filter(namespace=home).count() == 3
    pod = Pod.objects.get(name="web-0")
    assert (pod.cpu_m, pod.memory_bytes, pod.node) == (500, 1024**3, "n1")
    assert (pod.owner_kind, pod.workload_kind, pod.workload_name) == ("ReplicaSet", "ReplicaSet", "web-abc")
    assert Node.objects.get(name="n1").instance_type == "m6i.xlarge"
    assert Workload.objects.get(kind="Deployment").images == ["web:1"]
    assert Service.objects.get(name="front").type == "LoadBalancer"
    assert Volume.objects.get().claim_namespace_uid == home.uid
    assert VolumeClaim.objects.get().requested_bytes == 10 * 1024**3
    assert Quota.objects.get().used == {"requests.cpu": "1500m"}
    assert ObjectBody.objects.filter(uid=pod.uid).count() == 1


def test_a_second_list_of_the_same_writes_no_row(estate: MakeEstate) -> None:
    found = estate(**shop(pods=60))
    found.load()
    before = found.places()
    found.forget_position(*(kind.name for kind in KINDS))
    report = found.load()
    assert sum(each.listed for each in report.streams) > 60
    assert sum(each.changed for each in report.streams) == 0
    assert found.places() == before


def test_a_quiet_cluster_takes_less_than_two_seconds(estate: MakeEstate) -> None:
    found = estate(**shop())
    found.load()
    report = found.sync()
    assert report.seconds < 2.0
    assert report.requests == len(KINDS)
