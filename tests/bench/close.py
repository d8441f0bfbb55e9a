"""The close of one hour: from segments to rows, rollups and each pod's part, to the commit; by the wall.

The reference is the bare sum behind it: pods clipped to the hour, joined with the lives of their nodes, added up by
namespace and price key, and dropped. Each pair takes an hour that was never closed before.
"""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from billing.ledger import services
from billing.ledger.models import CostHour, CostRun, PodHour
from clusters.registry.models import Cluster
from portal.core import clock, periods
from portal.core.periods import HOUR, Period
from tests.bench import estate
from tests.bench.contest import Sample
from tests.bench.measuring import Clock

PARTS = ("pod_hour", "cost_workload_day")
SUM = """SELECT pod.namespace_uid, node.price_key_id, sum(pod.cpu_m * seconds), sum(pod.memory_bytes * seconds),
    sum(pod.gpu_m * seconds)
FROM segment pod
JOIN segment node ON node.cluster_id = pod.cluster_id AND node.kind = 'node' AND node.uid = pod.node_uid
    AND node.starts_at < %(end)s AND COALESCE(node.ends_at, 'infinity') > %(start)s
CROSS JOIN LATERAL (SELECT EXTRACT(epoch FROM
    LEAST(COALESCE(pod.ends_at, 'infinity'), COALESCE(node.ends_at, 'infinity'), %(end)s)
    - GREATEST(pod.starts_at, node.starts_at, %(start)s))::bigint AS seconds) clipped
WHERE pod.cluster_id = %(cluster)s AND pod.kind = 'pod' AND pod.starts_at < %(end)s
    AND (pod.ends_at IS NULL OR pod.ends_at > %(start)s) AND seconds > 0
GROUP BY pod.namespace_uid, node.price_key_id"""


def paddock(inputs: dict[str, Any]) -> Sample:
    cluster, backend = estate.attached(), estate.backend()
    hour = _next(cluster)
    parts = PartsTimed()
    with Clock(backend) as timed, connection.execute_wrapper(parts):
        services.close_range(cluster_id=cluster.pk, start=hour.start, end=hour.end, at=hour.end)
    run = CostRun.objects.get(cluster=cluster, hour=hour.start)
    pods = PodHour.objects.filter(cluster=cluster, hour=hour.start, asset="pod").count()
    if run.counted_seconds != hour.seconds or pods != inputs["size"]:
        raise RuntimeError(f"{pods} pods were charged for {run.counted_seconds} s")
    rows = CostHour.objects.filter(cluster=cluster, hour=hour.start)
    if rows.filter(amount=None).exists():
        raise RuntimeError("something has no price")
    return {
        "cost": timed.wall,
        "client": timed.cpu,
        "database": timed.database,
        "parts": parts.seconds,
        "rows": rows.count(),
        "pod_rows": PodHour.objects.filter(cluster=cluster, hour=hour.start).count(),
    }


def reference(inputs: dict[str, Any]) -> Sample:
    cluster, backend = estate.attached(), estate.backend()
    hour = _next(cluster)
    values: dict[str, UUID | datetime] = {"cluster": cluster.pk, "start": hour.start, "end": hour.end}
    with Clock(backend) as timed, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL jit = off")
        cursor.execute(SUM, values)
        rows = cursor.fetchall()
    if not rows:
        raise RuntimeError("nothing was summed up")
    return {"cost": timed.wall, "client": timed.cpu, "database": timed.database, "rows": len(rows)}


class PartsTimed:
    """Seconds spent on what is kept beside the hour and its rollups: each pod's part, and the workloads' days."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        begun = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            if any(table in sql for table in PARTS):
                self.seconds += time.perf_counter() - begun


def _next(cluster: Cluster) -> Period:
    """The hour after the last closed one, else the next one: nodes are younger than that."""
    last = CostRun.objects.filter(cluster=cluster).order_by("hour").last()
    start = last.hour + HOUR if last else periods.ceil_hour(clock.now()) + HOUR
    return Period(start, start + HOUR)
