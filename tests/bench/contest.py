"""A benchmark, its two sides, and the pairs they run in."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.grounds import Ground

ROOT = Path(__file__).resolve().parents[2]
# A side that takes longer than this hangs.
SIDE_SECONDS = 1800.0
PADDOCK, REFERENCE = "paddock", "reference"

Sample = dict[str, float]


def nothing(ground: Ground, side: str) -> None:
    """Most benchmarks leave the ground as it is."""


@dataclass(frozen=True)
class Bench:
    """`target` is the ratio that the median must hold (None: there is no such goal); without `reference` the figure.

    `bounds` are goals beside it: the most that the median of a figure of Paddock's sample may be, by its name. A side
    returns a sample: `cost` in `unit` for the whole size, and other figures by name. `sizes` are counted in `things`.
    `before` puts the ground right before each side. `scale` turns a cost per thing into `unit_shown`. Benchmarks of
    one family share a module: `permission-read` is what `permission` does for `read`.
    """

    name: str
    target: float | None
    sizes: tuple[int, ...]
    things: str
    ground: str
    paddock: str
    reference: str
    unit_shown: str
    scale: float
    whole: bool = False
    before: Callable[[Ground, str], None] = nothing
    note: str = ""
    bounds: Mapping[str, float] = field(default_factory=dict)

    @property
    def family(self) -> str:
        """What comes before the dash of the name."""
        return self.name.partition("-")[0]

    @property
    def part(self) -> str:
        """What comes behind it: handed to both sides."""
        return self.name.partition("-")[2]

    @property
    def module(self) -> str:
        """Where its sides are; imported by the children alone."""
        return f"tests.bench.{self.family}"

    def shown(self, cost: float, size: int) -> float:
        """The cost as printed: per thing, or of the whole."""
        return cost * self.scale / (1 if self.whole else size)


@dataclass
class Result:
    """What the pairs of one benchmark at one size gave."""

    bench: Bench
    size: int
    paddock: list[Sample] = field(default_factory=list)
    reference: list[Sample] = field(default_factory=list)
    skipped: str = ""
    failed: str = ""

    @property
    def ratios(self) -> list[float]:
        """One per pair; without a reference the figure itself."""
        if not self.bench.reference:
            return [sample["cost"] for sample in self.paddock]
        pairs = zip(self.paddock, self.reference, strict=True)
        return [ours["cost"] / theirs["cost"] for ours, theirs in pairs]

    @property
    def median(self) -> float:
        return statistics.median(self.ratios)

    @property
    def hit(self) -> bool:
        """Every goal is held by its median."""
        within = self.bench.target is None or self.median <= self.bench.target
        return within and all(self.figure(name) <= most for name, most in self.bench.bounds.items())

    def figure(self, name: str) -> float:
        """The median of a figure of Paddock's side."""
        return statistics.median(sample[name] for sample in self.paddock)


class SideFailed(Exception):
    """A side ended with an error, or measured something else than it should have."""


def run(bench: Bench, size: int, ground: Ground, pairs: int) -> Result:
    """Alternate the two sides; raises `SideFailed`."""
    result = Result(bench, size)
    for _pair in range(pairs):
        result.paddock.append(_one(bench, ground, PADDOCK))
        if bench.reference:
            result.reference.append(_one(bench, ground, REFERENCE))
    return result


def _one(bench: Bench, ground: Ground, side: str) -> Sample:
    bench.before(ground, side)
    environment = ground.environment | ground.by_side.get(side, {})
    return ask(bench.module, side, ground.inputs | {"part": bench.part}, environment)


def ask(module: str, function: str, inputs: Mapping[str, Any], environment: Mapping[str, str]) -> Sample:
    """Call a function of a module in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.child", module, function],
        cwd=ROOT,
        env={**os.environ, **environment},
        input=json.dumps(inputs),
        stdout=subprocess.PIPE,
        text=True,
        timeout=SIDE_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise SideFailed(f"{module}.{function} ended with {done.returncode}")
    sample: Sample = json.loads(done.stdout.splitlines()[-1])
    return sample
