"""A whole list of pods of which none changed: fetch, TLS, decode, compare with what is stored. The real pass.

The reference fetches the same pages and drops what `orjson.loads` makes of each, with the collector off.
"""

import gc
from typing import Any

from clusters.kube.objects.table import POD
from tests.bench import estate, fetching
from tests.bench.contest import Sample
from tests.bench.measuring import Clock


def paddock(inputs: dict[str, Any]) -> Sample:
    cluster, backend = estate.attached(), estate.backend()
    estate.forget(POD)
    with Clock(backend) as clock:
        estate.relist(cluster, inputs, changed=0)
    return {"cost": clock.cpu, "wall": clock.wall, "database": clock.database}


def reference(inputs: dict[str, Any]) -> Sample:
    gc.disable()
    found = 0
    with Clock() as clock:
        for _body, count in fetching.bodies(inputs["kubeconfig"]):
            found += count
    if found != inputs["size"]:
        raise RuntimeError(f"{found} pods were listed")
    return {"cost": clock.cpu, "wall": clock.wall}
