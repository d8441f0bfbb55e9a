"""Simulated clusters that change step by step, so that their end is the same however they were watched.

Every object changes at most once after its first reading, and what is deleted says so before: the instants at which
charges begin and end then stand in the objects, and not in when somebody looked.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from portal.core import clock, periods
from tests.clusters.inventory import objects
from tests.clusters.inventory.objects import Body
from tests.fakes.simulator import Simulator

NODES = 4
# Days before the hour in which a world is made.
CREATED, STARTED = timedelta(days=9), timedelta(days=3)
# What ends does so in the middle of an hour that is long over.
LEFT = timedelta(days=1, hours=3, minutes=30)


@dataclass
class World:
    """One simulated cluster. Loading it again under another slug begins it anew, with the same objects."""

    simulator: Simulator
    slug: str
    number: int
    pods: int = 700
    at: datetime = field(default_factory=lambda: periods.floor_hour(clock.now()))
    _untouched: list[str] = field(default_factory=list)
    _born: int = 0

    def load(self) -> None:
        """Begin."""
        self._untouched = [f"web-{number}" for number in range(self.pods)]
        self._born = 0
        self.simulator.load(
            self.slug,
            distribution="k3s",
            kube_system_uid=f"identity-{self.number}",
            objects={
                "namespaces": [self._dated(objects.namespace(name, team=name)) for name in ("shop", "stock")],
                "nodes": [self._dated(objects.node(f"n{number}")) for number in range(NODES)],
                "pods": [self._pod(name) for name in self._untouched],
                "deployments.apps": [self._dated(objects.deployment("web"))],
                "services": [self._dated(objects.service("front"))],
                "persistentvolumes": [self._dated(objects.volume(f"pv-{number}")) for number in range(3)],
            },
        )

    def step(self, chance: random.Random) -> None:
        """Let some pods be resized, finish, go, and come."""
        resized, finished, gone = (self._pick(chance) for _ in range(3))
        self.simulator.put(self.slug, "pods", *(self._pod(name, cpu="750m") for name in resized))
        ended = [self._pod(name, finished=self._ago(LEFT), phase="Succeeded") for name in finished]
        going = [self._pod(name, deleting=self._ago(LEFT)) for name in gone]
        self.simulator.put(self.slug, "pods", *ended, *going)
        for name in gone:
            self.simulator.delete(self.slug, "pods", name, namespace="shop")
        born = [f"new-{self._born + number}" for number in range(chance.randint(1, 30))]
        self._born += len(born)
        self.simulator.put(self.slug, "pods", *map(self._pod, born))

    def _ago(self, span: timedelta) -> str:
        return (self.at - span).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _pick(self, chance: random.Random) -> Sequence[str]:
        count = min(chance.randint(0, 12), len(self._untouched))
        return [self._untouched.pop(chance.randrange(len(self._untouched))) for _ in range(count)]

    def _pod(self, name: str, **differs: str) -> Body:
        number = int(name.rpartition("-")[2])
        body = objects.pod(
            name,
            node=f"n{number % NODES}",
            started=self._ago(STARTED),
            owner=("ReplicaSet", "web-abc"),
            **differs,  # type: ignore[arg-type]
        )
        return self._dated(body)

    def _dated(self, body: Body) -> Body:
        kept = body["metadata"]
        identity = f"{self.number}/{kept.get('namespace', '')}/{kept['name']}"
        return body | {"metadata": kept | {"uid": identity, "creationTimestamp": self._ago(CREATED)}}
