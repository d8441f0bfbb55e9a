"""What clusters do wrong: the last facts stay, nothing is deleted, the other kinds and clusters go on."""

from datetime import timedelta

import pytest

from clusters.inventory import services
from clusters.inventory.models import Namespace, Pod
from portal.core import clock, errors
from portal.core.actors import COMMAND
from tests.clusters.inventory.conftest import MakeEstate
from tests.clusters.inventory.objects import pod, shop

PODS = "/api/v1/pods"


def test_a_kind_without_right_is_denied_and_the_others_are_fresh(estate: MakeEstate) -> None:
    found = estate(denied=[{"verbs": ["list", "watch"], "apiGroups": [""], "resources": ["nodes"]}], **shop())
    report = found.load()
    assert report.failed == {"node": "forbidden"}
    denied = found.stream("node")
    assert (denied.state, denied.code, denied.last_ok_at) == ("denied", "forbidden", None)
    assert denied.due_at is not None
    assert found.stream("pod").state == "ok"
    assert found.lease().fails == 0


def test_rows_of_a_kind_that_is_denied_later_stay(estate: MakeEstate) -> None:
    found = estate(**shop())
    at = clock.now()
    found.load(at)
    found.fault("status", code=403, path=PODS)
    found.sync(at + timedelta(minutes=1))
    stream = found.stream("pod")
    assert stream.state == "denied"
    assert stream.last_ok_at is not None
    assert stream.last_ok_at < at + timedelta(minutes=1)
    assert stream.since == stream.last_ok_at
    assert Pod.objects.filter(gone_at=None).count() == 3


def test_a_busy_server_is_left_alone_as_long_as_it_asks(estate: MakeEstate) -> None:
    found = estate(**shop())
    at = clock.now()
    found.fault("status", code=429, retry_after=120, path=PODS)
    services.sync_once(found.cluster, at=at)
    stream = found.stream("pod")
    assert (stream.state, stream.code) == ("stale", "too_many_requests")
    assert stream.due_at is not None
    assert timedelta(seconds=120) <= stream.due_at - at <= timedelta(seconds=150)
    found.simulator.forget_requests(found.slug)
    services.sync_once(found.cluster, at=at + timedelta(seconds=60))
    assert not [one for one in found.simulator.requests(found.slug) if one["path"] == PODS]
    found.heal()
    services.sync_once(found.cluster, at=at + timedelta(seconds=160))
    assert found.stream("pod").state == "ok"


@pytest.mark.parametrize("fault", [{"kind": "cut", "bytes": 300}, {"kind": "status", "code": 500}])
def test_a_list_that_is_cut_deletes_nothing(estate: MakeEstate, fault: dict[str, object]) -> None:
    found = estate(**shop(pods=20))
    found.load()
    found.forget_position("pod")
    found.fault(path=PODS, verb="list", **fault)  # type: ignore[arg-type]
    found.sync()
    assert Pod.objects.filter(gone_at=None).count() == 20
    assert found.stream("pod").state == "stale"
    assert found.stream("pod").resource_version == ""


def test_an_empty_list_is_held_until_a_person_confirms(estate: MakeEstate) -> None:
    found = estate(**shop(pods=20))
    at = clock.now()
    found.load(at)
    found.forget_position("pod")
    found.fault("empty_list", path=PODS)
    found.sync(at + timedelta(minutes=1))
    held = found.stream("pod")
    assert (held.state, held.held_known, held.held_seen) == ("held", 20, 0)
    assert Pod.objects.filter(gone_at=None).count() == 20
    assert held.last_ok_at is not None
    assert held.last_ok_at < at + timedelta(minutes=1)
    services.release_hold(stream=held, by=COMMAND)
    found.sync(at + timedelta(minutes=2))
    assert Pod.objects.filter(gone_at=None).count() == 0
    assert found.stream("pod").state == "ok"
    assert found.stream("pod").release_asked is False
    with pytest.raises(errors.Conflict):
        services.release_hold(stream=held, by=COMMAND)


