"""Where the test bed keeps what it builds and what it runs, and what is said when a part is missing."""

import hashlib
import os
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODULES = HERE / "modules"
BUILD_COMMAND = "python -m tests.testbed build"


class Missing(Exception):
    """A part of the test bed is not there and cannot be had. The text ends with the remedy, in one line."""


def cache() -> Path:
    """Holds the built parts, the Go toolchain where the system has none, run folders and port leases."""
    chosen = os.environ.get("PADDOCK_TESTBED_CACHE")
    return Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "paddock" / "testbed"


def programs(family: str) -> Path:
    """The folder of a family's built programs; other versions in its Go module mean another folder."""
    digest = hashlib.sha256()
    for file in sorted((MODULES / family).glob("go.*")):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return cache() / f"{family}-{digest.hexdigest()[:16]}"


def given() -> Path | None:
    """The folder named by KUBEBUILDER_ASSETS: ready programs in it win over building."""
    named = os.environ.get("KUBEBUILDER_ASSETS")
    return Path(named).expanduser() if named else None
