"""The largest resident set while all pods are listed again, against a process that has loaded the same and waits."""

from typing import Any

from clusters.kube.objects.table import POD
from tests.bench import estate
from tests.bench.contest import Sample
from tests.bench.measuring import peak_memory


def paddock(inputs: dict[str, Any]) -> Sample:
    cluster = estate.attached()
    estate.forget(POD)
    before = peak_memory()
    estate.relist(cluster, inputs, changed=0)
    peak = peak_memory()
    return {"cost": peak, "per_pod": (peak - before) / inputs["size"]}


def reference(inputs: dict[str, Any]) -> Sample:
    estate.attached()
    return {"cost": peak_memory()}