def test_a_held_kind_goes_on_by_itself_when_the_list_is_whole_again(estate: MakeEstate) -> None:
    found = estate(**shop(pods=20))
    found.load()
    found.forget_position("pod")
    found.fault("empty_list", path=PODS)
    found.sync()
    assert found.stream("pod").state == "held"
    found.heal()
    found.sync()
    assert found.stream("pod").state == "ok"
    assert Pod.objects.filter(gone_at=None).count() == 20


def test_a_position_that_is_too_old_leads_to_a_list(estate: MakeEstate) -> None:
    found = estate(**shop())
    found.load()
    found.put("pods", pod("web-8"))
    found.delete("pods", "web-0", "shop")
    found.put("nodes", {"metadata": {"name": "n9"}})
    found.simulator.compact(found.slug)
    report = found.sync()
    assert report.failed == {}
    assert set(Pod.objects.filter(gone_at=None).values_list("name", flat=True)) == {"web-1", "web-2", "web-8"}


def test_410_inside_a_watch_leads_to_a_list(estate: MakeEstate) -> None:
    found = estate(**shop())
    found.load()
    found.put("pods", pod("web-8"))
    found.fault("gone_in_watch", path=PODS, count=1)
    found.sync()
    assert found.stream("pod").state == "ok"
    assert Pod.objects.filter(name="web-8").exists()


def test_410_inside_a_list_begins_it_again_in_one_snapshot(estate: MakeEstate) -> None:
    found = estate(**shop(pods=30))
    found.fault("gone_in_list", page=2, path=PODS, count=1)
    found.load(page_limit=10)
    assert found.stream("pod").state == "ok"
    assert Pod.objects.filter(gone_at=None).count() == 30


def test_410_without_end_leaves_the_kind_stale(estate: MakeEstate) -> None:
    found = estate(**shop())
    found.load()
    found.fault("status", code=410, path=PODS)
    report = found.sync()
    assert report.failed == {"pod": "gone"}
    assert found.stream("pod").state == "stale"
    assert Pod.objects.filter(gone_at=None).count() == 3


def test_another_cluster_behind_the_address_writes_nothing(estate: MakeEstate) -> None:
    found = estate(**shop())
    found.load()
    before = found.places()
    found.put("pods", pod("web-9"))
    found.fault("other_identity", uid="somebody-else")
    report = found.sync()
    assert report.skipped == "identity"
    assert found.places() == before
    found.cluster.refresh_from_db()
    assert found.cluster.foreign_uid == "somebody-else"
    assert found.stream("pod").code == "identity_changed"
    found.heal()
    found.sync()
    found.cluster.refresh_from_db()
    assert found.cluster.foreign_uid == ""
    assert Pod.objects.filter(name="web-9").exists()


def test_a_dead_cluster_is_visited_less_and_less(estate: MakeEstate) -> None:
    found = estate(**shop())
    at = clock.now()
    found.load(at)
    found.fault("refuse", path="*")
    pauses = []
    for _attempt in range(3):
        report = found.sync(at)
        assert report.skipped == "failed"
        due = found.lease().due_at
        assert due is not None
        pauses.append((due - at).total_seconds())
    assert pauses[0] < 60 < pauses[2] < 150
    assert found.stream("pod").state in {"stale", "unreachable"}
    assert Namespace.objects.filter(name="shop", gone_at=None).exists()
    found.heal()
    found.sync(at)
    assert found.lease().fails == 0


def test_certificates_of_another_authority_are_refused(estate: MakeEstate) -> None:
    found = estate(**shop())
    found.fault("certificate", which="wrong_ca")
    report = found.load()
    assert report.failed == {"": "tls_failed"}
    assert found.stream("pod").state == "unreachable"
    assert found.stream("pod").last_ok_at is None
