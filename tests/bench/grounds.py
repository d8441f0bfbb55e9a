"""What benchmarks stand on, made before any clock runs: pages in files, a served cluster, a synced one, a ledger."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.database import Database, Databases
from tests.fakes.simulator import Simulator

SLUG = "replay"
PAGE = 500


@dataclass
class Ground:
    """`inputs` go to every side as JSON, `environment` on top of this process's own."""

    inputs: dict[str, Any]
    environment: dict[str, str] = field(default_factory=dict)
    simulator: Simulator | None = None
    database: Database | None = None


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


def advance(ground: Ground, side: str) -> None:
    """One pod in a hundred changes, for Paddock's side alone."""
    if side == "paddock" and ground.simulator is not None:
        ground.simulator.advance(0.01)


def settle(ground: Ground, side: str) -> None:
    """Hint bits are set and everything is on disk: what is written after this was written by the side."""
    if ground.database is not None:
        ground.database.execute("VACUUM")
        ground.database.restart()


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
}
ON_A_DATABASE = frozenset({"synced", "metered", "accounted"})
