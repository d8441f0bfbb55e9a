"""The virtual environment ``.venv`` and the hashed lock files that fill it.

A stamp in ``.venv`` holds the hash of the lock file it was filled from, so that a second start asks nobody.
"""

import hashlib
import importlib.util
import os
import platform
import sys
from pathlib import Path

from portal.core import data_folder
from portal.local import errors, locks, steps

RUNTIME = "requirements.txt"
DEVELOPMENT = "requirements-dev.txt"
ASSETS = "requirements-assets.txt"
_VENV = data_folder.CHECKOUT / ".venv"
PIP_INSTALL = (
    *("-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"),
    *("--require-hashes", "--only-binary", ":all:", "-r"),
)
_MACHINES = ("x86_64", "aarch64")


def environment() -> Path:
    """The folder of the virtual environment."""
    return _VENV


def python() -> Path:
    """The interpreter of the virtual environment."""
    return _VENV / "bin" / "python"


def site_packages() -> Path:
    return _VENV / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"


def install(lock_name: str, *, log_dir: Path) -> bool:
    """Make the environment when needed and install a lock file. False when it was there already."""
    if installed(lock_name):
        return False
    # The lock is the checkout's: two data folders may share one .venv.
    with locks.held(data_folder.CHECKOUT, wait=True):
        if installed(lock_name):
            return False
        require_platform()
        _make(log_dir)
        steps.run(
            [python(), *PIP_INSTALL, lock_name],
            cwd=data_folder.CHECKOUT,
            log=log_dir / "packages.log",
            remedy="Packages come from the package index pip is configured for; is it reachable?",
        )
        _stamp(lock_name).write_text(_digest(lock_name), encoding="ascii")
        return True


def installed(lock_name: str) -> bool:
    """True when the environment works and was filled from the lock as it is now.

    The development lock holds the runtime lock, so it stands for both.
    """
    if not python().exists():
        return False
    if lock_name == RUNTIME and installed(DEVELOPMENT):
        return True
    stamp = _stamp(lock_name)
    return stamp.exists() and stamp.read_text(encoding="ascii") == _digest(lock_name)


def _stamp(lock_name: str) -> Path:
    return _VENV / f"installed-{Path(lock_name).stem}"


def _digest(lock_name: str) -> str:
    """Of the lock and of the interpreter: another Python needs other wheels."""
    content = (data_folder.CHECKOUT / lock_name).read_bytes()
    return f"{platform.python_version()} {hashlib.sha256(content).hexdigest()}"


def _make(log_dir: Path) -> None:
    if steps.succeeds([python(), "-m", "pip", "--version"]):
        return
    clear = ["--clear"] if _VENV.exists() else []
    steps.run(
        [sys.executable, "-m", "venv", *clear, _VENV],
        cwd=data_folder.CHECKOUT,
        log=log_dir / "venv.log",
        remedy="On Debian and Ubuntu: apt install python3-venv",
    )


def require_platform() -> None:
    """One line and an early end, in place of a page of pip's."""
    if sys.platform != "linux" or platform.machine() not in _MACHINES:
        raise errors.LocalError(
            f"Paddock runs on Linux, {' or '.join(_MACHINES)}; this is {sys.platform}, {platform.machine()}."
        )
    if "CS_GNU_LIBC_VERSION" not in os.confstr_names or not _glibc():
        raise errors.LocalError("The packages need glibc; on Alpine and other musl systems use a Debian-based image.")
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise errors.LocalError(
            "This Python cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv"
        )


def _glibc() -> str:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (OSError, ValueError):
        return ""
