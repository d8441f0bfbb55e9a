"""Pages into rows: every pod is decoded and its row extracted. Each page's result is dropped before the next page.

The reference is `orjson.loads` of the same bytes with the collector off; Paddock runs with the collector as it is.
"""

import gc
from typing import Any

import orjson

from clusters.kube import intake
from clusters.kube.objects.table import POD
from tests.bench import fetching
from tests.bench.contest import Sample
from tests.bench.measuring import Clock

# Few pods are read several times over, so that a run is long against the clock's jitter.
AT_LEAST = 50_000


def paddock(inputs: dict[str, Any]) -> Sample:
    pages, rounds = fetching.read(inputs), _rounds(inputs)
    found = 0
    with Clock() as clock:
        for _round in range(rounds):
            for body in pages:
                found += len([POD.extract(item) for item in intake.decode_page(body, POD).items])
    if found != rounds * inputs["size"]:
        raise RuntimeError(f"{found} pods were decoded")
    return {"cost": clock.cpu / rounds}


def reference(inputs: dict[str, Any]) -> Sample:
    pages, rounds = fetching.read(inputs), _rounds(inputs)
    found = 0
    gc.disable()
    with Clock() as clock:
        for _round in range(rounds):
            for body in pages:
                found += len(orjson.loads(body)["items"])
    if found != rounds * inputs["size"]:
        raise RuntimeError(f"{found} pods were decoded")
    return {"cost": clock.cpu / rounds}


def _rounds(inputs: dict[str, Any]) -> int:
    return max(1, AT_LEAST // inputs["size"]) if inputs["size"] >= 1000 else 1
