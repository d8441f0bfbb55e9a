"""`manage.py allocate`: what it prints, how it ends, and that it needs neither database nor keys."""

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import jsonschema
import pytest

from billing.ledger import world
from tests.billing.ledger import vectors

ROOT = Path(__file__).resolve().parents[3]


def allocate(tmp_path: Path, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command as a person does, with nothing in its environment: no key, no database, an empty folder."""
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "allocate", *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PADDOCK_DATA_DIR": str(tmp_path)},
        check=False,
    )


def test_a_file_gives_every_allocation(tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    file.write_text(json.dumps(vectors.worked_example("hour")), encoding="utf-8")
    done = allocate(tmp_path, str(file))
    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert answer["totals"] == {
        "assets": "7.739506848000",
        "allocations": "7.739506848000",
        "pod_seconds_off_node": 0,
        "unpriced_rows": 0,
    }
    assert sum(Decimal(row["amount"]) for row in answer["allocations"]) == Decimal("7.739506848")
    alpha = [row for row in answer["allocations"] if row["team"] == "alpha"]
    assert f"{sum(Decimal(row['amount']) for row in alpha):.6f}" == "5.505009"
    assert all(isinstance(count, str) for row in alpha for count in row["quantities"].values())


def test_standard_input_gives_the_same_and_unpriced_is_null(tmp_path: Path) -> None:
    written = vectors.worked_example("day")
    written["prices"] = [price for price in written["prices"] if price["asset"] != "volume"]
    done = allocate(tmp_path, text=json.dumps(written))
    assert done.returncode == 0
    answer = json.loads(done.stdout)
    unpriced = [row for row in answer["allocations"] if row["amount"] is None]
    assert len(unpriced) == answer["totals"]["unpriced_rows"] == 24
    assert {row["price_key"]["asset"] for row in unpriced} == {"volume"}
    assert all(int(row["quantities"]["storage_byte_seconds"]) > 0 for row in unpriced)


def test_the_schema_is_printed_and_describes_the_example(tmp_path: Path) -> None:
    done = allocate(tmp_path, "--schema")
    assert (done.returncode, done.stderr) == (0, "")
    schema = json.loads(done.stdout)
    assert schema == world.schema()
    jsonschema.Draft202012Validator(schema).validate(json.loads(json.dumps(vectors.worked_example("hour"))))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"clusters": [{"id": "c1"}]}', "window: missing"),
        ("{", "world: not JSON: line 1"),
    ],
)
def test_a_bad_world_ends_with_2_and_the_path(tmp_path: Path, text: str, message: str) -> None:
    done = allocate(tmp_path, text=text)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_or_binary_file_ends_with_2(tmp_path: Path) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")
    for name in (tmp_path / "none.json", binary, tmp_path):
        done = allocate(tmp_path, str(name))
        assert (done.returncode, done.stdout) == (2, "")
        assert str(name) in done.stderr
        assert "Traceback" not in done.stderr


def test_the_example_of_the_docs_page_gives_what_the_page_says(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "how-to" / "check-an-amount.md").read_text(encoding="utf-8")
    example = page.split("```json\n")[1].split("```")[0]
    done = allocate(tmp_path, text=example)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    (shop,) = [row for row in answer["allocations"] if row["kind"] == "workload"]
    assert shop["amounts"]["cpu"] in page
    assert shop["amounts"]["memory"] in page
    assert shop["amount"] in page
    assert answer["totals"]["assets"] in page
