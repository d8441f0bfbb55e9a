"""The demo's place in the data folder: the world file, and the state of the simulator."""

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings

from portal.home.demo import world


def folder() -> Path:
    """Return the demo's folder; it need not exist."""
    return Path(settings.DATA_DIR) / "demo"


def world_file() -> Path:
    """Return what the simulator is started with once it is there."""
    return folder() / "world.json"


def state() -> Path:
    """Return where the simulator keeps keys, kubeconfigs and its control.json."""
    return folder() / "state"


def read() -> dict[str, Any] | None:
    """Return the world that was written; None where there is none that can be read."""
    try:
        document = json.loads(world_file().read_bytes())
    except (OSError, ValueError):
        return None
    whole = isinstance(document, dict) and {"edition", "at", "clusters", "past"} <= document.keys()
    return document if whole else None


def write(document: dict[str, Any]) -> None:
    """Write the world file whole or not at all."""
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = world_file().with_suffix(".new")
    with fresh.open("wb") as file:
        file.write(world.encode(document))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(world_file())


def forget(slugs: Iterable[str]) -> None:
    """Remove the world file, and the keys of clusters that no simulator serves any more."""
    world_file().unlink(missing_ok=True)
    for slug in slugs:
        shutil.rmtree(state() / "clusters" / slug, ignore_errors=True)
