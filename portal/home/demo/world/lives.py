"""Machines and pods with the spans of time they were there."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from portal.home.demo.catalogue.shapes import App, Pool, Site, Space

State = Literal[
    "running", "starting", "crash", "image", "pending", "restarts", "lost", "succeeded", "failed", "terminating"
]


class WorldError(Exception):
    """The catalogue asks for more than its machines can hold."""


@dataclass(frozen=True)
class Machine:
    """A node from `born` to `gone` (None: it is there). `number` counts within its pool."""

    name: str
    uid: str
    pool: Pool
    number: int
    zone: str
    provider_id: str
    address: str
    born: datetime
    gone: datetime | None = None
    down: bool = False

    @property
    def cpu(self) -> int:
        """Allocatable millicores."""
        return self.pool.cores * 1000 - 60 - 10 * self.pool.cores

    @property
    def memory(self) -> int:
        """Allocatable MiB."""
        return self.pool.memory * 1024 - 256 - self.pool.memory * 16


@dataclass(frozen=True)
class Owner:
    """Who controls a pod directly: a ReplicaSet, a Job, a StatefulSet, a DaemonSet or the machine."""

    kind: str
    name: str
    uid: str


@dataclass
class Run:
    """A pod. `started` is when its first container ran (None: never), `ended` when its last one stopped.

    `gone`: the object is no longer there, so that only a segment of the past tells of it. `version` counts releases.
    """

    space: Space
    app: App
    name: str
    uid: str
    owner: Owner
    born: datetime
    started: datetime | None
    ended: datetime | None = None
    gone: bool = False
    state: State = "running"
    replica: int = 0
    version: int = 0
    template: str = ""
    machine: Machine | None = None

    @property
    def begins(self) -> datetime:
        """Return when it takes up room."""
        return self.started or self.born


@dataclass(frozen=True)
class Generation:
    """The pods of one version of a Deployment."""

    template: str
    uid: str
    born: datetime
    version: int


@dataclass
class Lived:
    """One application with everything it ever ran in the window. `turns` are the Jobs of a CronJob, oldest first."""

    space: Space
    app: App
    uid: str
    born: datetime
    runs: list[Run] = field(default_factory=list)
    generations: list[Generation] = field(default_factory=list)
    turns: list[Owner] = field(default_factory=list)

    def present(self) -> list[Run]:
        """Return the pods that are there now."""
        return [run for run in self.runs if not run.gone]


@dataclass
class SiteLife:
    """A cluster with its past."""

    site: Site
    at: datetime
    machines: list[Machine]
    apps: list[Lived]
    spaces: dict[str, str] = field(default_factory=dict)

    def born(self, space: Space) -> datetime:
        """Return when a namespace was made: before everything in it."""
        from_apps = [lived.born for lived in self.apps if lived.space is space]
        return min(from_apps, default=self.at)
