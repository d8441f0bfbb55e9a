"""The control endpoint: JSON over HTTP on a loopback port of its own, for tests and the demo.

Every request carries `Authorization: Bearer SECRET`; both are in control.json.
```
GET    /clusters                          what runs
PUT    /clusters/<slug>                   load or replace; the body is one of a world's, kept over a restart
DELETE /clusters/<slug>                   remove, with its keys
POST   /clusters/<slug>/changes           {"put": {"pods": [{…}]},
                                           "delete": [{"resource": "pods", "namespace": …, "name": …}]}
POST   /clusters/<slug>/compact           earlier positions get 410; {"resources": ["pods"]} names the kinds
GET    /clusters/<slug>/faults            POST adds one and answers with its id, DELETE removes all
DELETE /clusters/<slug>/faults/<id>
GET    /clusters/<slug>/requests          what clients asked, oldest first; DELETE forgets it
POST   /clusters/<slug>/advance           {"share": 0.01}: changes that share of the pods of a replay
POST   /shutdown
```
"""

import asyncio
import hmac
import json
from collections.abc import Callable
from typing import Any

from clusters.simulator import faults, fleet, replay, wire, world
from clusters.simulator.api import statuses
from clusters.simulator.cluster import Cluster

Body = dict[str, Any]


class UnknownError(Exception):
    """No such path, cluster or method."""


class Control:
    """`stop` ends the process; `replayed` is there in replay mode alone."""

    def __init__(
        self,
        running: fleet.Fleet,
        secret: str,
        stop: Callable[[], None],
        replayed: replay.Replay | None = None,
    ) -> None:
        self._fleet = running
        self._secret = secret
        self._stop = stop
        self._replay = replayed

    async def answer(self, request: wire.Request) -> wire.Answer:
        given = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, f"Bearer {self._secret}".encode()):
            return wire.json_answer({"error": "the secret of control.json is missing"}, status=401)
        try:
            return wire.json_answer(await self._route(request))
        except (UnknownError, KeyError) as error:
            return wire.json_answer({"error": f"not found: {error}"}, status=404)
        except (world.WorldError, faults.FaultError, statuses.StatusError, ValueError) as error:
            return wire.json_answer({"error": str(error)}, status=400)

    async def _route(self, request: wire.Request) -> Any:
        parts = [part for part in request.path.split("/") if part]
        body = json.loads(request.body) if request.body else {}
        if (request.method, parts) == ("GET", ["clusters"]):
            return self._fleet.overview()
        if (request.method, parts) == ("POST", ["shutdown"]):
            # After the answer has left.
            asyncio.get_running_loop().call_later(0.05, self._stop)
            return {}
        if len(parts) == 2 and parts[0] == "clusters":
            return await self._cluster(request.method, parts[1], body)
        if len(parts) >= 3 and parts[0] == "clusters":
            return self._part(request.method, parts[1], parts[2:], body)
        raise UnknownError(request.path)

    async def _cluster(self, method: str, slug: str, body: Body) -> Any:
        if method == "PUT":
            await self._fleet.load(world.read_cluster({"slug": slug} | body))
            self._fleet.home(slug).write_world({"slug": slug} | body)
            return {"kubeconfig": str(self._fleet.home(slug).kubeconfig)}
        if method == "DELETE":
            await self._fleet.remove(slug)
            return {}
        raise UnknownError(method)

    def _part(self, method: str, slug: str, parts: list[str], body: Body) -> Any:
        cluster = self._fleet.cluster(slug)
        match method, *parts:
            case "POST", "changes":
                return _change(cluster, body)
            case "POST", "compact":
                cluster.store.compact(body.get("resources", ()))
                return {"version": str(cluster.store.version)}
            case "POST", "advance":
                return self._advance(cluster, body)
            case _, "faults", *rest:
                return self._faults(method, slug, rest, body)
            case "GET", "requests":
                return list(cluster.requests)
            case "DELETE", "requests":
                cluster.requests.clear()
                return {}
        raise UnknownError("/".join(parts))

    def _faults(self, method: str, slug: str, parts: list[str], body: Body) -> Any:
        scripted = self._fleet.cluster(slug).faults
        answer: Any = {}
        if method == "POST":
            answer = scripted.add(body).body()
        elif method == "DELETE":
            scripted.remove(int(parts[0]) if parts else None)
        elif method == "GET":
            answer = [fault.body() for fault in scripted.all()]
        else:
            raise UnknownError(method)
        self._fleet.show_certificate(slug)
        return answer

    def _advance(self, cluster: Cluster, body: Body) -> Body:
        if self._replay is None:
            raise UnknownError("advance: only in replay mode")
        changed = self._replay.advance(cluster, float(body.get("share", self._replay.share)))
        return {"changed": changed, "version": str(cluster.store.version)}


def _change(cluster: Cluster, body: Body) -> Body:
    """Puts first, in the order given, then deletions; each is one event."""
    for key, objects in body.get("put", {}).items():
        for described in objects:
            cluster.put(key, described)
    for gone in body.get("delete", ()):
        cluster.delete(gone["resource"], gone.get("namespace", ""), gone["name"])
    return {"version": str(cluster.store.version)}
