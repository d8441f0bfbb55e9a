"""Reads over events: what was reported about an object, and what quotas refused."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from clusters.inventory.models import Occurrence, Pod, Workload

MOST = 20
# As the quota admission of kube-apiserver words it; the reporting controller puts its own words before it.
_REFUSED = re.compile(r"(exceeded|failed) quota: ([a-z0-9][a-z0-9.-]*)")
# What controllers report when the server refuses what they make.
REFUSED_REASONS = ("FailedCreate", "FailedCreatePodTemplate")


def about(observed: Pod | Workload, *, most: int = MOST) -> list[Occurrence]:
    """Return what was reported about a pod or workload and what it directly made, the latest first.

    Whoever writes an Event may name any uid, but only in its own namespace: both have to fit.
    """
    uids = [observed.uid]
    if isinstance(observed, Workload):
        place = Q(cluster_id=observed.cluster_id, namespace_id=observed.namespace_id)
        made = Workload.objects.filter(place, owner_uid=observed.uid, gone_at=None)
        uids += made.values_list("uid", flat=True)
    found = Occurrence.objects.filter(
        cluster_id=observed.cluster_id, involved_uid__in=uids, involved_namespace=observed.namespace_name
    )
    return list(found.order_by("-last_at", "-id")[:most])


@dataclass(frozen=True)
class Refusal:
    """A workload that could not make a pod because of a quota. `lacks_requests`: its pods name no amounts."""

    namespace_id: int
    quota: str
    kind: str
    name: str
    count: int
    since: datetime
    last_at: datetime
    lacks_requests: bool
    message: str


def refused_by_quota(namespaces: Iterable[int]) -> list[Refusal]:
    """Return what quotas refused within the last day in these namespaces, the latest first.

    From the reports of controllers (ReplicaSet, Job, StatefulSet …); a pod that is created directly leaves none.
    """
    rows = Occurrence.objects.filter(namespace_id__in=list(namespaces), reason__in=REFUSED_REASONS)
    found = []
    for row in rows.order_by("-last_at", "-id"):
        said = _REFUSED.search(row.message)
        if said is None or row.namespace_id is None:
            continue
        found.append(
            Refusal(
                namespace_id=row.namespace_id,
                quota=said[2].rstrip("."),
                kind=row.involved_kind,
                name=row.involved_name,
                count=row.count,
                since=row.first_at,
                last_at=row.last_at,
                lacks_requests=said[1] == "failed",
                message=row.message,
            )
        )
    return found
