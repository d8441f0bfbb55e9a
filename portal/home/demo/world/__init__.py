"""The demo's world: one seed and one instant make one document, byte for byte. Pure.

The document is what stands in `<data>/demo/world.json`. Its `clusters` are read by the simulator (their shape is the
simulator's), its `past` by `portal.home.demo.past`: segments of what is gone, by the slug of the cluster.
"""

import json
from datetime import datetime
from typing import Any

from portal.home.demo.catalogue.organisation import SITES
from portal.home.demo.catalogue.shapes import Site
from portal.home.demo.world import machines, past, placing, pods, storage
from portal.home.demo.world.chance import Chance
from portal.home.demo.world.lives import SiteLife, WorldError
from portal.home.demo.world.objects import nodes, spaces, workloads
from portal.home.demo.world.objects import pods as pod_objects
from portal.home.demo.world.objects import storage as storage_objects
from portal.home.demo.world.objects.parts import Body, stamp

__all__ = ["EDITION", "SEED", "WorldError", "build", "encode"]

SEED = 20260101
# Raised when the same seed makes another world: a half-loaded one of before is then begun anew.
EDITION = 1


def build(*, seed: int, at: datetime) -> dict[str, Any]:
    """Return the document. `at` is the instant that counts as now: aware, UTC, whole seconds.

    Raises `WorldError` where the pods of this seed do not fit on their machines.
    """
    told = [_told(site, seed, at) for site in SITES]
    return {
        "edition": EDITION,
        "seed": seed,
        "at": stamp(at),
        "clusters": [present for present, _past in told],
        "past": {present["slug"]: records for present, records in told},
    }


def encode(document: dict[str, Any]) -> bytes:
    """Return the document as the file holds it."""
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode() + b"\n"


def _told(site: Site, seed: int, at: datetime) -> tuple[Body, list[past.Record]]:
    life = _live(site, seed, at)
    stores = storage.of(life, seed)
    return _present(life, stores, seed), past.of(life, stores)


def _live(site: Site, seed: int, at: datetime) -> SiteLife:
    found = machines.of(site, seed, at)
    apps = [pods.of(space, app, seed, site.slug, at, found) for space in site.spaces for app in space.apps]
    placing.place(apps, found, site.pod_limit)
    for lived in apps:
        if lived.space.terminating:
            for run in lived.present():
                run.state = "terminating"
    uids = {space.name: Chance(seed, site.slug, space.name).uid() for space in site.spaces}
    return SiteLife(site, at, found, apps, uids)


def _present(life: SiteLife, stores: list[storage.Store], seed: int) -> Body:
    site, at = life.site, life.at
    objects: dict[str, list[Body]] = {
        "nodes": [nodes.of(machine, site, at) for machine in life.machines if machine.gone is None],
        "pods": [pod_objects.of(run, at) for lived in life.apps for run in lived.present()],
    }
    made = [pair for space in site.spaces for pair in spaces.of(space, life, seed)]
    made += [pair for lived in life.apps for pair in workloads.of(lived, at)]
    made += [pair for store in stores for pair in storage_objects.of(store, site)]
    for resource, body in made:
        objects.setdefault(resource, []).append(body)
    return {
        "slug": site.slug,
        "version": site.version,
        "kube_system_uid": life.spaces["kube-system"],
        "groups": list(site.groups),
        "objects": objects,
    }
