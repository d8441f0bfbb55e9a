"""The same list after one pod in a hundred changed, against none changed: CPU of the process and of the database."""

from typing import Any

from clusters.kube.objects.table import POD
from tests.bench import estate
from tests.bench.contest import Sample
from tests.bench.measuring import Clock


def paddock(inputs: dict[str, Any]) -> Sample:
    return _timed(inputs, round(inputs["size"] * 0.01))


def reference(inputs: dict[str, Any]) -> Sample:
    return _timed(inputs, 0)


def _timed(inputs: dict[str, Any], changed: int) -> Sample:
    cluster, backend = estate.attached(), estate.backend()
    estate.forget(POD)
    with Clock(backend) as clock:
        estate.relist(cluster, inputs, changed=changed)
    return {"cost": clock.cpu + clock.database, "client": clock.cpu, "database": clock.database, "wall": clock.wall}
