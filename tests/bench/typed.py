"""Against the official client's typed list of the same pages, which makes an object of every part of every pod."""

import tempfile
from pathlib import Path
from typing import Any

from kubernetes import client

from clusters.kube import kubeconfig
from tests.bench import listing
from tests.bench.contest import Sample
from tests.bench.measuring import Clock, peak_memory

paddock = listing.paddock


def reference(inputs: dict[str, Any]) -> Sample:
    address = kubeconfig.read(Path(inputs["kubeconfig"]).read_bytes())
    with tempfile.NamedTemporaryFile() as authority:
        authority.write(address.ca_data)
        authority.flush()
        configuration = client.Configuration(host=address.server)
        configuration.ssl_ca_cert = authority.name
        configuration.api_key["authorization"] = f"Bearer {address.token}"
        api = client.CoreV1Api(client.ApiClient(configuration))
        found: list[Any] = []
        token = ""
        with Clock() as clock:
            while True:
                page: Any = api.list_pod_for_all_namespaces(limit=500, _continue=token)
                found += page.items
                token = page.metadata._continue
                if not token:
                    break
    if len(found) != inputs["size"]:
        raise RuntimeError(f"{len(found)} pods were listed")
    return {"cost": clock.cpu, "wall": clock.wall, "peak": peak_memory()}
