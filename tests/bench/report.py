"""What a run says: lines for a person, JSON for a comparison."""

import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
from pathlib import Path
from typing import Any

from portal.local import binaries
from tests.bench.contest import Result, Sample

PACKAGES = ("Django", "psycopg2-binary", "msgspec", "orjson", "zstandard", "kubernetes")


def versions() -> dict[str, str]:
    """Of everything a figure depends on."""
    server = subprocess.run(
        [str(binaries.postgres() / "postgres"), "--version"], capture_output=True, text=True, check=True
    )
    found = {"python": platform.python_version(), "postgres": server.stdout.split()[-1]}
    found |= {name: importlib.metadata.version(name) for name in PACKAGES}
    return found | {"system": platform.release(), "machine": platform.machine(), "cores": str(os.cpu_count())}


def lines(result: Result) -> list[str]:
    """Ratios, both figures, and whether the goal is met."""
    bench, size = result.bench, result.size
    head = f"{bench.name}, {size:,} {bench.things}"
    if result.skipped or result.failed:
        return [f"{head}: skipped, {result.skipped}" if result.skipped else f"{head}: FAILED, {result.failed}"]
    ratios = sorted(result.ratios)
    spread = " / ".join(_figure(value) for value in (ratios[0], statistics.median(ratios), ratios[-1]))
    said = [
        f"{head}: {spread} (min / median / max of {len(ratios)}), {_goals(result)}",
        f"    paddock    {_absolute(result, result.paddock)}: {bench.paddock}",
    ]
    if bench.reference:
        said.append(f"    reference  {_absolute(result, result.reference)}: {bench.reference}")
    if bench.note:
        said.append(f"    {bench.note}")
    return said


def keep(result: Result, folder: Path, machine: dict[str, str]) -> Path:
    """Write a result as JSON; the last run of a benchmark at a size replaces the one before."""
    folder.mkdir(parents=True, exist_ok=True)
    document: dict[str, Any] = {
        "bench": result.bench.name,
        "size": result.size,
        "things": result.bench.things,
        "target": result.bench.target,
        "bounds": dict(result.bench.bounds),
        "versions": machine,
    }
    if result.skipped or result.failed:
        document |= {"skipped": result.skipped, "failed": result.failed}
    else:
        document |= {"hit": result.hit, "median": result.median, "ratios": result.ratios}
        document |= {"paddock": result.paddock, "reference": result.reference}
    path = folder / f"{result.bench.name}-{result.size}.json"
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return path


def _goals(result: Result) -> str:
    bench = result.bench
    goals = [] if bench.target is None else [f"target ≤ {bench.target:g}"]
    goals += [f"{name} ≤ {most:g}" for name, most in bench.bounds.items()]
    return f"{', '.join(goals)}: {'hit' if result.hit else 'MISS'}" if goals else "no goal"


def _absolute(result: Result, samples: list[Sample]) -> str:
    median = {name: statistics.median([sample[name] for sample in samples]) for name in samples[0]}
    bench = result.bench
    shown = f"{_figure(bench.shown(median.pop('cost'), result.size))} {bench.unit_shown}"
    more = ", ".join(f"{name} {_figure(value)}" for name, value in median.items())
    return f"{shown} ({more})" if more else shown


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == 0 else f"{value:.3g}"
