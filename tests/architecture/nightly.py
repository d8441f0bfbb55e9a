"""`make nightly`: take every permission line away in turn, and write docs/nightly.md."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.architecture.nightly_run import Run

PAGE = Path(__file__).resolve().parents[2] / "docs" / "nightly.md"


def page(run: Run, at: datetime) -> str:
    """The page."""
    survived = [f"- {name}" for name in run.survived] or ["None."]
    twice = [f"- {name}: {why}" for name, why in sorted(run.said_twice.items())]
    return "\n".join(
        [
            "# The last night",
            "",
            "`make nightly` takes each line that gives or checks a permission away in turn (a permission of a role,",
            "the declaration of an address, one branch of what somebody sees, one check of a right on a thing, one",
            "condition of the gate), and asks the access matrix again. A line without which nothing turns red",
            "survives.",
            "",
            f"- Run: {at:%Y-%m-%d %H:%M} UTC, {run.seconds / 60:.0f} minutes",
            f"- Lines taken away: {run.count}",
            f"- Noticed: {run.count - len(run.survived)}",
            f"- Survived: {len(run.survived)}",
            "",
            "## Survived",
            "",
            *survived,
            "",
            "## Left out, since another line says the same",
            "",
            *twice,
            "",
        ]
    )


def main() -> int:
    """Run, and write the page whether something survived or not."""
    run = Run()
    test = str(Path(__file__).with_name("test_mutation.py"))
    code = pytest.main(["-p", "no:cacheprovider", "-q", "-s", "--tb=short", test], plugins=[run])
    if run.count:
        PAGE.write_text(page(run, datetime.now(UTC)))
    print(f"{run.count} lines taken away, {len(run.survived)} survived")
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
