"""Random worlds from a seed: the same seed and shape always give the same world.

`make(seed)` gives the JSON form, `read` turns it into the dataclasses. A `Shape` says what may occur, so that the
same worlds can be put into tables and hold the SQL close to the oracle (`DIRECT`: only what the SQL knows).
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from billing.ledger import world
from billing.ledger.allocation import model

GIB = 2**30
FIRST_HOUR = datetime(2025, 3, 3, 9, tzinfo=UTC)
TYPES = ("small", "large", "odd", "unpriced")
CLASSES = ("on_demand", "spot")
STORAGE = ("", "fast", "unpriced")
REGIONS = ("", "north")


@dataclass(frozen=True)
class Shape:
    """What may occur in a world, and how much of it."""

    hours: int = 4
    clusters: int = 2
    nodes: int = 3
    pods: int = 12
    # Usage samples, network, mounts, calendar months, several fees per cluster, rules
    beyond_sql: bool = True
    # Pods may outlive their node, and more may be asked of a node than it has
    strained: bool = True
    unpriced: bool = True
    # The window may begin and end inside an hour
    ragged: bool = True
    # Owners may change inside an hour
    moves: bool = True
    time_zone: str = "UTC"
    grain: str = "hour"


ANYTHING = Shape()
DIRECT = Shape(beyond_sql=False, strained=False)


def make(seed: int, shape: Shape = ANYTHING) -> dict[str, Any]:
    """Return a world as JSON members."""
    return _Maker(random.Random(seed), shape).world()


def read(written: dict[str, Any]) -> model.World:
    """Read a world as the command does."""
    return world.parse(json.dumps(written))


def stamp(instant: datetime) -> str:
    """Write an instant as JSON has it."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


