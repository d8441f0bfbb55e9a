"""Replay: many synthetic pods as ready-made bytes, for benchmarks of those who read them.

A pod is about 8 KB with its managedFields. The same seed gives the same pods. `advance` changes a share of
them, each time others, and so moves the list from "unchanged" to "changed" and gives watches their events.
"""

import random
from typing import Any

from clusters.simulator import synthetic
from clusters.simulator.api import kinds, store
from clusters.simulator.cluster import Cluster

Body = dict[str, Any]

SEED = 20260101
SHAPES = 24
PODS_PER_NAMESPACE = 40
PODS_PER_NODE = 30
SLUG = "replay"


class Replay:
    """`share` of the pods change with each `advance` that names no other."""

    def __init__(self, pods: int, share: float) -> None:
        self.share = share
        self._pods = pods
        self._random = random.Random(SEED)  # noqa: S311 (repeatable on purpose)
        self._shapes = [synthetic.pod_text(self._random) for _ in range(SHAPES)]
        self._turns = [0] * pods

    def world(self) -> Body:
        """The cluster around the pods: namespaces and nodes."""
        namespaces = [{"metadata": {"name": _namespace(i)}} for i in range(0, self._pods, PODS_PER_NAMESPACE)]
        nodes = [_node(_node_name(i)) for i in range(0, self._pods, PODS_PER_NODE)]
        history = max(store.HISTORY, self._pods)
        return {"slug": SLUG, "history": history, "objects": {"namespaces": namespaces, "nodes": nodes}}

    def fill(self, cluster: Cluster) -> None:
        collection = cluster.store.collection(_pod_kind(cluster))
        for number in range(self._pods):
            collection.load(self._entry(number, 1 + number))

    def advance(self, cluster: Cluster, share: float) -> int:
        """The number of pods changed."""
        chosen = sorted(self._random.sample(range(self._pods), round(self._pods * share)))
        for number in chosen:
            self._turns[number] += 1
            cluster.store.put_entry(_pod_kind(cluster), self._entry(number, cluster.store.version + 1))
        return len(chosen)

    def _entry(self, number: int, version: int) -> store.Entry:
        namespace, name = _namespace(number), f"app-{number % 7}-{number:07d}"
        values = {
            b"@NAME@": name,
            b"@NAMESPACE@": namespace,
            b"@NODE@": _node_name(number),
            b"@UID@": f"{number:08x}-5eed-4000-8000-{number:012x}",
            b"@VERSION@": str(version),
            b"@TURN@": str(self._turns[number]),
            b"@IP@": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
        }
        text = self._shapes[number % SHAPES]
        for mark, value in values.items():
            text = text.replace(mark, value.encode())
        return store.Entry(namespace, name, version, text=text)


def _pod_kind(cluster: Cluster) -> kinds.Kind:
    kind = cluster.catalogue.by_key("pods")
    assert kind is not None
    return kind


def _namespace(number: int) -> str:
    return f"team-{number // PODS_PER_NAMESPACE:05d}"


def _node_name(number: int) -> str:
    return f"node-{number // PODS_PER_NODE:05d}"


def _node(name: str) -> Body:
    size = {"cpu": "16", "memory": "64Gi", "pods": "110"}
    labels = {"kubernetes.io/hostname": name, "node.kubernetes.io/instance-type": "m6i.4xlarge"}
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {},
        "status": {"capacity": size, "allocatable": size},
    }
