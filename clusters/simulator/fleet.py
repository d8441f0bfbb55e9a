"""The running clusters: one listener each, loaded, replaced and removed while the process runs."""

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import Any

from clusters.simulator import certificates, folder, wire, world
from clusters.simulator.cluster import Cluster

Body = dict[str, Any]

HOST = "127.0.0.1"
BACKLOG = 1024


@dataclass(slots=True)
class Listener:
    """A port with its TLS context and open connections; the cluster behind it may be exchanged."""

    cluster: Cluster
    home: folder.ClusterFolder
    context: ssl.SSLContext
    connections: set[wire.Connection] = field(default_factory=set)
    server: asyncio.Server | None = None
    port: int = 0
    certificate: str = "valid"

    async def open(self, port: int) -> None:
        """On the wanted port, or on another where that is taken; 0 leaves the choice to the system."""
        try:
            self.server = await self._serve(port)
        except OSError:
            self.server = await self._serve(0)
        self.port = self.server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self.server:
            self.server.close()
            self.drop_connections()
            await self.server.wait_closed()

    def drop_connections(self) -> None:
        for connection in list(self.connections):
            connection.drop()

    async def _serve(self, port: int) -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(
            lambda: wire.Connection(self._answer, self.connections),
            HOST,
            port,
            ssl=self.context,
            backlog=BACKLOG,
        )

    async def _answer(self, request: wire.Request) -> wire.Answer:
        return await self.cluster.answer(request)


class Fleet:
    """Clusters by slug."""

    def __init__(self, state: folder.StateFolder) -> None:
        self._state = state
        self._listeners: dict[str, Listener] = {}

    async def load(self, described: world.ClusterWorld, *, largest_page: int = 0) -> Cluster:
        """Starts a cluster, or puts it in the place of the one of the same slug; raises WorldError."""
        home = self._state.cluster(described.slug)
        kept = home.open(described.slug, described.token)
        cluster = Cluster(described, token=kept.token, version=kept.version, largest_page=largest_page)
        running = self._listeners.get(described.slug)
        if running:
            running.cluster = cluster
            running.drop_connections()
            self.show_certificate(described.slug)
        else:
            running = Listener(cluster, home, certificates.server_context())
            certificates.show(running.context, home.path, "valid")
            await running.open(kept.port)
            self._listeners[described.slug] = running
        kept.port = running.port
        home.keep(kept)
        home.write_kubeconfig(described.slug, running.port, kept.token)
        return cluster

    async def remove(self, slug: str) -> None:
        """Ends a cluster and forgets its keys; raises KeyError."""
        listener = self._listeners.pop(slug)
        await listener.close()
        listener.home.remove()

    async def close(self) -> None:
        for listener in self._listeners.values():
            await listener.close()
        self._listeners.clear()

    def cluster(self, slug: str) -> Cluster:
        """Raises KeyError."""
        return self._listeners[slug].cluster

    def home(self, slug: str) -> folder.ClusterFolder:
        return self._listeners[slug].home

    def show_certificate(self, slug: str) -> None:
        """Shows the certificate the cluster's faults ask for and drops connections made with another one."""
        listener = self._listeners[slug]
        wanted = listener.cluster.faults.certificate()
        if wanted != listener.certificate:
            certificates.show(listener.context, listener.home.path, wanted)
            listener.certificate = wanted
            listener.drop_connections()

    def overview(self) -> list[Body]:
        return [
            {
                "slug": slug,
                "server": f"https://{HOST}:{listener.port}",
                "kubeconfig": str(listener.home.kubeconfig),
                "version": str(listener.cluster.store.version),
                "connections": len(listener.connections),
                "objects": listener.cluster.store.counts(),
            }
            for slug, listener in self._listeners.items()
        ]
