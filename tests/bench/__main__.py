"""`python -m tests.bench`: all benchmarks, or ONLY=decode,relist with SIZE=100000 and REPS=5 from the environment.

A target that is missed is said and does not end the run; a side that fails does. Exit code 1 says that one failed.
"""

import itertools
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from portal.local import folders, postgres
from tests.bench import contest, grounds, report
from tests.bench.contest import Bench, Result
from tests.bench.database import Databases
from tests.bench.goals import BENCHES, BY_NAME
from tests.testbed import build, places

RESULTS = Path(__file__).resolve().parent / "results"
PAIRS = 5

Run = tuple[Bench, int]


class Wrong(Exception):
    """What was asked for cannot be done; the text says why."""


def chosen(only: str) -> list[Bench]:
    """The benchmarks named, or of the families named, in their own order; all where none is named."""
    names = {name.strip() for name in only.split(",") if name.strip()}
    if unknown := names - BY_NAME.keys() - {bench.family for bench in BENCHES}:
        raise Wrong(f"ONLY names {', '.join(sorted(unknown))}; there are {', '.join(BY_NAME)}")
    return [bench for bench in BENCHES if not names or {bench.name, bench.family} & names]


def number(name: str, default: int) -> int:
    """A whole number above zero from the environment."""
    text = os.environ.get(name, "")
    if text and not (text.isascii() and text.isdigit() and int(text)):
        raise Wrong(f"{name} has to be a whole number above zero, not {text}")
    return int(text or default)


def main() -> int:
    try:
        benches, size, pairs = chosen(os.environ.get("ONLY", "")), number("SIZE", 0), number("REPS", PAIRS)
    except Wrong as error:
        print(error, file=sys.stderr)
        return 2
    kept = Path(os.environ.get("RESULTS") or RESULTS)
    machine = report.versions()
    print(", ".join(f"{name} {version}" for name, version in machine.items()), flush=True)
    failed = False
    for result in results(in_order(benches, size), pairs):
        print("\n".join(report.lines(result)), flush=True)
        report.keep(result, kept, machine)
        failed |= bool(result.failed)
    return int(failed)


def in_order(benches: list[Bench], size: int) -> list[Run]:
    """Benchmarks on the same ground follow each other, so that it is made once; one size replaces all."""
    runs = [(bench, each) for bench in benches for each in ((size,) if size else bench.sizes)]
    return sorted(runs, key=lambda run: (list(grounds.GROUNDS).index(run[0].ground), run[1]))


def results(runs: list[Run], pairs: int) -> Iterator[Result]:
    """Run them, each ground standing as long as it is needed."""
    with folders.temporary() as folder, ExitStack() as servers:
        server = postgres.Postgres(folder / "postgres")
        if any(bench.ground in grounds.ON_A_DATABASE for bench, _size in runs):
            servers.enter_context(server)
        soil = grounds.Soil(folder, Databases(server), contest.ask)
        for (ground_name, size), same in itertools.groupby(runs, key=lambda run: (run[0].ground, run[1])):
            benches = [bench for bench, _size in same]
            try:
                with grounds.GROUNDS[ground_name](soil, size) as ground:
                    for bench in benches:
                        yield one(bench, size, ground, pairs)
            except places.Missing as error:
                yield from (Result(bench, size, skipped=str(error)) for bench in benches)
            except contest.SideFailed as error:
                # Only from making the ground: a side's own is in its result.
                yield from (Result(bench, size, failed=str(error)) for bench in benches)


def one(bench: Bench, size: int, ground: grounds.Ground, pairs: int) -> Result:
    """Run one benchmark; a reference that is not there is no failure."""
    try:
        if bench.name == "kubectl":
            build.locate("kubectl")
        return contest.run(bench, size, ground, pairs)
    except places.Missing as error:
        return Result(bench, size, skipped=str(error))
    except contest.SideFailed as error:
        return Result(bench, size, failed=str(error))


if __name__ == "__main__":
    sys.exit(main())
