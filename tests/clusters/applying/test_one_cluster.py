"""The whole way on a real cluster: a project's namespace, its rights there, and a deletion by hand put back."""

from collections.abc import Iterator

import pytest

from clusters.applying import marks, reconciling, selectors
from clusters.applying.models import AppliedObject, State, WriteLease
from portal.audit.models import Event
from tests.clusters.applying import beds
from tests.clusters.applying.beds import Ground
from tests.testbed.api import Json
from tests.testbed.control_plane import Bed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ground(testbed: Bed) -> Iterator[Ground]:
    made = Ground(testbed["one"], "one-cluster")
    yield made
    made.cleared()


def owner(ground: Ground, thing: Json) -> str:
    return str(thing["metadata"]["labels"][marks.LABEL])


def test_rights_arrive_are_kept_and_cost_nothing_at_rest(ground: Ground) -> None:
    name = ground.namespace()
    ground.sync()
    project = beds.project("shop")
    ground.hold(project, name)
    report = ground.reconcile()
    assert (report.failed, report.created, report.changed) == (0, 2, 1)
    assert report.requests == report.steps == 3

    binding = ground.api.read("RoleBinding", "paddock-edit", namespace=name)
    row = ground.row("role_binding", "paddock-edit", name)
    installation = reconciling.installation_id()
    assert (row.state, row.uid) == (State.APPLIED, binding["metadata"]["uid"])
    assert owner(ground, binding) == str(marks.Mark(installation, row.pk))
    assert [entry["manager"] for entry in binding["metadata"]["managedFields"]] == [marks.manager(installation)]
    assert {subject["name"] for subject in binding["subjects"]} == {
        f"paddock:project:{project.pk}:project_owner",
        f"paddock:project:{project.pk}:project_member",
    }
    held = ground.row("namespace", name)
    assert owner(ground, ground.api.read("Namespace", name)) == str(marks.Mark(installation, held.pk))
    rolled = selectors.rolled_up(project_id=project.pk)
    assert (rolled.applied, rolled.total) == (3, 3)

    # At rest: no request, and no row.
    ground.sync()
    ground.look()
    ground.reconcile()
    before = beds.written_rows()
    report = ground.reconcile()
    assert (report.skipped, report.requests, report.steps) == ("idle", 0, 0)
    assert beds.written_rows() == before
    lease = WriteLease.objects.get(cluster=ground.cluster)
    assert lease.asked == lease.done

    # Deleted by hand: back with the next sync, and in the audit.
    ground.api.delete("RoleBinding", "paddock-edit", namespace=name)
    ground.sync()
    assert ground.look().drifted == 1
    assert ground.row("role_binding", "paddock-edit", name).state == State.DRIFTED
    report = ground.reconcile()
    assert (report.created, report.restored, report.requests) == (1, 1, 1)
    again = ground.api.read("RoleBinding", "paddock-edit", namespace=name)
    assert again["metadata"]["uid"] != binding["metadata"]["uid"]
    assert Event.objects.filter(kind="applying.object.restore", on_id=str(row.pk)).count() == 1


def test_subjects_changed_and_marks_stripped_by_hand_are_put_right(ground: Ground) -> None:
    name = ground.namespace()
    ground.sync()
    ground.hold(beds.project("changed"), name)
    ground.reconcile()
    whole = ground.api.read("RoleBinding", "paddock-view", namespace=name)
    intruder = {"apiGroup": beds.RBAC, "kind": "User", "name": "mallory"}
    change = {"metadata": {"labels": {marks.LABEL: None}}, "subjects": [intruder]}
    ground.api.patch("RoleBinding", "paddock-view", change, namespace=name)
    ground.sync()
    assert ground.look().drifted == 1
    assert ground.reconcile().restored == 1
    right = ground.api.read("RoleBinding", "paddock-view", namespace=name)
    assert (right["subjects"], right["metadata"]["labels"]) == (whole["subjects"], whole["metadata"]["labels"])
    ground.sync()
    ground.look()
    assert not AppliedObject.objects.exclude(state=State.APPLIED).exists()
