"""A list of all pods into memory, Paddock's way: pages over TLS, each pod as a row of plain values, all rows kept."""

from pathlib import Path
from typing import Any

from clusters.kube import conversation, kubeconfig, reactor
from clusters.kube.conversation import Conversation
from clusters.kube.objects.table import POD, Row
from tests.bench.contest import Sample
from tests.bench.measuring import Clock, peak_memory

DEADLINE = 600.0


def rows() -> Conversation[list[Row]]:
    found: list[Row] = []
    token = ""
    while True:
        page = yield from conversation.page_of(POD, continue_token=token)
        found += [POD.extract(item) for item in page.items]
        token = page.continue_token
        if not token:
            return found


def paddock(inputs: dict[str, Any]) -> Sample:
    address = kubeconfig.read(Path(inputs["kubeconfig"]).read_bytes())
    with Clock() as clock:
        found = reactor.run(address, {"pods": rows()}, deadline=DEADLINE, allow_loopback=True)["pods"].demand()
    if len(found) != inputs["size"]:
        raise RuntimeError(f"{len(found)} pods were listed")
    return {"cost": clock.cpu, "wall": clock.wall, "peak": peak_memory()}
