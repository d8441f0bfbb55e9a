"""The leanest way to have the pages: the standard library over one connection, bodies as bytes."""

import http.client
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson

from clusters.kube import kubeconfig

PATH = "/api/v1/pods?limit=500"


def bodies(kubeconfig_file: str) -> Iterator[tuple[bytes, int]]:
    """Every page as bytes, and how many pods orjson found in it; what it made is dropped before the next page."""
    address = kubeconfig.read(Path(kubeconfig_file).read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=address.ca_data.decode())
    line = http.client.HTTPSConnection(address.host, address.port, context=context)
    token = ""
    try:
        while True:
            more = f"&continue={quote(token)}" if token else ""
            line.request("GET", PATH + more, headers={"Authorization": f"Bearer {address.token}"})
            response = line.getresponse()
            body = response.read()
            if response.status != 200:
                raise RuntimeError(f"the page was answered with {response.status}")
            page = orjson.loads(body)
            token, count = page["metadata"].get("continue", ""), len(page["items"])
            del page
            yield body, count
            if not token:
                return
    finally:
        line.close()


def store(inputs: dict[str, Any]) -> dict[str, float]:
    """Write the pages as files."""
    folder = Path(inputs["pages"])
    size = 0
    for number, (body, _count) in enumerate(bodies(inputs["kubeconfig"])):
        (folder / f"{number:05d}.json").write_bytes(body)
        size += len(body)
    return {"bytes": size}


def read(inputs: dict[str, Any]) -> list[bytes]:
    """The stored pages."""
    return [file.read_bytes() for file in sorted(Path(inputs["pages"]).iterdir())]