class _Maker:
    """Draws one world; every draw comes from the one generator, in a fixed order."""

    def __init__(self, dice: random.Random, shape: Shape) -> None:
        self.dice = dice
        self.shape = shape
        self.start = FIRST_HOUR
        self.end = FIRST_HOUR + timedelta(hours=shape.hours)
        self.clusters = [f"cluster{index}" for index in range(shape.clusters)]
        self.teams = ["blue", "green", "red"]
        self.projects = [f"project{index}" for index in range(4)]

    def world(self) -> dict[str, Any]:
        nodes = [node for cluster in self.clusters for node in self.nodes(cluster)]
        namespaces = [one for cluster in self.clusters for one in self.namespaces(cluster)]
        segments = [one for cluster in self.clusters for one in self.segments(cluster, nodes)]
        written = {
            "time_zone": self.shape.time_zone,
            "grain": self.shape.grain,
            "window": self.window(),
            "clusters": [{"id": cluster} for cluster in self.clusters],
            "namespaces": namespaces,
            "nodes": nodes,
            "segments": segments,
            "volumes": [one for cluster in self.clusters for one in self.volumes(cluster, segments)],
            "load_balancers": [one for cluster in self.clusters for one in self.load_balancers(cluster)],
            "fees": [one for cluster in self.clusters for one in self.fees(cluster)],
            "prices": self.prices(),
            "memberships": [one for namespace in namespaces for one in self.memberships(namespace)],
            "projects": [one for project in self.projects for one in self.owners(project)],
        }
        if self.shape.beyond_sql:
            written["network"] = [one for cluster in self.clusters for one in self.network(cluster)]
            written["rules"] = [self.rule(cluster) for cluster in self.clusters]
        return written

    def window(self) -> dict[str, str]:
        if not self.shape.ragged:
            return {"from": stamp(self.start), "to": stamp(self.end)}
        late = timedelta(seconds=self.dice.randrange(3600))
        early = timedelta(seconds=self.dice.randrange(3600))
        return {"from": stamp(self.start + late), "to": stamp(self.end - early)}

    def moment(self) -> datetime:
        """Draw an instant from a little before the window to a little after it."""
        whole = int((self.end - self.start).total_seconds())
        return self.start + timedelta(seconds=self.dice.randrange(-1800, whole + 1800))

    def span(self, within: tuple[datetime, datetime] | None = None) -> tuple[datetime, datetime]:
        first, second = sorted((self.moment(), self.moment()))
        if within:
            first, second = max(first, within[0]), min(second, within[1])
        return (first, second) if first < second else (within or (self.start, self.end))

    def chain(self, values: Sequence[str]) -> list[tuple[str, str | None, str | None]]:
        """Draw values that follow each other, never the same twice in a row, perhaps with gaps."""
        if not self.shape.moves:
            return [(self.dice.choice(values), None, None)]
        edges = sorted({self.moment() for _ in range(self.dice.randrange(4))})
        bounds = [None, *(stamp(edge) for edge in edges), None]
        links: list[tuple[str, str | None, str | None]] = []
        for first, last in zip(bounds, bounds[1:], strict=False):
            if self.dice.random() < 0.8:
                value = self.dice.choice([one for one in values if not links or one != links[-1][0]])
                links.append((value, first, last))
        return links

    def nodes(self, cluster: str) -> list[dict[str, Any]]:
        types = TYPES if self.shape.unpriced else TYPES[:-1]
        nodes = []
        for index in range(self.shape.nodes):
            capacity = {
                "cpu": self.dice.choice([2, 4, "7.91"]),
                "memory": self.dice.randrange(4, 33) * GIB + self.dice.randrange(1000),
                "gpu": self.dice.choice([0, 0, 1]),
            }
            life = self.span() if self.dice.random() < 0.4 else (self.start - timedelta(days=1), None)
            nodes.append(
                {
                    "cluster": cluster,
                    "uid": f"node{index}",
                    "from": stamp(life[0]),
                    "to": stamp(life[1]) if life[1] else None,
                    "instance_type": self.dice.choice(types),
                    "region": self.dice.choice(REGIONS),
                    "class": self.dice.choice(CLASSES),
                    "provider_id": f"machine-{cluster}-{index}",
                    "capacity": capacity,
                    "allocatable": {"cpu": "1.93", "memory": 3 * GIB} if self.dice.random() < 0.5 else None,
                }
            )
        return [{name: value for name, value in node.items() if value is not None} for node in nodes]

    def namespaces(self, cluster: str) -> list[dict[str, str]]:
        names = ["kube-system", "shop", "shop", "search", "lab"]
        return [{"cluster": cluster, "uid": f"{cluster}-ns{index}", "name": name} for index, name in enumerate(names)]

    def namespace(self, cluster: str) -> str:
        return f"{cluster}-ns{self.dice.randrange(5)}"

    def segments(self, cluster: str, nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
        own = [node for node in nodes if node["cluster"] == cluster]
        found: list[dict[str, Any]] = []
        for index in range(self.shape.pods):
            node = self.dice.choice(own)
            bounds = None if self.shape.strained else _life(node)
            first, last = self.span(bounds)
            pod = {
                "cluster": cluster,
                "uid": f"{cluster}-pod{index}",
                "namespace": self.namespace(cluster),
                "node": node["uid"],
            }
            middle = first + (last - first) // 2
            middle = middle.replace(microsecond=0)
            if self.dice.random() < 0.3 and first < middle:
                spans = [(first, middle), (middle, last)]
            else:
                spans = [(first, last)]
            for start, end in spans:
                found.append(
                    {**pod, "from": stamp(start), "to": stamp(end), "requests": self.request(node), **self.usage()}
                )
        if self.shape.strained and self.shape.unpriced:
            lost = {"cluster": cluster, "uid": f"{cluster}-lost", "namespace": self.namespace(cluster)}
            found.append({**lost, "requests": {"cpu": "0.1", "memory": 1}})
        return found

    def request(self, node: dict[str, Any]) -> dict[str, Any]:
        """Draw a request; where nothing may be strained, all pods together fit on the smallest node."""
        most_cpu = 1500 if self.shape.strained else 1900 // self.shape.pods
        most_memory = 2 * GIB if self.shape.strained else 3 * GIB // self.shape.pods
        gpu = "0.05" if node["capacity"]["gpu"] and self.dice.random() < 0.3 else 0
        cpu, memory = self.dice.randrange(most_cpu), self.dice.randrange(most_memory)
        return {"cpu": f"{cpu / 1000:.3f}", "memory": memory, "gpu": gpu}

    def usage(self) -> dict[str, Any]:
        if not self.shape.beyond_sql or self.dice.random() < 0.4:
            return {}
        cpu, memory = self.dice.randrange(3000), self.dice.randrange(3 * GIB)
        return {"usage": [{"cpu": f"{cpu / 1000:.3f}", "memory": memory}]}

    def volumes(self, cluster: str, segments: list[dict[str, Any]]) -> list[dict[str, Any]]:
        classes = STORAGE if self.shape.unpriced else STORAGE[:-1]
        pods = [one for one in segments if one["cluster"] == cluster]
        found = []
        for index in range(3):
            first, last = self.span()
            volume: dict[str, Any] = {
                "cluster": cluster,
                "uid": f"{cluster}-volume{index}",
                "from": stamp(first),
                "to": stamp(last),
                "capacity": self.dice.randrange(1, 200 * GIB),
                "storage_class": self.dice.choice(classes),
                "claims": [{"namespace": self.namespace(cluster)}] if self.dice.random() < 0.8 else [],
            }
            if self.shape.beyond_sql:
                volume["mounts"] = [
                    {"pod": pod["uid"], "from": pod.get("from"), "to": pod.get("to")}
                    for pod in self.dice.sample(pods, 2)
                ]
            found.append(volume)
        return found

    def load_balancers(self, cluster: str) -> list[dict[str, Any]]:
        first, last = self.span()
        return [
            {
                "cluster": cluster,
                "uid": f"{cluster}-lb",
                "namespace": self.namespace(cluster),
                "from": stamp(first),
                "to": stamp(last),
                "units": self.dice.randrange(1, 4),
            }
        ]

    def fees(self, cluster: str) -> list[dict[str, Any]]:
        fees = [{"cluster": cluster, "amount": "0.1", "unit": self.dice.choice(["hour", "month"])}]
        if self.shape.beyond_sql:
            fees.append({"cluster": cluster, "id": "support", "amount": "100", "unit": "calendar_month"})
        return fees

    def network(self, cluster: str) -> list[dict[str, Any]]:
        return [
            {
                "cluster": cluster,
                "namespace": self.dice.choice([None, self.namespace(cluster)]),
                "class": self.dice.choice(["zone", "internet"]),
                "bytes": self.dice.randrange(10 * GIB),
                "from": stamp(self.start),
                "to": stamp(self.end),
            }
            for _ in range(3)
        ]

    def rule(self, cluster: str) -> dict[str, str]:
        return {
            "cluster": cluster,
            "idle": self.dice.choice(["apart", "weighted"]),
            "idle_scope": self.dice.choice(["cluster", "node"]),
            "sharing": self.dice.choice(["apart", "weighted", "even"]),
            "sharing_scope": self.dice.choice(["cluster", "all"]),
        }

    def price(self) -> str:
        return f"{self.dice.randrange(1, 10**7) / 10**6:.6f}"

    def prices(self) -> list[dict[str, Any]]:
        change = stamp(self.start + timedelta(hours=self.dice.randrange(1, max(2, self.shape.hours))))
        small = {"asset": "node", "instance_type": "small", "unit": "hour"}
        prices: list[dict[str, Any]] = [
            {**small, "price": self.price(), "to": change},
            {**small, "price": self.price(), "from": change},
            {**small, "price": self.price(), "class": "spot"},
            {"asset": "node", "instance_type": "large", "price": self.price(), "unit": "month"},
            {"asset": "node", "provider_id": "machine-cluster0-0", "price": self.price(), "unit": "hour"},
            {"asset": "core", "instance_type": "odd", "price": self.price(), "unit": "hour"},
            {"asset": "memory", "instance_type": "odd", "price": self.price(), "unit": "month"},
            {"asset": "volume", "storage_class": "fast", "price": self.price(), "unit": "month"},
            {"asset": "load_balancer", "price": self.price(), "unit": "hour"},
        ]
        if not self.shape.unpriced:
            prices.append({"asset": "volume", "price": self.price(), "unit": "month"})
        if not self.shape.unpriced or self.dice.random() < 0.5:
            prices.append({"asset": "gpu", "price": self.price(), "unit": "hour"})
        if self.shape.beyond_sql:
            prices.append({"asset": "network", "class": "internet", "price": self.price()})
        return prices

    def memberships(self, namespace: dict[str, str]) -> list[dict[str, Any]]:
        links = self.chain(self.projects) if self.dice.random() < 0.8 else []
        return [
            {
                "cluster": namespace["cluster"],
                "namespace": namespace["uid"],
                "project": project,
                "from": first,
                "to": last,
            }
            for project, first, last in links
        ]

    def owners(self, project: str) -> list[dict[str, Any]]:
        return [
            {"project": project, "team": team, "from": first, "to": last}
            for team, first, last in self.chain(self.teams)
        ]


def _life(node: dict[str, Any]) -> tuple[datetime, datetime]:
    """Return the life of a node, open ends a day away."""
    last = node.get("to")
    return (
        datetime.fromisoformat(node["from"]),
        datetime.fromisoformat(last) if last else FIRST_HOUR + timedelta(days=1),
    )
