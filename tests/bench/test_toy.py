"""Each benchmark runs once at toy size, so that none rots. No figure is judged here."""

import dataclasses
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import psycopg2
import pytest

from portal.local import folders, postgres
from tests.bench import contest, database, goals, measuring
from tests.testbed import build, places, slapd

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("bench")]

SIZE = measuring.TOY
# What a benchmark, or all on a ground, cannot be without.
NEEDED: dict[str, Callable[[], Any]] = {
    "kubectl": lambda: build.locate("kubectl"),
    "directory": lambda: slapd.program("slapd"),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """All benchmarks by one run, as by hand."""
    folder = tmp_path_factory.mktemp("results")
    chosen = {"ONLY": "", "SIZE": str(SIZE), "REPS": "1", "RESULTS": str(folder)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench"],
        cwd=contest.ROOT,
        env={**os.environ, **chosen},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {name: json.loads((folder / f"{name}-{SIZE}.json").read_text()) for name in goals.BY_NAME}


@pytest.mark.parametrize("name", goals.BY_NAME)
def test_it_measures_both_sides(results: dict[str, dict[str, Any]], name: str) -> None:
    found, bench = results[name], goals.BY_NAME[name]
    try:
        NEEDED.get(bench.ground if bench.ground in NEEDED else name, lambda: None)()
    except places.Missing as missing:
        assert found["skipped"] == str(missing)
        return
    assert len(found["ratios"]) == 1
    if bench.reference:
        assert found["ratios"][0] > 0
        assert math.isfinite(found["ratios"][0])
        assert found["reference"][0]["cost"] > 0


def test_a_bound_is_a_goal_beside_the_ratio() -> None:
    bench = dataclasses.replace(goals.BY_NAME["signin"], target=2.0, bounds={"cost": 1.0, "rows": 0.0})

    def hit(cost: float, rows: float, reference: float) -> bool:
        sample = {"cost": cost, "rows": rows}
        return contest.Result(bench, SIZE, [sample], [{"cost": reference}]).hit

    assert hit(1.0, 0.0, 0.5)
    assert not hit(1.0, 0.0, 0.4)
    assert not hit(1.1, 0.0, 1.0)
    assert not hit(1.0, 1.0, 0.5)


def test_an_unknown_name_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench"],
        cwd=contest.ROOT,
        env={**os.environ, "ONLY": "decode,speed"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "speed" in done.stderr


def test_the_log_of_a_table_is_told_from_that_of_others() -> None:
    """What `unchanged` finds to be nothing would be found."""
    with folders.temporary() as folder, postgres.Postgres(folder / "postgres", durable=False) as server:
        own = database.Database(server, postgres.DATABASE)
        connection = psycopg2.connect(own.url)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:

                def ask(statement: str) -> Any:
                    cursor.execute(statement)
                    row: Any = cursor.fetchone()
                    return row[0]

                cursor.execute("CREATE TABLE written (id bigint PRIMARY KEY); CREATE TABLE quiet (id bigint)")
                start = ask("SELECT pg_current_wal_flush_lsn()::text")
                cursor.execute("SET synchronous_commit = on; INSERT INTO written SELECT generate_series(1, 100)")
                end = ask("SELECT pg_current_wal_flush_lsn()::text")
                files = {name: ask(f"SELECT pg_relation_filenode('{name}')") for name in ("written", "quiet")}
        finally:
            connection.close()
        about_written, everything = database.wal_of(own.wal_reader, start, end, {files["written"]})
        about_quiet, _everything = database.wal_of(own.wal_reader, start, end, {files["quiet"]})
    assert 0 < about_written <= everything
    assert about_quiet == 0
