"""The shapes of the catalogue. CPU in millicores, memory in MiB, storage in GiB, ages in days before now."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job", "Node"]
# What is wrong with an application now; "rollout" is a change of version that is under way.
Trouble = Literal["", "crash", "image", "pending", "rollout", "restarts", "failed", "active"]

LONG_AGO = 70


@dataclass(frozen=True)
class Pool:
    """Machines of one kind. The last ones of `count` joined that many days ago each (`joined`), the others long ago.

    `weekly` more come on Monday morning and go on Friday evening; those of this week are still there. `only` keeps
    everything but applications that name the pool (and DaemonSets) away. `down` machines have stopped reporting.
    `retired`: machines that were there once, as (born, gone) in days before now.
    """

    name: str
    instance_type: str
    cores: int
    memory: int
    count: int
    capacity_class: str = ""
    gpus: int = 0
    weekly: int = 0
    joined: tuple[int, ...] = ()
    retired: tuple[tuple[int, int], ...] = ()
    only: bool = False
    control_plane: bool = False
    down: int = 0
    architecture: str = "amd64"


@dataclass(frozen=True)
class App:
    """One workload. `replicas` are those of now: a DaemonSet has one per machine, a CronJob one at a time.

    `weekend` replicas stay over the weekend (-1: all). `joined`: the last ones came that many days ago each, as the
    team grew. `releases` is how often the version changed in the last five weeks. `storage` of a StatefulSet is per
    replica; `expanded` is (days ago, size before). A CronJob runs each `every` hours for `minutes`.
    """

    name: str
    replicas: int = 1
    cpu: int = 100
    memory: int = 256
    kind: Kind = "Deployment"
    image: str = ""
    pools: tuple[str, ...] = ()
    releases: int = 0
    weekend: int = -1
    joined: tuple[int, ...] = ()
    gpu: int = 0
    storage: int = 0
    storage_class: str = ""
    expanded: tuple[int, int] = (0, 0)
    every: int = 24
    minutes: int = 8
    age: int = LONG_AGO
    trouble: Trouble = ""
    part_of: str = ""


@dataclass(frozen=True)
class Disk:
    """A volume beside the StatefulSets: a claim that waits, a volume that nobody claims, one that is long gone.

    `gone` is the day it was deleted (0: it is there). `state` is that of the volume, "Pending" of the claim.
    """

    name: str
    size: int
    state: Literal["Bound", "Available", "Released", "Pending", "Deleted"]
    storage_class: str
    age: int = LONG_AGO
    gone: int = 0


@dataclass(frozen=True)
class Space:
    """A namespace. `project` is the slug of the one that holds it; "" leaves it shared or without an owner.

    `moved` is (project that held it before, days ago). `rancher` is Rancher's own project, `quota` is (cores, GiB,
    pods). `balancers` are Services of type LoadBalancer.
    """

    name: str
    apps: tuple[App, ...] = ()
    project: str = ""
    moved: tuple[str, int] = ("", 0)
    shared: bool = False
    labels: tuple[tuple[str, str], ...] = ()
    rancher: str = ""
    quota: tuple[int, int, int] | None = None
    balancers: tuple[str, ...] = ()
    disks: tuple[Disk, ...] = ()
    age: int = LONG_AGO
    terminating: bool = False


@dataclass(frozen=True)
class Site:
    """A cluster. `provider` begins the provider ids, `host` the names of machines; `pod_limit` is per machine."""

    slug: str
    name: str
    distribution: str
    version: str
    region: str
    zones: tuple[str, ...]
    provider: str
    host: str
    pod_limit: int
    driver: str
    pools: tuple[Pool, ...]
    spaces: tuple[Space, ...]
    groups: tuple[str, ...] = ()
    rancher: bool = False
