"""What changed between passes: through the watch, and through a whole list."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from clusters.inventory import services
from clusters.inventory.models import Namespace, ObjectBody, Pod, Volume, Workload
from portal.core import clock
from tests.clusters.inventory.conftest import MakeEstate
from tests.clusters.inventory.objects import deployment, namespace, node, pod, shop


def test_a_watch_brings_what_was_added_changed_and_deleted(estate: MakeEstate) -> None:
    found = estate(**shop())
    found.load()
    found.put("pods", pod("web-0", restarts=3), pod("web-9"))
    found.delete("pods", "web-1", "shop")
    report = found.sync()
    assert next(each for each in report.streams if each.kind == "pod").changed == 3
    assert Pod.objects.get(name="web-0").restarts == 3
    assert Pod.objects.get(name="web-9").namespace is not None
    assert Pod.objects.get(name="web-1").gone_at is not None
    assert found.stream("pod").objects_live == 3


def test_many_changes_go_by_copy_and_come_out_the_same(estate: MakeEstate) -> None:
    found = estate(**shop(pods=200))
    found.load()
    odd = 'tab\there, "quotes", back\\slash, line\nend and {brace'
    found.put("pods", *(pod(f"web-{n}", labels={"note": odd}) for n in range(100)))
    found.sync()
    assert Pod.objects.filter(labels__note=odd).count() == 100
    assert Pod.objects.filter(labels={}).count() == 100


def test_a_list_writes_only_what_changed(estate: MakeEstate) -> None:
    found = estate(**shop(pods=200))
    found.load()
    before = dict(_places_of_pods())
    found.put("pods", pod("web-7", restarts=1), pod("web-8", restarts=1))
    found.forget_position("pod")
    found.load(page_limit=50)
    after = dict(_places_of_pods())
    assert {name for name in after if after[name] != before[name]} == {"web-7", "web-8"}


def _places_of_pods() -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, ctid::text FROM pod")
        return list(cursor.fetchall())


def test_a_list_deletes_after_its_last_page_only(estate: MakeEstate) -> None:
    found = estate(**shop(pods=30))
    found.load()
    found.delete("pods", "web-3", "shop")
    found.forget_position("pod")
    found.fault("status", code=500, path="/api/v1/pods", verb="list", every=3)
    found.load(page_limit=10)
    assert Pod.objects.filter(gone_at=None).count() == 30
    assert found.stream("pod").state == "stale"
    found.heal()
    found.load(page_limit=10)
    assert list(Pod.objects.exclude(gone_at=None).values_list("name", flat=True)) == ["web-3"]


def test_an_event_told_twice_changes_nothing(estate: MakeEstate) -> None:
    found = estate(**shop())
    found.load()
    position = found.stream("pod").resource_version
    found.put("pods", pod("web-0", restarts=3))
    found.sync()
    before = found.places()
    facts = len(found.facts("pod"))
    found.stream("pod").__class__.objects.filter(kind="pod").update(resource_version=position)
    found.sync()
    assert found.places()["pod"] == before["pod"]
    assert len(found.facts("pod")) == facts


def test_a_pod_read_before_its_namespace_is_linked_when_that_comes(estate: MakeEstate) -> None:
    found = estate(**shop())
    found.fault("status", code=403, path="/api/v1/namespaces")
    found.load()
    assert Pod.objects.filter(namespace=None).count() == 3
    assert found.facts("pod") == []
    assert found.facts("load_balancer") == []
    found.heal()
    found.load()
    home = Namespace.objects.get(name="shop")
    assert Pod.objects.filter(namespace=home).count() == 3
    assert {fact.namespace_uid for fact in found.facts("pod")} == {home.uid}
    assert len(found.facts("pod")) == 3
    assert len(found.facts("load_balancer")) == 1
    assert Volume.objects.get().claim_namespace_uid == home.uid


def test_a_namespace_made_again_takes_only_its_own_pods(estate: MakeEstate) -> None:
    found = estate(**shop(pods=1))
    found.load()
    first = Namespace.objects.get(name="shop")
    found.delete("pods", "web-0", "shop")
    found.delete("namespaces", "shop")
    again = namespace("shop")
    again["metadata"] |= {"uid": "made-again", "creationTimestamp": "2026-05-01T00:00:00Z"}
    later = pod("web-1")
    later["metadata"] |= {"creationTimestamp": "2026-05-01T00:01:00Z"}
    found.put("namespaces", again)
    found.put("pods", later)
    found.sync()
    assert Pod.objects.get(name="web-0").namespace_id == first.pk
    assert Pod.objects.get(name="web-1").namespace_id == Namespace.objects.get(uid="made-again").pk


def test_kinds_that_share_a_table_do_not_sweep_each_other(estate: MakeEstate) -> None:
    found = estate(**shop(), statefulsets_apps=[deployment("db")])
    found.load()
    found.forget_position("deployment", "stateful_set")
    found.load()
    assert Workload.objects.filter(gone_at=None).count() == 2


def test_bookmarks_move_the_position_and_nothing_else(estate: MakeEstate) -> None:
    found = estate(**shop())
    at = clock.now()
    found.load(at)
    position = found.stream("quota").resource_version
    before = found.places()["quota"]
    # A server sends none as long as nothing moves while it watches.
    moving = threading.Timer(1.0, found.put, ("nodes", node("n3")))
    moving.start()
    report = found.sync(at + timedelta(minutes=6))
    moving.join()
    assert 3.5 < report.seconds < 6.0
    assert found.stream("quota").resource_version != position
    assert found.places()["quota"] == before


def test_what_is_gone_is_kept_a_week(estate: MakeEstate) -> None:
    found = estate(**shop())
    at = clock.now()
    found.load(at)
    found.delete("pods", "web-0", "shop")
    found.sync(at)
    uid = Pod.objects.get(name="web-0").uid
    assert services.forget(at=at + timedelta(days=6)) == 0
    assert ObjectBody.objects.filter(uid=uid).exists()
    assert services.forget(at=at + timedelta(days=7, minutes=1)) == 1
    assert not Pod.objects.filter(uid=uid).exists()
    assert not ObjectBody.objects.filter(uid=uid).exists()


@pytest.mark.parametrize("resources", ["pods", "nodes"])
def test_an_object_that_cannot_be_read_is_counted_and_kept(estate: MakeEstate, resources: str) -> None:
    found = estate(**shop())
    found.load()
    name, space = ("web-0", "shop") if resources == "pods" else ("n1", "")
    broken = pod("web-0", cpu="a lot") if resources == "pods" else node("n1", cpu="much")
    found.put(resources, broken)
    kind = resources.removesuffix("s")
    found.sync()
    assert found.stream(kind).state == "ok"
    assert found.stream(kind).odd == 1
    found.forget_position(kind)
    found.load()
    assert found.stream(kind).odd == 1
    assert not Pod.objects.exclude(gone_at=None).exists()
    found.delete(resources, name, space)
    found.sync()
    assert found.stream(kind).objects_live == (2 if kind == "pod" else 1)
