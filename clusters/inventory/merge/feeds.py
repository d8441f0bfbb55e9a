"""What is charged about pods, nodes, volumes and load balancers, as SQL expressions.

Aliases: `t` an incoming row, `old` the stored row before it, `r` a row as it will be stored, `n` its namespace,
`h` its node, `v` the namespace of a volume's claim. A span follows `schema.md` 6: a pod runs from the earliest start
of a container ever seen to its finish, or to the earlier of its deletion's time and the instant it was seen gone.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Feed:
    """One kind of charged thing.

    `started` and `finish` are worked out at each new version (`finish` is NULL while it goes on). A fact is written
    when `charged` holds and one of `compared` differs from the stored row. `missed` is the end of a thing that a
    list after a gap no longer holds; `last_ok` is the last instant at which it was known to be there.
    """

    kind: str
    table: str
    started: str
    finish: str
    missed: str
    charged: str
    compared: tuple[str, ...]
    columns: dict[str, str]


_DELETED = "CASE WHEN t.gone THEN LEAST(t.deleting_since, %(at)s) END"
_MISSED = "GREATEST(old.started_at, COALESCE(%(last_ok)s, %(at)s))"
_BORN = "COALESCE(old.started_at, t.created_at, %(at)s)"

POD = Feed(
    kind="pod",
    table="pod",
    started="LEAST(old.started_at, t.first_start)",
    finish=(
        "CASE WHEN t.phase IN ('Succeeded', 'Failed')"
        " THEN COALESCE(t.last_finish, old.ended_at, LEAST(t.deleting_since, %(at)s))"
        " WHEN t.gone THEN LEAST(t.deleting_since, %(at)s) END"
    ),
    missed="GREATEST(old.started_at, LEAST(old.deleting_since, COALESCE(%(last_ok)s, %(at)s)))",
    charged="r.started_at IS NOT NULL AND r.node <> '' AND r.namespace_id IS NOT NULL",
    compared=(
        "cpu_m",
        "memory_bytes",
        "gpu_m",
        "node",
        "workload_kind",
        "workload_name",
        "namespace_id",
        "started_at",
        "ended_at",
    ),
    columns={
        "namespace_uid": "n.uid",
        "cpu_m": "r.cpu_m",
        "memory_bytes": "r.memory_bytes",
        "gpu_m": "r.gpu_m",
        "owner_kind": "r.workload_kind",
        "owner_name": "r.workload_name",
        "node_name": "r.node",
        "node_uid": "COALESCE(h.uid, '')",
    },
)
NODE = Feed(
    kind="node",
    table="node",
    started=_BORN,
    finish=_DELETED,
    missed=_MISSED,
    charged="TRUE",
    compared=(
        "cpu_m",
        "memory_bytes",
        "gpu_m",
        "allocatable_cpu_m",
        "allocatable_memory_bytes",
        "allocatable_gpu_m",
        "instance_type",
        "region",
        "capacity_class",
        "provider_id",
        "started_at",
        "ended_at",
    ),
    columns={
        "cpu_m": "r.cpu_m",
        "memory_bytes": "r.memory_bytes",
        "gpu_m": "r.gpu_m",
        "reserved_cpu_m": "GREATEST(r.cpu_m - r.allocatable_cpu_m, 0)",
        "reserved_memory_bytes": "GREATEST(r.memory_bytes - r.allocatable_memory_bytes, 0)",
        "reserved_gpu_m": "GREATEST(r.gpu_m - r.allocatable_gpu_m, 0)",
        "instance_type": "r.instance_type",
        "region": "r.region",
        "capacity_class": "r.capacity_class",
        "provider_id": "r.provider_id",
        "node_name": "r.name",
        "node_uid": "r.uid",
    },
)
VOLUME = Feed(
    kind="volume",
    table="volume",
    started=_BORN,
    finish=_DELETED,
    missed=_MISSED,
    charged="TRUE",
    compared=(
        "capacity_bytes",
        "storage_class",
        "region",
        "claim_uid",
        "claim_namespace_uid",
        "started_at",
        "ended_at",
    ),
    columns={
        "storage_bytes": "r.capacity_bytes",
        "storage_class": "r.storage_class",
        "region": "r.region",
        "claim_uid": "r.claim_uid",
        "claim_namespace_uid": "r.claim_namespace_uid",
        "namespace_uid": "r.claim_namespace_uid",
    },
)
LOAD_BALANCER = Feed(
    kind="load_balancer",
    table="service",
    started=(
        "CASE WHEN t.type <> 'LoadBalancer' THEN old.started_at"
        " WHEN old.id IS NULL THEN COALESCE(t.created_at, %(at)s)"
        " WHEN old.started_at IS NOT NULL AND old.ended_at IS NULL THEN old.started_at"
        " ELSE %(at)s END"
    ),
    finish=(
        "CASE WHEN t.type <> 'LoadBalancer'"
        " THEN CASE WHEN old.started_at IS NOT NULL THEN COALESCE(old.ended_at, %(at)s) END"
        " WHEN t.gone THEN LEAST(t.deleting_since, %(at)s) END"
    ),
    missed=_MISSED,
    charged="r.started_at IS NOT NULL AND r.namespace_id IS NOT NULL",
    compared=("namespace_id", "started_at", "ended_at"),
    columns={"namespace_uid": "n.uid", "units": "1"},
)

FEEDS: dict[str, Feed] = {feed.table: feed for feed in (POD, NODE, VOLUME, LOAD_BALANCER)}
COMMON = {
    "cluster_id": "%(cluster)s",
    "uid": "r.uid",
    "name": "r.name",
    "observed_at": "%(at)s",
    "started_at": "r.started_at",
    "ended_at": "r.ended_at",
}
