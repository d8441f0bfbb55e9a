"""Pages into rows: every pod is decoded and its row extracted, a page at a time.

The reference is `orjson.loads` of the same bytes with the collector off; Paddock runs with the collector as it is. Of
both sides making a page's result is measured, and not letting go of it, which costs orjson's side a third more.
"""

import gc
from typing import Any

import orjson

from clusters.kube import intake
from clusters.kube.objects.table import POD, Row
from tests.bench import fetching
from tests.bench.contest import Sample
from tests.bench.measuring import Clock

# Few pods are read several times over, so that a run is long against the clock's jitter.
AT_LEAST = 50_000


def paddock(inputs: dict[str, Any]) -> Sample:
    pages, rounds, clock = fetching.read(inputs), _rounds(inputs), Clock()
    found = 0
    for body in pages * rounds:
        with clock:
            rows = _rows(body)
        found += len(rows)
        del rows
    return _sample(clock, found, rounds, inputs)


def reference(inputs: dict[str, Any]) -> Sample:
    pages, rounds, clock = fetching.read(inputs), _rounds(inputs), Clock()
    found = 0
    gc.disable()
    for body in pages * rounds:
        with clock:
            page = orjson.loads(body)
        found += len(page["items"])
        del page
    return _sample(clock, found, rounds, inputs)


def _rows(body: bytes) -> list[Row]:
    return [POD.extract(item) for item in intake.decode_page(body, POD).items]


def _sample(clock: Clock, found: int, rounds: int, inputs: dict[str, Any]) -> Sample:
    if found != rounds * inputs["size"]:
        raise RuntimeError(f"{found} pods were decoded")
    return {"cost": clock.cpu / rounds}


def _rounds(inputs: dict[str, Any]) -> int:
    return max(1, AT_LEAST // inputs["size"]) if inputs["size"] >= 1000 else 1
