"""Each permission line matters: without it the matrix turns red.

Some of them here, other ones each time; `make nightly` takes all of them and writes docs/nightly.md.
"""

import os
import random
import time

import pytest

from tests.architecture import mutants, probes
from tests.architecture.matrix import Sweep
from tests.architecture.nightly_run import Run

pytestmark = pytest.mark.django_db
SAMPLE = 12


def test_the_probes_are_quiet(sweep: Sweep) -> None:
    assert [name for name, probe in probes.PROBES.items() if probe(sweep)] == []


def test_without_a_permission_line_something_is_red(sweep: Sweep, pytestconfig: pytest.Config) -> None:
    run = next((one for one in pytestconfig.pluginmanager.get_plugins() if isinstance(one, Run)), None)
    seed = int(os.environ.get("SEED") or 1)
    print(f"SEED={seed}")
    every, started = mutants.every(sweep), time.monotonic()
    assert len(every) > 350
    chosen = every if run else random.Random(seed).sample(every, SAMPLE)
    survived = []
    for number, one in enumerate(chosen, 1):
        if mutants.alive(sweep, one):
            survived.append(one.name)
        if run:
            run.tell(number, len(chosen), one.name, one.name in survived)
    if run:
        run.count, run.seconds, run.survived = len(chosen), time.monotonic() - started, survived
        run.said_twice = dict(mutants.SAID_TWICE)
    assert survived == []
