"""The simulator as a child process, and a client of its control endpoint. It is spoken to over HTTP alone."""

import http.client
import json
import subprocess
import sys
import urllib.parse
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

Body = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]
STOP_WITHIN = 10.0


class ControlError(Exception):
    """The control endpoint refused; the message is its own."""


class Simulator:
    """Serves from `state` until closed; ends by itself with the process that started it.

    `arguments` precede the common ones: `("--world", FILE)` or `("replay", "--pods", "1000")`.
    """

    def __init__(self, state: Path, *arguments: str) -> None:
        self.state = state
        # Its standard input is a pipe of this process: closed with it, however it ends.
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "clusters.simulator",
                *arguments,
                "--state",
                str(state),
                "--lifeline",
                "stdin",
            ],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            self.close()
            raise RuntimeError(f"the simulator ended at its start with {self._process.returncode}")
        control = json.loads((state / "control.json").read_bytes())
        self._address = urllib.parse.urlsplit(control["address"]).netloc
        self._secret = control["secret"]

    @property
    def pid(self) -> int:
        return self._process.pid

    def load(self, slug: str, **world: Any) -> str:
        """Loads or replaces a cluster and returns its kubeconfig; the fields are those of a world."""
        self._ask("PUT", f"/clusters/{slug}", world)
        return self.kubeconfig(slug)

    def remove(self, slug: str) -> None:
        self._ask("DELETE", f"/clusters/{slug}")

    def clusters(self) -> list[Body]:
        """slug, server, kubeconfig (a path), version, connections and the number of objects by resource."""
        listed: list[Body] = self._ask("GET", "/clusters")
        return listed

    def kubeconfig(self, slug: str) -> str:
        return (self.folder(slug) / "kubeconfig.yaml").read_text()

    def folder(self, slug: str) -> Path:
        """Where the cluster keeps its certificates (ca.crt, tls.crt)."""
        return self.state / "clusters" / slug

    def token(self, slug: str) -> str:
        """The reader's token."""
        return str(json.loads((self.folder(slug) / "state.json").read_bytes())["token"])

    def put(self, slug: str, resource: str, *objects: Body) -> str:
        """Adds or replaces objects, one event each; returns the cluster's resourceVersion after the last."""
        return str(self._ask("POST", f"/clusters/{slug}/changes", {"put": {resource: objects}})["version"])

    def delete(self, slug: str, resource: str, name: str, *, namespace: str = "") -> str:
        gone = {"resource": resource, "namespace": namespace, "name": name}
        return str(self._ask("POST", f"/clusters/{slug}/changes", {"delete": [gone]})["version"])

    def compact(self, slug: str, *resources: str) -> None:
        """Positions from before get 410; of all kinds when none is named."""
        self._ask("POST", f"/clusters/{slug}/compact", {"resources": resources})

    def fault(self, slug: str, kind: str, **parameters: Any) -> int:
        """Scripts a fault and returns its id; kinds and parameters stand in clusters/simulator/faults.py."""
        return int(self._ask("POST", f"/clusters/{slug}/faults", {"kind": kind, **parameters})["id"])

    def faults(self, slug: str) -> list[Body]:
        """Each with `left`, the number of requests it still spoils."""
        scripted: list[Body] = self._ask("GET", f"/clusters/{slug}/faults")
        return scripted

    def heal(self, slug: str, number: int | None = None) -> None:
        """Removes one fault, or all."""
        self._ask("DELETE", f"/clusters/{slug}/faults" + ("" if number is None else f"/{number}"))

    def requests(self, slug: str) -> list[Body]:
        """What clients asked, oldest first: method, path, query, verb, status and some headers."""
        asked: list[Body] = self._ask("GET", f"/clusters/{slug}/requests")
        return asked

    def forget_requests(self, slug: str) -> None:
        self._ask("DELETE", f"/clusters/{slug}/requests")

    def advance(self, share: float | None = None, *, slug: str = "replay") -> int:
        """Changes a share of the pods of a replay and returns how many."""
        body = {} if share is None else {"share": share}
        return int(self._ask("POST", f"/clusters/{slug}/advance", body)["changed"])

    def close(self) -> None:
        """Ends the process and waits for its end."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        try:
            self._process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> "Simulator":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        connection = http.client.HTTPConnection(self._address, timeout=60)
        try:
            headers = {"Authorization": f"Bearer {self._secret}"}
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        if response.status != 200:
            raise ControlError(answer["error"])
        return answer


def write_world(path: Path, clusters: Sequence[Body]) -> Path:
    path.write_text(json.dumps({"clusters": clusters}))
    return path
