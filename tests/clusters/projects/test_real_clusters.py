"""Two real clusters: a group that is given a role can work in all namespaces of the project, and nowhere else.

Names are those under which Paddock's own access knows people, so that no sign-in of a cluster is needed here.
"""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from clusters.applying.models import AppliedObject, State, WriteLease
from clusters.inventory.models import Namespace
from clusters.projects.models import NamespaceRemoval, NamespaceTenure, NamespaceWish, Project, RemovalState, WishState
from clusters.projects.services import holdings, namespaces, removals, settling, spreading
from clusters.projects.services.namespaces import Wanted
from portal.core import clock
from portal.core.actors import COMMAND
from tests.clusters.applying import beds
from tests.clusters.applying.beds import Ground
from tests.testbed import objects
from tests.testbed.api import wait_until
from tests.testbed.control_plane import Bed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def grounds(testbed: Bed) -> Iterator[list[Ground]]:
    """Both clusters of the bed, attached."""
    made = [Ground(testbed[name], f"proof-{name}") for name in ("one", "two")]
    yield made
    for ground in made:
        ground.cleared()


def may(ground: Ground, group: str, verb: str, resource: str, namespace: str) -> bool:
    """Ask the cluster itself whether somebody of the group may do it."""
    attributes = {"verb": verb, "resource": resource, "namespace": namespace}
    spec = {"user": "somebody", "groups": [group, "system:authenticated"], "resourceAttributes": attributes}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
    answer = ground.api.send("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body=review).json()
    return bool(answer["status"]["allowed"])


def wait_gone(ground: Ground, name: str) -> None:
    wait_until(lambda: ground.api.find("Namespace", name) is None, what="the namespace is gone")


def passes(grounds: list[Ground]) -> None:
    for ground in grounds:
        ground.sync()
        ground.look()
        ground.reconcile()


def test_namespaces_made_in_one_form_held_worked_in_and_deleted(grounds: list[Ground]) -> None:
    project = beds.project("proof")
    for ground in grounds:
        ground.sync()
    wanted = [Wanted(ground.cluster.pk, "proof-shop", {"stage": "test"}) for ground in grounds]
    namespaces.create(project=project, wanted=wanted, by=COMMAND, at=clock.now())
    for ground in grounds:
        ground.made.append("proof-shop")
        assert ground.reconcile().created == 1
    # The clusters' own answers opened the tenures, by the uids of what they made.
    assert set(NamespaceWish.objects.values_list("state", flat=True)) == {WishState.MADE}
    for ground in grounds:
        real = ground.api.read("Namespace", "proof-shop")
        assert real["metadata"]["labels"]["stage"] == "test"
        tenure = NamespaceTenure.objects.get(cluster=ground.cluster)
        assert tenure.namespace_uid == real["metadata"]["uid"]
        # The labels were taken over by the holding, in place: it is the same namespace.
        ground.reconcile()
        assert ground.api.read("Namespace", "proof-shop")["metadata"]["uid"] == tenure.namespace_uid
    passes(grounds)
    settling.settle(at=clock.now())
    assert Namespace.objects.filter(project_id=project.pk, gone_at=None).count() == 2
    assert not AppliedObject.objects.exclude(state=State.APPLIED).exists()

    member, viewer = (f"paddock:project:{project.pk}:{role}" for role in ("project_member", "project_viewer"))
    for ground in grounds:
        other = ground.namespace()
        assert may(ground, member, "list", "pods", "proof-shop")
        assert may(ground, viewer, "list", "pods", "proof-shop")
        for group in (member, viewer):
            assert not may(ground, group, "list", "pods", other)
            for resource in ("secrets", "rolebindings", "serviceaccounts"):
                assert not may(ground, group, "create", resource, "proof-shop")
        assert not may(ground, "paddock:project:another:project_member", "list", "pods", "proof-shop")

    # Deleted by uid; what the project paid stays its own.
    keys = list(NamespaceTenure.objects.values_list("cluster_id", "namespace_uid"))
    removals.ask(project=project, keys=keys, by=COMMAND, at=clock.now())
    for ground in grounds:
        done = removals.carry_out(cluster_id=ground.cluster.pk, at=clock.now())
        assert done["sent"] + done["gone"] == 1
    for ground in grounds:
        wait_gone(ground, "proof-shop")
        ground.sync()
    settling.settle(at=clock.now())
    assert set(NamespaceRemoval.objects.values_list("state", flat=True)) == {RemovalState.GONE}
    assert NamespaceTenure.objects.filter(project=project).count() == 2


def test_one_made_again_by_somebody_else_is_nobodys(grounds: list[Ground]) -> None:
    ground, project = grounds[0], beds.project("again")
    name = ground.namespace()
    ground.sync()
    ground.hold(project, name)
    ground.reconcile()
    member = f"paddock:project:{project.pk}:project_member"
    assert may(ground, member, "list", "pods", name)
    key = NamespaceTenure.objects.values_list("cluster_id", "namespace_uid").get()
    ground.api.delete("Namespace", name)
    wait_gone(ground, name)
    ground.api.create(objects.namespace(name))
    passes([ground])
    assert not may(ground, member, "list", "pods", name)
    assert Namespace.objects.get(cluster=ground.cluster, name=name, gone_at=None).project_id is None
    # Deleting the former one touches nothing of the other life.
    removals.ask(project=project, keys=[key], by=COMMAND, at=clock.now())
    assert removals.carry_out(cluster_id=ground.cluster.pk, at=clock.now())["gone"] == 1
    assert ground.api.find("Namespace", name) is not None


def test_a_name_that_is_there_is_never_taken(grounds: list[Ground]) -> None:
    ground, project = grounds[1], beds.project("taken")
    ground.sync()
    namespaces.create(project=project, wanted=[Wanted(ground.cluster.pk, "proof-taken")], by=COMMAND, at=clock.now())
    # Somebody is quicker than the cluster's own answer.
    real = ground.api.create(objects.namespace("proof-taken"))
    ground.made.append("proof-taken")
    ground.reconcile()
    settling.settle(at=clock.now())
    wish = NamespaceWish.objects.get()
    assert (wish.state, bool(wish.text)) == (WishState.FAILED, True)
    assert not NamespaceTenure.objects.exists()
    ground.reconcile()
    now = ground.api.read("Namespace", "proof-taken")
    assert now["metadata"]["uid"] == real["metadata"]["uid"]
    assert "paddock.io/owner" not in now["metadata"].get("labels", {})


def test_a_withdrawn_wish_makes_nothing(grounds: list[Ground]) -> None:
    ground, project = grounds[0], beds.project("withdrawn")
    ground.sync()
    (wish,) = namespaces.create(
        project=project, wanted=[Wanted(ground.cluster.pk, "proof-withdrawn")], by=COMMAND, at=clock.now()
    )
    namespaces.withdraw(wish=wish, by=COMMAND, at=clock.now())
    ground.reconcile()
    assert ground.api.find("Namespace", "proof-withdrawn") is None


def test_moved_and_released_namespaces_follow(grounds: list[Ground]) -> None:
    ground = grounds[0]
    source, target = beds.project("source"), beds.project("target")
    name = ground.namespace()
    ground.sync()
    ground.hold(source, name)
    ground.reconcile()
    keys = list(NamespaceTenure.objects.values_list("cluster_id", "namespace_uid"))
    later = clock.now() + timedelta(seconds=1)
    holdings.move(source=source, target=target, namespaces=keys, by=COMMAND, at=later)
    ground.reconcile()

    def member(of: Project) -> str:
        return f"paddock:project:{of.pk}:project_member"

    assert not may(ground, member(source), "list", "pods", name)
    assert may(ground, member(target), "list", "pods", name)
    holdings.release(project=target, namespaces=keys, by=COMMAND, at=later + timedelta(seconds=1))
    ground.reconcile()
    assert not may(ground, member(target), "list", "pods", name)
    # It stands on, without our marks.
    assert "paddock.io/owner" not in ground.api.read("Namespace", name)["metadata"].get("labels", {})
    assert not AppliedObject.objects.filter(cluster=ground.cluster).exists()
    assert spreading.spread(at=clock.now()) == 0
    assert WriteLease.objects.filter(cluster=ground.cluster, stopped_code="").exists()
