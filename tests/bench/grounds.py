"""What benchmarks stand on, made before any clock runs: pages in files, a served cluster, a synced one, a ledger."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from portal.local import valkey
from tests.bench import sinks
from tests.bench.database import Database, Databases
from tests.fakes.simulator import Simulator
from tests.testbed import certificates, directories, ldif

SLUG = "replay"
PAGE = 500
# Groups that one person is in, through each other.
DEEP = 1000


@dataclass
class Ground:
    """`inputs` go to every side as JSON, `environment` on top of this process's own; `by_side` is one side's alone."""

    inputs: dict[str, Any]
    environment: dict[str, str] = field(default_factory=dict)
    simulator: Simulator | None = None
    database: Database | None = None
    by_side: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass
class Soil:
    """What all grounds of a run share. `ask` calls a function of a module in a process of its own."""

    folder: Path
    databases: Databases
    ask: Callable[..., dict[str, float]]


@contextmanager
def served(soil: Soil, size: int) -> Iterator[Ground]:
    """`size` synthetic pods in pages of 500 over TLS, by a process of their own."""
    state = soil.folder / f"served-{size}"
    with Simulator(state, "replay", "--pods", str(size), "--page", str(PAGE)) as simulator:
        kubeconfig = str(simulator.folder(SLUG) / "kubeconfig.yaml")
        yield Ground({"size": size, "kubeconfig": kubeconfig}, {"DATABASE_URL": ""}, simulator)


@contextmanager
def stored(soil: Soil, size: int) -> Iterator[Ground]:
    """The same pages as files."""
    folder = soil.folder / f"pages-{size}"
    folder.mkdir()
    with served(soil, size) as ground:
        inputs = ground.inputs | {"pages": str(folder)}
        soil.ask("tests.bench.fetching", "store", inputs, ground.environment)
    yield Ground(inputs, {"DATABASE_URL": ""})


@contextmanager
def synced(soil: Soil, size: int) -> Iterator[Ground]:
    """The same cluster attached, and read once."""
    with served(soil, size) as ground, soil.databases.copy(f"synced_{size}") as database:
        ground.inputs["wal_reader"] = database.wal_reader
        ground.environment = database.environment
        ground.database = database
        soil.ask("tests.bench.estate", "prepare", ground.inputs, ground.environment)
        database.execute("VACUUM ANALYZE")
        database.restart()
        yield ground


@contextmanager
def metered(soil: Soil, size: int) -> Iterator[Ground]:
    """The same cluster synced, measured, owned and priced."""
    with served(soil, size) as ground, soil.databases.copy(f"metered_{size}") as database:
        ground.environment = database.environment
        ground.database = database
        soil.ask("tests.bench.estate", "prepare", ground.inputs, ground.environment)
        soil.ask("tests.bench.metered", "prepare", ground.inputs, ground.environment)
        database.execute("VACUUM ANALYZE")
        yield ground


@contextmanager
def accounted(soil: Soil, size: int) -> Iterator[Ground]:
    """A ledger of a month: hour rows of `size` namespaces, twenty to a team, and what they add up to."""
    with soil.databases.copy(f"accounted_{size}") as database:
        ground = Ground({"size": size}, database.environment, None, database)
        soil.ask("tests.bench.accounts", "prepare", ground.inputs, ground.environment)
        database.execute("VACUUM ANALYZE")
        yield ground


def made_by(module: str) -> Callable[[Soil, int], AbstractContextManager[Ground]]:
    """Build a ground that is a database filled by `prepare` of a module."""

    @contextmanager
    def filled(soil: Soil, size: int) -> Iterator[Ground]:
        with soil.databases.copy(f"{module}_{size}") as database:
            ground = Ground({"size": size}, database.environment, None, database)
            soil.ask(f"tests.bench.{module}", "prepare", ground.inputs, ground.environment)
            database.execute("VACUUM ANALYZE")
            yield ground

    return filled


@contextmanager
def directory(soil: Soil, size: int) -> Iterator[Ground]:
    """A real OpenLDAP of `size` people, nearly half as many groups and a thousand nested ones; everybody was here.

    Raises `places.Missing`.
    """
    groups = max(size * 2 // 5, 20)
    world = ldif.large(size, groups, deep=min(DEEP, groups))
    authority = certificates.Authority(name="bench", at=datetime.now(UTC))
    with directories.openldap_of(world, authority) as server, soil.databases.copy(f"directory_{size}") as database:
        declared = {"PADDOCK_PROVIDERS": json.dumps([server.provider_json()]), "PADDOCK_BASE_URL": "http://localhost"}
        inputs = {
            "size": size,
            "groups": len(world.groups),
            "nested": min(DEEP, groups),
            "wal_reader": database.wal_reader,
            "passwords": {name: server.password_of(name) for name in ("deep", "wide")},
            "url": server.url,
            "ca_file": str(server.ca_file),
            "service": [server.bind_dn, server.bind_password],
            "bases": [server.people_base, server.groups_base],
        }
        ground = Ground(inputs, {**database.environment, **declared}, None, database)
        soil.ask("tests.bench.refresh", "prepare", ground.inputs, ground.environment)
        database.execute("VACUUM ANALYZE")
        yield ground


@contextmanager
def sending(soil: Soil, size: int) -> Iterator[Ground]:
    """The fleet with a broker, and targets for mail, webhook and stream: for Paddock's side such as never answer."""
    with (
        made_by("fleet")(soil, size) as ground,
        valkey.Valkey(soil.folder / "valkey") as broker,
        sinks.Frozen() as frozen,
        sinks.Healthy() as healthy,
    ):
        ground.environment = {**ground.environment, "REDIS_URL": broker.url, **sinks.SETTINGS}
        ground.by_side = {"paddock": frozen.environment, "reference": healthy.environment}
        yield ground


def advance(ground: Ground, side: str) -> None:
    """One pod in a hundred changes, for Paddock's side alone."""
    if side == "paddock" and ground.simulator is not None:
        ground.simulator.advance(0.01)


def settle(ground: Ground, side: str) -> None:
    """Hint bits are set and everything is on disk: what is written after this was written by the side."""
    if ground.database is not None:
        ground.database.execute("VACUUM")
        ground.database.restart()


def ungrouped(ground: Ground, side: str) -> None:
    """Nobody's groups are known, and no group either."""
    if ground.database is not None and side == "paddock":
        ground.database.execute("TRUNCATE outside_group CASCADE", "VACUUM ANALYZE")


def empty(ground: Ground, side: str) -> None:
    """No pod is known, and nothing is in the server's memory."""
    if ground.database is not None:
        ground.database.execute("TRUNCATE pod, object_body, charged_fact")
        ground.database.restart()


GROUNDS: dict[str, Callable[[Soil, int], AbstractContextManager[Ground]]] = {
    "stored": stored,
    "served": served,
    "synced": synced,
    "metered": metered,
    "accounted": accounted,
    "permission": made_by("permission"),
    "fleet": made_by("fleet"),
    "sending": sending,
    "directory": directory,
    "seal": made_by("seal"),
}
ON_A_DATABASE = frozenset(GROUNDS) - {"stored", "served"}
