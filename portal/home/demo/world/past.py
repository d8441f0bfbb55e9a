"""Segments of the past: what is gone, and what was smaller once. The present tells of everything else by itself."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from portal.home.demo.world.lives import Machine, Run, SiteLife
from portal.home.demo.world.objects import parts
from portal.home.demo.world.objects.parts import GIB, MIB, stamp
from portal.home.demo.world.objects.storage import region_of
from portal.home.demo.world.storage import Store

Record = dict[str, Any]


def of(life: SiteLife, stores: list[Store]) -> list[Record]:
    """Return the records of a cluster, by kind, oldest first. `to` is None for a thing that is still there.

    Units: millicores, bytes, GPUs in thousandths. `asset` names the columns of the price key.
    """
    found = [_machine(machine, life) for machine in life.machines if machine.gone is not None]
    found += [_pod(run, life) for lived in life.apps for run in lived.runs if _is_past(run)]
    found += [record for store in stores for record in _volume(store, life)]
    return sorted(found, key=lambda record: (record["kind"], record["from"], record["uid"]))


def _is_past(run: Run) -> bool:
    # A pod that crashes shows its last start alone; that it has been there for days must be told.
    return run.started is not None and (run.gone or run.state == "crash")


def _record(kind: str, uid: str, name: str, start: datetime, end: datetime | None) -> Record:
    return {"kind": kind, "uid": uid, "name": name, "from": stamp(start), "to": stamp(end) if end else None}


def _pod(run: Run, life: SiteLife) -> Record:
    assert run.started is not None and run.machine is not None
    app, space = run.app, run.space
    return _record("pod", run.uid, run.name, run.started, run.ended) | {
        "namespace": space.name,
        "namespace_uid": life.spaces[space.name],
        "node": run.machine.name,
        "node_uid": run.machine.uid,
        "cpu_m": app.cpu,
        "memory_bytes": app.memory * MIB,
        "gpu_m": app.gpu * 1000,
        "owner": [app.kind if app.kind != "Node" else "Node", app.name if app.kind != "Node" else run.machine.name],
        "labels": dict(space.labels) | parts.labels(space, app),
    }


def _machine(machine: Machine, life: SiteLife) -> Record:
    pool = machine.pool
    return _record("node", machine.uid, machine.name, machine.born, machine.gone) | {
        "node": machine.name,
        "node_uid": machine.uid,
        "provider_id": machine.provider_id,
        "cpu_m": pool.cores * 1000,
        "memory_bytes": pool.memory * GIB,
        "gpu_m": pool.gpus * 1000,
        "reserved_cpu_m": pool.cores * 1000 - machine.cpu,
        "reserved_memory_bytes": (pool.memory * 1024 - machine.memory) * MIB,
        "asset": {
            "asset": "node",
            "instance_type": pool.instance_type,
            "region": life.site.region,
            "capacity_class": pool.capacity_class,
        },
    }


def _volume(store: Store, life: SiteLife) -> Iterator[Record]:
    if not store.volume or (store.gone is None and store.grown_at is None):
        return
    parts_of_time: list[tuple[datetime, datetime | None, int]] = [(store.born, store.gone, store.size)]
    if store.grown_at is not None:
        grown_at = store.grown_at.replace(microsecond=0)
        parts_of_time = [(store.born, grown_at, store.size_before), (grown_at, store.gone, store.size)]
    for start, end, size in parts_of_time:
        yield _record("volume", store.volume, store.volume_name, start, end) | {
            "namespace": store.space.name,
            "namespace_uid": life.spaces[store.space.name],
            "storage_bytes": size * GIB,
            "asset": {"asset": "volume", "region": region_of(life.site), "storage_class": store.storage_class},
        }
