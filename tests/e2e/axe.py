"""axe-core over a page: what a person who cannot see, point or tell colours apart would stumble over."""

import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from portal.core import data_folder

SOURCE = data_folder.CHECKOUT / "node_modules" / "axe-core" / "axe.min.js"
REMEDY = f"no axe-core at {SOURCE}: npm ci"
COLOURS = ("color-contrast", "link-in-text-block")
JUDGED = {"serious", "critical"}


@cache
def _source(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def demand() -> None:
    """Skip by name where axe is not installed; with CI=true that is a failure."""
    if not SOURCE.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(REMEDY, pytrace=False)
        pytest.skip(REMEDY)


def findings(page: Page, *, rules: tuple[str, ...] = ()) -> list[str]:
    """Return every serious or critical finding; with `rules` only theirs. There is no list of exceptions."""
    page.evaluate(_source(SOURCE))
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = {"type": "rule", "values": list(rules)}
    found = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{one['impact']}: {one['id']}: {node['html'][:160]} {' '.join(node['failureSummary'].split())[:240]}"
        for one in found["violations"]
        if one["impact"] in JUDGED
        for node in one["nodes"][:3]
    ]
