"""The state folder: what a cluster keeps over a restart, and what clients need to reach it.

```
control.json                       address, secret and pid of the control endpoint
clusters/<slug>/kubeconfig.yaml    for clients            ca.* tls.*   certificates and keys
clusters/<slug>/state.json         port, token and the next version
clusters/<slug>/world.json         a cluster loaded through the control endpoint
```
"""

import base64
import fcntl
import json
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from clusters.simulator import certificates
from clusters.simulator.api import store

# Each start begins behind every version the last one can have given out: positions from before it get 410.
VERSIONS_PER_START = 1_000_000


class BusyError(Exception):
    """Another simulator serves from this folder."""


@dataclass(slots=True)
class Kept:
    """`port` 0 lets the system choose."""

    port: int
    token: str
    version: int


class ClusterFolder:
    """The folder of one cluster."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def kubeconfig(self) -> Path:
        return self.path / "kubeconfig.yaml"

    def open(self, slug: str, token: str) -> Kept:
        """What the last start left, with certificates in place and the versions of this start taken."""
        self.path.mkdir(parents=True, exist_ok=True)
        certificates.ensure(self.path, slug)
        kept = self._read()
        kept.token = token or kept.token
        kept.version += VERSIONS_PER_START
        self.keep(kept)
        return kept

    def keep(self, kept: Kept) -> None:
        certificates.write_private(self.path / "state.json", json.dumps(asdict(kept)).encode())

    def write_kubeconfig(self, slug: str, port: int, token: str) -> None:
        ca = (self.path / "ca.crt").read_bytes()
        certificates.write_private(self.kubeconfig, kubeconfig(slug, port, token, ca).encode())

    def write_world(self, body: Any) -> None:
        certificates.write_private(self.path / "world.json", json.dumps(body).encode())

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def _read(self) -> Kept:
        try:
            return Kept(**json.loads((self.path / "state.json").read_bytes()))
        except FileNotFoundError:
            return Kept(0, secrets.token_urlsafe(32), store.CONTENT_VERSIONS)


class StateFolder:
    """The whole folder, locked while it is open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(path / "lock")

    def cluster(self, slug: str) -> ClusterFolder:
        return ClusterFolder(self.path / "clusters" / slug)

    def worlds(self) -> Iterator[Any]:
        """The clusters that were loaded through the control endpoint, unread."""
        for path in sorted(self.path.glob("clusters/*/world.json")):
            yield json.loads(path.read_bytes())

    def write_control(self, document: dict[str, Any]) -> None:
        certificates.write_private(self.path / "control.json", json.dumps(document).encode())

    def close(self) -> None:
        (self.path / "control.json").unlink(missing_ok=True)
        self._lock.close()


def _lock(path: Path) -> IO[bytes]:
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise BusyError(f"another simulator serves from {path.parent}") from None
    return file


def kubeconfig(slug: str, port: int, token: str, ca: bytes) -> str:
    return f"""\
apiVersion: v1
kind: Config
clusters:
- name: {slug}
  cluster:
    server: https://127.0.0.1:{port}
    certificate-authority-data: {base64.b64encode(ca).decode()}
users:
- name: {slug}-reader
  user:
    token: {json.dumps(token)}
contexts:
- name: {slug}
  context:
    cluster: {slug}
    user: {slug}-reader
current-context: {slug}
"""
