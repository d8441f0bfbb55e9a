"""Deciding a plan: what is refused and at which field, what is granted, and what the database itself keeps."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from clusters.applying.desired import Order
from clusters.projects.models import Project
from clusters.projects.moving import Move
from clusters.projects.services import holdings
from clusters.quotas import desired
from clusters.quotas.models import QuotaPlan, QuotaShare
from clusters.quotas.pool import Key
from clusters.quotas.services import plans, shares
from clusters.quotas.services.plans import Limits
from clusters.registry.models import Cluster
from portal.audit.models import Event
from portal.core import action_checks, clock, errors
from portal.core.actors import COMMAND
from portal.jobs.models import Job
from tests.clusters.projects.conftest import a_project, a_team
from tests.clusters.quotas.conftest import GIB, a_pod, a_quota, hold

pytestmark = pytest.mark.django_db
CPU = "requests.cpu"


def decide(project: Project, mode: str = "pool", version: int = 0, **more: Any) -> QuotaPlan:
    limits = more.pop("limits", None) or Limits(**more.pop("given", {"amounts": {CPU: 4000, "pods": 20}}))
    return plans.set(project=project, mode=mode, limits=limits, version=version, by=COMMAND, at=clock.now(), **more)


def grants(project: Project) -> dict[tuple[str, str], int]:
    rows = QuotaShare.objects.filter(project=project)
    return {(share.namespace_uid, share.resource): int(share.granted) for share in rows}


def test_fixed_shares_are_desired_in_every_cluster(project: Project, shop: Key, cart: Key) -> None:
    own = {cart: {"pods": 5}}
    plan = decide(project, "fixed", given={"amounts": {CPU: 1500, "pods": 10}, "own": own})
    (quota,) = desired.of_cluster(cart[0], clock.now())
    assert (quota.kind, quota.namespace, quota.namespace_uid, quota.name) == ("quota", "cart", cart[1], "paddock")
    assert quota.body["spec"] == {"hard": {"pods": "5", "requests.cpu": "1500m"}}
    assert (quota.order, quota.forced, quota.drift, quota.version, quota.wait) == (Order.QUOTA, True, "restore", "", "")
    assert (quota.source_id, quota.project_id) == (plan.pk, project.pk)
    (other,) = desired.of_cluster(shop[0], clock.now())
    assert other.body["spec"]["hard"]["pods"] == "10"
    assert Job.objects.filter(kind="clusters.quotas.rebalance", key=str(project.pk)).exists()
    event = Event.objects.get(kind="quotas.plan.change")
    assert event.after is not None
    assert event.after["amounts"] == {"pods": "10", "requests.cpu": "1500m"}


def test_limits_labels_and_network_come_with_the_plan(project: Project, shop: Key) -> None:
    given = {
        "amounts": {CPU: 1000},
        "limit_range": {"cpu": {"default": "500m", "defaultRequest": "100m"}, "memory": {"max": "1Gi"}},
        "pod_security": "restricted",
        "network": "project",
    }
    decide(project, "fixed", given=given)
    found = {one.kind: one for one in desired.of_cluster(shop[0], clock.now())}
    assert set(found) == {"namespace", "limit_range", "quota", "network_policy"}
    assert found["limit_range"].body["spec"]["limits"] == [
        {
            "type": "Container",
            "default": {"cpu": "500m"},
            "defaultRequest": {"cpu": "100m"},
            "max": {"memory": "1Gi"},
        }
    ]
    labels = found["namespace"].body["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    (rule,) = found["network_policy"].body["spec"]["ingress"]
    assert rule["from"][0]["namespaceSelector"]["matchExpressions"][0]["values"] == ["shop"]


@pytest.mark.parametrize(
    ("mode", "given", "field"),
    [
        ("neither", {}, "mode"),
        ("pool", {"amounts": {"cats": 1}}, "pool.cats"),
        ("pool", {"amounts": {"cpu": 1}}, "pool.cpu"),
        ("pool", {"amounts": {"pods": -1}}, "pool.pods"),
        ("pool", {"amounts": {"pods": 10**18}}, "pool.pods"),
        ("pool", {"amounts": {f"count/x{n}": 1 for n in range(51)}}, "amounts"),
        ("fixed", {"pod_security": "maximal"}, "pod_security"),
        ("fixed", {"network": "all"}, "network"),
        ("fixed", {"limit_range": {"cpu": {"default": "many"}}}, "limit_range.cpu.default"),
        ("fixed", {"limit_range": {"cats": {"default": "1"}}}, "limit_range.cats.default"),
        ("fixed", {"limit_range": {"cpu": {"default": "1", "max": "500m"}}}, "limit_range.cpu"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    project: Project, shop: Key, mode: str, given: dict[str, Any], field: str
) -> None:
    with pytest.raises(errors.Refused) as refused:
        decide(project, mode, given=given)
    assert list(refused.value.errors) == [field]
    assert not QuotaPlan.objects.exists()


def test_a_pool_below_the_floors_names_the_namespaces(project: Project, shop: Key, cart: Key) -> None:
    with pytest.raises(errors.Refused) as refused:
        decide(project, given={"amounts": {CPU: 150}})
    (text,) = refused.value.errors["pool.requests.cpu"]
    assert "shop (east)" in text
    assert "cart (west)" in text
    assert "0.2 cores" in text


def test_below_use_only_by_choice_and_then_nothing_more_is_granted(project: Project, shop: Key, cart: Key) -> None:
    a_pod(shop, "a", cpu_m=3000)
    with pytest.raises(errors.Refused) as refused:
        decide(project, given={"amounts": {CPU: 2000}})
    assert "in use" in refused.value.errors["pool.requests.cpu"][0]
    plan = decide(project, given={"amounts": {CPU: 2000}}, below_use=True)
    assert (plan.pool_target, plan.pool) == ({CPU: 2000}, {CPU: 3100})


def test_two_administrators_the_second_sees_the_difference(project: Project, shop: Key) -> None:
    first = decide(project)
    assert first.version == 1
    decide(project, version=1, given={"amounts": {CPU: 6000}})
    with pytest.raises(errors.Conflict) as conflict:
        decide(project, version=1, given={"amounts": {CPU: 5000, "pods": 9}})
    assert conflict.value.errors["pool.requests.cpu"] == ["Now 6; you have typed 5."]
    assert conflict.value.errors["pool.pods"] == ["Now nothing; you have typed 9."]
    assert QuotaPlan.objects.get().pool_target == {CPU: 6000}


def test_the_database_refuses_to_grant_more_than_the_pool(project: Project, shop: Key, cart: Key) -> None:
    decide(project)
    share = QuotaShare.objects.filter(project=project, resource=CPU).first()
    assert share is not None
    with pytest.raises(IntegrityError, match="quota_granted_within_pool|more of"), transaction.atomic():
        QuotaShare.objects.filter(pk=share.pk).update(granted=Decimal(4001))
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    QuotaShare.objects.filter(pk=share.pk).update(granted=Decimal(4000))
    with pytest.raises(IntegrityError, match="more of"), transaction.atomic():
        QuotaPlan.objects.filter(project=project).update(pool={CPU: 3999, "pods": 20})
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_a_namespace_in_a_pool_waits_until_there_is_room(project: Project, shop: Key) -> None:
    decide(project)
    (quota,) = desired.of_cluster(shop[0], clock.now())
    assert quota.wait
    QuotaShare.objects.filter(project=project).update(granted=2)
    seen = a_quota(shop, {}, {}, resource_version="77")
    (quota,) = desired.of_cluster(shop[0], clock.now())
    assert (quota.wait, quota.version) == ("", seen.resource_version)


def test_what_a_moved_namespace_has_comes_along(project: Project, shop: Key, cart: Key, east: Cluster) -> None:
    other = a_project("Billing", a_team("Money"))
    hold(other, east, "bills")
    decide(project, "fixed", given={"amounts": {CPU: 3000}})
    decide(other, "pool", given={"amounts": {CPU: 1000}})
    holdings.move(source=project, target=other, namespaces=[shop], since="now", reason="", by=COMMAND, at=clock.now())
    shares.settle(project_id=other.pk)
    assert grants(other)[(shop[1], CPU)] == 3000
    plan = QuotaPlan.objects.get(project=other)
    assert (plan.pool_target, plan.pool) == ({CPU: 1000}, {CPU: 3000})
    shares.settle(project_id=project.pk)
    assert list(grants(project)) == [(cart[1], CPU)]


def test_what_a_released_namespace_has_counts_until_its_limit_is_gone(project: Project, shop: Key, cart: Key) -> None:
    decide(project)
    QuotaShare.objects.filter(project=project, resource=CPU).update(granted=2000)
    quota = a_quota(shop, {CPU: "2"}, {CPU: "0"})
    holdings.release(project=project, namespaces=[shop], since="now", by=COMMAND, at=clock.now())
    shares.settle(project_id=project.pk)
    assert (shop[1], CPU) in grants(project)
    quota.gone_at = clock.now()
    quota.save()
    shares.settle(project_id=project.pk)
    assert (shop[1], CPU) not in grants(project)


def test_taking_the_plan_away_leaves_nothing_desired(project: Project, shop: Key) -> None:
    decide(project, "fixed", given={"amounts": {"requests.memory": GIB}})
    plans.remove(project=project, version=1, by=COMMAND, at=clock.now())
    assert list(desired.of_cluster(shop[0], clock.now())) == []
    assert not QuotaShare.objects.exists()


def test_a_move_into_a_pool_that_is_too_small_is_stopped(project: Project, shop: Key, east: Cluster) -> None:
    other = a_project("Billing", a_team("Money"))
    ids = Move((shop,), project.pk, other.pk)
    assert [verdict.ok for verdict in action_checks.demand("namespace.move", ids)] == [True]
    hold(other, east, "bills")
    decide(other, given={"amounts": {CPU: 150}})
    with pytest.raises(action_checks.Blocked, match="too small"):
        action_checks.demand("namespace.move", ids)
    decide(other, version=1, given={"amounts": {CPU: 250}})
    assert action_checks.demand("namespace.move", ids)[0].ok
    a_pod(shop, "big", cpu_m=900)
    decide(other, "fixed", version=2, given={"amounts": {CPU: 500}})
    (verdict,) = action_checks.demand("namespace.move", ids)
    assert verdict.ok
    assert "shop" in verdict.text


def test_what_is_removed_whole_leaves_no_row(project: Project, shop: Key, cart: Key) -> None:
    decide(project)
    shares.erase(project_ids=[project.pk], cluster_ids=[])
    assert not QuotaPlan.objects.exists()
    assert not QuotaShare.objects.exists()
