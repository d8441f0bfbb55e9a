"""An independent watcher of two real clusters, which reads every limit and adds them up."""

import threading
from collections.abc import Mapping, Sequence
from types import TracebackType

from clusters.quotas import resources
from tests.testbed.control_plane import Cluster

Limits = dict[str, tuple[str, dict[str, int]]]


class Watcher:
    """A thread that looks again and again. A sum counts only where both clusters were read at one moment:

    the first is read before and after the second, and has not changed between.
    """

    def __init__(self, first: Cluster, second: Cluster, namespaces: Sequence[str], pool: Mapping[str, int]) -> None:
        self.first, self.second = first, second
        self.namespaces, self.pool = namespaces, dict(pool)
        self.looked = 0
        self.peak: dict[str, int] = dict.fromkeys(pool, 0)
        self.broken: list[str] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Watcher":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join(timeout=30)

    def look(self) -> None:
        before = self._limits(self.first)
        other = self._limits(self.second)
        if before != self._limits(self.first):
            return
        self.looked += 1
        for name, most in self.pool.items():
            total = sum(hard.get(name, 0) for _version, hard in [*before.values(), *other.values()])
            self.peak[name] = max(self.peak[name], total)
            if total > most:
                self.broken.append(f"{name}: {total} of {most}")

    def _limits(self, cluster: Cluster) -> Limits:
        found = {}
        for quota in cluster.api.items("ResourceQuota"):
            metadata = quota["metadata"]
            if metadata["name"] == "paddock" and metadata["namespace"] in self.namespaces:
                found[metadata["uid"]] = (metadata["resourceVersion"], resources.parse_seen(quota["spec"]["hard"]))
        return found

    def _run(self) -> None:
        while not self._end.is_set():
            self.look()
