"""One etcd for all clusters of a bed; each cluster has its own key prefix in it."""

import base64
import http.client
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.testbed import ports, processes


class Etcd:
    """Started and ready when made. Talked to by the JSON gateway that etcd carries."""

    def __init__(self, *, program: Path, run: processes.RunFolder, leases: ports.Ports) -> None:
        self._port = leases.lease()
        peer = f"http://127.0.0.1:{leases.lease()}"
        command: list[str | Path] = [
            program,
            f"--data-dir={run.path / 'etcd'}",
            f"--listen-client-urls={self.url}",
            f"--advertise-client-urls={self.url}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
            "--watch-progress-notify-interval=5s",
            "--log-level=warn",
        ]
        self.child = run.start("etcd", command)
        self.child.wait_until(self._healthy, within=60)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def revision(self) -> int:
        """The newest revision; resource versions of every cluster count in it."""
        key = base64.b64encode(b"compact_rev_key").decode()
        return int(self._call("/v3/kv/range", {"key": key})["header"]["revision"])

    def compact(self) -> int:
        """Forgets all history up to now, of all clusters, and returns the revision that it begins at.

        Writes the key by which a kube-apiserver tells the others of a compaction.
        """
        revision = self.revision()
        self._call("/v3/kv/compaction", {"revision": str(revision), "physical": True})
        key, value = (base64.b64encode(text.encode()).decode() for text in ("compact_rev_key", str(revision)))
        self._call("/v3/kv/put", {"key": key, "value": value})
        return revision

    def _healthy(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def _call(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise RuntimeError(f"etcd refused {path}: {text.decode(errors='replace')}")
        answer: dict[str, Any] = json.loads(text)
        return answer
