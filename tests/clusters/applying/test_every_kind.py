"""Each kind that is written, against a real server: made, seen as it was wanted, changed by hand, put back, removed."""

import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from clusters.applying import reconciling
from clusters.applying.desired import Desired, Order
from clusters.applying.difference import Key, merged
from clusters.applying.models import AppliedObject, State
from clusters.inventory.models import Namespace
from portal.core import clock
from tests.clusters.applying import beds
from tests.clusters.applying.beds import Ground
from tests.testbed.control_plane import Bed

pytestmark = pytest.mark.django_db(transaction=True)

Wanted = Callable[[UUID, datetime], dict[Key, Desired]]
PEER: list[dict[str, Any]] = [{"podSelector": {}}]
BODIES: dict[str, tuple[Order, dict[str, Any]]] = {
    "limit_range": (Order.LIMITS, {"spec": {"limits": [{"type": "Container", "default": {"cpu": "500m"}}]}}),
    "quota": (Order.QUOTA, {"spec": {"hard": {"requests.cpu": "2", "count/jobs.batch": "5"}}}),
    "network_policy": (
        Order.NETWORK,
        {"spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": PEER}]}},
    ),
    "role_binding": (
        Order.RIGHTS,
        {
            "roleRef": {"apiGroup": beds.RBAC, "kind": "ClusterRole", "name": "paddock-view"},
            "subjects": [{"apiGroup": beds.RBAC, "kind": "Group", "name": "corp:team-a"}],
        },
    ),
}


@pytest.fixture(params=["one", "two"])
def ground(testbed: Bed, request: pytest.FixtureRequest) -> Iterator[Ground]:
    made = Ground(testbed[request.param], "every-kind")
    yield made
    made.cleared()


def wanted_in(ground: Ground, name: str) -> Wanted:
    uid = Namespace.objects.get(cluster=ground.cluster, name=name, gone_at=None).uid

    def wanted(cluster_id: UUID, at: datetime) -> dict[Key, Desired]:
        return merged(
            Desired(
                kind=kind,
                namespace=name,
                namespace_uid=uid,
                name="paddock",
                body=body,
                source="test",
                source_id=uuid.UUID(int=1),
                project_id=uuid.UUID(int=2),
                order=order,
                forced=True,
                drift="restore",
            )
            for kind, (order, body) in BODIES.items()
        )

    return wanted


def reconcile(ground: Ground, wanted: Wanted) -> reconciling.Report:
    return reconciling.reconcile(cluster_id=ground.cluster.pk, at=clock.now(), owner="test", wanted=wanted)


def test_every_kind_is_made_kept_and_removed(ground: Ground) -> None:
    name = ground.namespace()
    ground.sync()
    wanted = wanted_in(ground, name)
    report = reconcile(ground, wanted)
    assert (report.created, report.failed, report.requests) == (4, 0, 4)
    ground.sync()
    # What the server completed is no drift.
    assert ground.look().drifted == 0
    assert reconcile(ground, wanted).skipped == "idle"

    open_to_all: dict[str, Any] = {"spec": {"ingress": [{"from": [{"namespaceSelector": {}}]}]}}
    ground.api.patch("NetworkPolicy", "paddock", open_to_all, namespace=name)
    ground.api.patch("ResourceQuota", "paddock", {"spec": {"hard": {"requests.cpu": "64"}}}, namespace=name)
    ground.api.delete("LimitRange", "paddock", namespace=name)
    ground.sync()
    assert ground.look().drifted == 3
    report = reconcile(ground, wanted)
    assert (report.restored, report.failed) == (3, 0)
    policy = ground.api.read("NetworkPolicy", "paddock", namespace=name)
    assert policy["spec"]["ingress"] == [{"from": PEER}]
    assert ground.api.read("ResourceQuota", "paddock", namespace=name)["spec"]["hard"]["requests.cpu"] == "2"

    assert reconcile(ground, lambda _cluster, _at: {}).removed == 4
    for kind in ("NetworkPolicy", "ResourceQuota", "LimitRange", "RoleBinding"):
        assert ground.api.items(kind, namespace=name) == []
    assert not AppliedObject.objects.exists()


def test_nothing_reserved_reaches_a_real_server(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    name = ground.namespace()
    ground.sync()
    order, body = BODIES["role_binding"]
    masters = {**body, "subjects": [{"apiGroup": beds.RBAC, "kind": "Group", "name": "system:masters"}]}
    monkeypatch.setitem(BODIES, "role_binding", (order, masters))
    report = reconcile(ground, wanted_in(ground, name))
    assert (report.created, report.requests) == (3, 3)
    row = ground.row("role_binding", "paddock", name)
    assert (row.state, row.code) == (State.FAILED, "refused")
    assert ground.api.items("RoleBinding", namespace=name) == []
