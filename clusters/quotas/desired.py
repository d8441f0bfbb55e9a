"""What quotas and limits shall stand in a cluster (`DESIRED_STATES`)."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from clusters.applying.desired import Desired, Order
from clusters.applying.models import AppliedObject
from clusters.inventory.models import Namespace, Quota
from clusters.quotas import resources, standing
from clusters.quotas.models import Mode, Network, QuotaPlan, QuotaShare

NAME = standing.NAME
SOURCE = "quotas.plan"
# The order number of the change that was written last: with it each write changes the object, so that a write which
# arrives late finds another version than it was sent with.
MARK = "paddock.io/change"
POD_SECURITY = "pod-security.kubernetes.io/"


def of_cluster(cluster_id: UUID, at: datetime) -> Iterator[Desired]:
    """Return quota, limits, labels and network policies of all projects' namespaces in one cluster."""
    # The versions are read before the shares: whatever is granted is read at least as late as what it depends on.
    versions = dict(
        Quota.objects.filter(cluster_id=cluster_id, name=NAME, gone_at=None).values_list(
            "namespace__uid", "resource_version"
        )
    )
    mine = AppliedObject.objects.filter(cluster_id=cluster_id, kind="quota", name=NAME).exclude(uid="")
    for uid, version in mine.values_list("namespace_uid", "applied_version"):
        versions[uid] = _later(versions.get(uid, ""), version)
    shares: dict[str, list[QuotaShare]] = defaultdict(list)
    for share in QuotaShare.objects.filter(cluster_id=cluster_id).order_by("resource"):
        shares[share.namespace_uid].append(share)
    held = Namespace.objects.filter(cluster_id=cluster_id, gone_at=None, project_id__isnull=False).order_by("name")
    plans = {plan.project_id: plan for plan in QuotaPlan.objects.filter(project_id__in=held.values("project_id"))}
    names: dict[UUID, list[str]] = defaultdict(list)
    for namespace in held:
        names[namespace.project_id or UUID(int=0)].append(namespace.name)
    for namespace in held:
        plan = plans.get(namespace.project_id or UUID(int=0))
        if plan is not None:
            own = [share for share in shares[namespace.uid] if share.project_id == plan.project_id]
            yield from _of_namespace(plan, namespace, own, versions.get(namespace.uid, ""), names[plan.project_id], at)


def _of_namespace(
    plan: QuotaPlan, namespace: Namespace, shares: list[QuotaShare], version: str, names: list[str], at: datetime
) -> Iterator[Desired]:
    if plan.pod_security:
        labels = {f"{POD_SECURITY}{mode}": plan.pod_security for mode in ("enforce", "warn")}
        yield _desired(plan, namespace, "namespace", namespace.name, Order.LABELS, {"metadata": {"labels": labels}})
    if limits := limit_range(plan.limit_range):
        yield _desired(plan, namespace, "limit_range", NAME, Order.LIMITS, {"spec": {"limits": [limits]}})
    limited = plan.pool_target if plan.mode == Mode.POOL else None
    counted = [share for share in shares if limited is None or share.resource in limited]
    if counted:
        yield _quota(plan, namespace, counted, version, at)
    if plan.network:
        yield _desired(plan, namespace, "network_policy", NAME, Order.NETWORK, network_policy(plan.network, names))


def _quota(plan: QuotaPlan, namespace: Namespace, shares: list[QuotaShare], version: str, at: datetime) -> Desired:
    hard = {share.resource: resources.written(share.resource, int(share.granted)) for share in shares}
    body = {"metadata": {"annotations": {MARK: str(max(share.moves for share in shares))}}, "spec": {"hard": hard}}
    pooled = plan.mode == Mode.POOL
    for share in shares:
        version = _later(version, share.confirmed_version)
    wait = ""
    if pooled and any(not share.granted and plan.pool_target.get(share.resource) for share in shares):
        wait = _("There is no room for it in the pool yet.")
    elif any(share.moving_until and share.moving_until > at for share in shares):
        wait = _("Its share of the pool is being changed.")
    return _desired(
        plan, namespace, "quota", NAME, Order.QUOTA, body, version=version if pooled else "", wait=wait, forced=True
    )


def _later(one: str, other: str) -> str:
    """The later of two resource versions: numbers that rise, and empty where none is known."""
    return max(one, other, key=lambda version: (len(version), version)) if one.isdecimal() or not one else one


def _desired(  # noqa: PLR0913 - one argument for each thing that differs between the kinds
    plan: QuotaPlan,
    namespace: Namespace,
    kind: str,
    name: str,
    order: Order,
    body: Mapping[str, Any],
    *,
    version: str = "",
    wait: str = "",
    forced: bool = False,
) -> Desired:
    inside = kind != "namespace"
    return Desired(
        kind=kind,
        namespace=namespace.name if inside else "",
        namespace_uid=namespace.uid,
        name=name,
        body=body,
        source=SOURCE,
        source_id=plan.pk,
        project_id=plan.project_id,
        order=order,
        forced=forced,
        drift="restore" if kind in ("quota", "limit_range") else "hold",
        version=version,
        wait=wait,
    )


def limit_range(given: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Return the one entry of our LimitRange: bounds and defaults per container; empty where nothing is given."""
    entry: dict[str, dict[str, str]] = {}
    for resource in sorted(given):
        for word, quantity in sorted(given[resource].items()):
            if quantity:
                entry.setdefault(word, {})[resource] = quantity
    return {"type": "Container", **entry} if entry else {}


def network_policy(template: str, names: list[str]) -> dict[str, Any]:
    """Return the policy of a template: what comes in is let in from the namespace, or from the project's here."""
    if template == Network.PROJECT:
        among = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": sorted(names)}
        peer: dict[str, Any] = {"namespaceSelector": {"matchExpressions": [among]}}
    else:
        peer = {"podSelector": {}}
    return {"spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [peer]}]}}
