"""What others do to a real cluster that Paddock writes to: take names, forge and copy marks, fight, come as Paddock."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from clusters.applying import marks, reconciling, removing, services
from clusters.applying.models import FIGHT, AppliedObject, Foreign, State, WriteLease
from clusters.projects.models import Project
from portal.core import clock, errors
from portal.core.actors import COMMAND
from tests.clusters.applying import beds
from tests.clusters.applying.beds import Ground
from tests.testbed.api import Json
from tests.testbed.control_plane import Bed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ground(testbed: Bed) -> Iterator[Ground]:
    made = Ground(testbed["two"], "others")
    yield made
    made.cleared()


@pytest.fixture
def held(ground: Ground) -> str:
    """A namespace of the project "shop", not yet written to."""
    name = ground.namespace()
    ground.sync()
    ground.hold(beds.project("shop"), name)
    return name


def binding(name: str, namespace: str, subject: str, **labels: str) -> Json:
    return {
        "apiVersion": f"{beds.RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "roleRef": {"apiGroup": beds.RBAC, "kind": "ClusterRole", "name": "paddock-view"},
        "subjects": [{"apiGroup": beds.RBAC, "kind": "Group", "name": subject}],
    }


def test_a_name_that_is_taken_is_left_alone_and_told(ground: Ground, held: str) -> None:
    theirs = ground.api.create(binding("paddock-edit", held, "their-people"))
    report = ground.reconcile()
    assert report.failed == 1
    row = ground.row("role_binding", "paddock-edit", held)
    assert (row.state, row.code, row.uid) == (State.FAILED, "taken", "")
    standing = ground.api.read("RoleBinding", "paddock-edit", namespace=held)
    assert standing["metadata"]["resourceVersion"] == theirs["metadata"]["resourceVersion"]
    # Not asked again before its time.
    assert ground.reconcile().skipped == "idle"


def test_an_answer_that_was_lost_is_found_again_by_the_mark(ground: Ground, held: str) -> None:
    ground.reconcile()
    uid = ground.row("role_binding", "paddock-edit", held).uid
    # As after a worker that died between the answer and its row.
    AppliedObject.objects.filter(uid=uid).update(uid="", applied_digest="", seen_version="", state=State.PENDING)
    report = ground.reconcile()
    assert (report.created, report.changed, report.failed) == (0, 1, 0)
    assert ground.row("role_binding", "paddock-edit", held).uid == uid


def test_forged_copied_and_unlisted_bindings_are_found_and_removed(ground: Ground, held: str) -> None:
    ground.reconcile()
    ours = ground.row("role_binding", "paddock-edit", held)
    mark = str(marks.Mark(reconciling.installation_id(), ours.pk))
    group = f"paddock:project:{ours.project_id}:project_owner"
    ground.api.create(binding("copied", held, "somebody", **{marks.LABEL: mark}))
    ground.api.create(binding("forged", held, "somebody", **{marks.LABEL: "it-is-ours"}))
    ground.api.create(binding("unlisted", held, group))
    former = str(marks.Mark(reconciling.installation_id(), uuid.uuid4()))
    ground.api.create(binding("former", held, "somebody", **{marks.LABEL: former}))
    ground.sync()
    ground.look()
    found = {one.name: one for one in Foreign.objects.filter(cluster=ground.cluster, namespace=held)}
    assert {name: one.reason for name, one in found.items()} == {
        "copied": "copied",
        "forged": "forged",
        "unlisted": "unlisted",
        "former": "former",
    }
    with pytest.raises(errors.Conflict):
        services.take_over(foreign=found["forged"], by=COMMAND, at=clock.now())
    for one in (found["copied"], found["unlisted"]):
        services.remove_foreign(foreign=one, by=COMMAND, at=clock.now())
        assert removing.remove(one.pk)
        assert ground.api.find("RoleBinding", one.name, namespace=held) is None
    assert ground.api.find("RoleBinding", "paddock-edit", namespace=held) is not None
    # Nobody wants the former one any more: taken over, it goes.
    services.take_over(foreign=found["former"], by=COMMAND, at=clock.now())
    assert ground.reconcile().removed == 1
    assert ground.api.find("RoleBinding", "former", namespace=held) is None


def test_another_paddock_stops_writing_until_a_person_decides(ground: Ground, held: str) -> None:
    ground.reconcile()
    other = str(marks.Mark(uuid.uuid4(), uuid.uuid4()))
    ground.api.create(binding("theirs", held, "somebody", **{marks.LABEL: other}))
    ground.sync()
    ground.look()
    assert WriteLease.objects.get(cluster=ground.cluster).stopped_code == "other_installation"
    ground.api.delete("RoleBinding", "paddock-edit", namespace=held)
    ground.sync()
    ground.look()
    assert ground.reconcile().skipped == "stopped"
    services.leave_foreign(foreign=Foreign.objects.get(name="theirs"), by=COMMAND, at=clock.now())
    services.resume(cluster=ground.cluster, by=COMMAND)
    assert ground.reconcile().restored == 1
    # What was decided does not stop it again.
    ground.sync()
    ground.look()
    assert WriteLease.objects.get(cluster=ground.cluster).stopped_code == ""


def test_who_changes_an_object_again_and_again_is_left_to_a_person(ground: Ground, held: str) -> None:
    ground.reconcile()
    for round_ in range(4):
        change = {"subjects": [{"apiGroup": beds.RBAC, "kind": "User", "name": f"mallory-{round_}"}]}
        ground.api.patch("RoleBinding", "paddock-edit", change, namespace=held)
        ground.sync()
        ground.look()
        if round_ < 3:
            assert ground.reconcile().restored == 1
    row = ground.row("role_binding", "paddock-edit", held)
    assert (row.state, row.code) == (State.DRIFTED, FIGHT)
    assert ground.reconcile().skipped == "idle"
    services.restore(applied=row, by=COMMAND)
    assert ground.reconcile().restored == 1
    with pytest.raises(errors.Conflict):
        services.accept(applied=row, by=COMMAND)


def test_what_a_person_released_goes_rights_first(ground: Ground, held: str, monkeypatch: Any) -> None:
    ground.reconcile()
    project = Project.objects.get(slug="shop")
    services.withdraw(cluster_id=ground.cluster.pk, project_id=project.pk, by=COMMAND, leave=False)
    report = ground.reconcile()
    assert (report.removed, report.failed) == (3, 0)
    assert ground.api.items("RoleBinding", namespace=held) == []
    namespace = ground.api.read("Namespace", held)
    assert marks.LABEL not in namespace["metadata"]["labels"]
    assert not AppliedObject.objects.exists()


def test_a_namespace_made_again_by_others_gets_nothing(ground: Ground, held: str) -> None:
    ground.reconcile()
    ground.api.delete("Namespace", held)
    beds.wait_until(lambda: ground.api.find("Namespace", held) is None, what="the namespace is gone")
    ground.namespace(held)
    # Before the sync knows: the uid is asked for with every change.
    AppliedObject.objects.filter(kind="namespace").update(digest="older")
    report = ground.reconcile()
    assert report.failed == 1
    assert marks.LABEL not in ground.api.read("Namespace", held)["metadata"]["labels"]
    ground.sync()
    ground.look()
    ground.reconcile()
    assert ground.api.items("RoleBinding", namespace=held) == []
    assert not AppliedObject.objects.filter(cluster=ground.cluster).exists()


def test_a_cluster_that_is_away_says_so_and_gets_everything_later(ground: Ground, held: str) -> None:
    ground.real.switch_off()
    try:
        report = ground.reconcile()
        assert report.away
        lease = WriteLease.objects.get(cluster=ground.cluster)
        assert (lease.code, lease.fails) == ("cluster", 1)
        assert set(AppliedObject.objects.values_list("state", "code")) == {(State.WAITING, "cluster")}
    finally:
        ground.real.switch_on()
    report = ground.reconcile()
    assert (report.failed, report.away) == (0, "")
    assert report.requests == 3
    assert not AppliedObject.objects.exclude(state=State.APPLIED).exists()
