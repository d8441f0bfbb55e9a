"""The LDAP extra: python-ldap is published as source only, so that it is built here, by the first way that works.

1. With the compiler and the headers of the system.
2. With the compiler of the system, the headers and libraries of Debian's packages unpacked beside the environment.
   Nothing of the system is changed and no root is needed; the module finds its libraries by a path relative to itself.

Where neither works Paddock runs without LDAP and the packages that turn it on are named. Source, libraries of Python
and the tool that builds are pinned by hash; Debian's packages are checked by apt against Debian's keys.
"""

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sysconfig
from collections.abc import Callable, Mapping
from pathlib import Path

from portal.core import data_folder
from portal.local import errors, folders, locks, packages, steps

LOCK = "requirements-ldap.txt"
BUILD_LOCK = "requirements-ldap-build.txt"
APT_PACKAGES = "gcc python3-dev libldap2-dev libsasl2-dev"
MISSING = "off"
_INCLUDES = ("Python.h", "ldap.h", "sasl/sasl.h")
_APT_SECONDS = "20"
Route = Callable[["Place"], Mapping[str, str]]


class Place:
    """One virtual environment, and the log folder of the start that fills it."""

    def __init__(self, environment: Path, log_dir: Path) -> None:
        self.environment = environment
        self.log_dir = log_dir
        self.python = environment / "bin" / "python"
        self.stamp = environment / "installed-requirements-ldap"
        self.libraries = environment / "ldap"

    def works(self) -> bool:
        """True when the module is there in the pinned version and loads with its libraries."""
        wanted = f"import ldap, sys; sys.exit(ldap.__version__ != {_pinned()!r})"
        return steps.succeeds([self.python, "-c", wanted])

    def remembered(self) -> str:
        """What came out last time; empty where the locks, the interpreter or the compiler are others now."""
        if not self.stamp.exists():
            return ""
        digest, _, outcome = self.stamp.read_text(encoding="ascii").partition(" ")
        return outcome if digest == _digest() else ""

    def remember(self, outcome: str) -> str:
        """Write the outcome down and return it."""
        self.stamp.write_text(f"{_digest()} {outcome}", encoding="ascii")
        return outcome


def installed(log_dir: Path) -> bool:
    """True when nothing is to be done: the module was built, or could not be built with what is here."""
    return bool(Place(packages.environment(), log_dir).remembered())


def install(*, log_dir: Path, insist: bool = False) -> str:
    """Build where that was not done yet. Returns what to tell; a failure is an outcome, never an error.

    A failure is remembered, too, so that a start without the network waits once; ``insist`` tries again.
    """
    return install_into(Place(packages.environment(), log_dir), insist=insist)


def install_into(place: Place, *, insist: bool = False) -> str:
    """As `install`, for any environment that has pip."""
    known = place.remembered()
    if known and not (insist and known == MISSING):
        return known
    # The same lock as the packages: two starts must not fill one environment at once.
    with locks.held(data_folder.CHECKOUT, wait=True):
        if place.works():
            return place.remember("built")
        for route in ROUTES:
            try:
                _build(place, route(place))
            except (errors.LocalError, OSError, subprocess.SubprocessError):
                continue
            if place.works():
                return place.remember("built")
        return place.remember(MISSING)


def with_system_headers(_place: Place) -> Mapping[str, str]:
    """Route 1: nothing to add. Raises ``LocalError`` without a compiler or a header."""
    if not _compiles(_INCLUDES):
        raise errors.LocalError("There is no C compiler here, or a header is missing.")
    return {}


def with_private_headers(place: Place) -> Mapping[str, str]:
    """Route 2: fetch what is missing from Debian's archive into a folder of the environment.

    Returns the compiler's flags. Raises ``LocalError`` without a compiler, apt-get or dpkg.
    """
    if not _compiles(()) or not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise errors.LocalError("There is no C compiler here, or no apt-get.")
    shutil.rmtree(place.libraries, ignore_errors=True)
    place.libraries.mkdir(mode=0o755)
    with folders.temporary() as fetched:
        _fetch(place, fetched)
        for package in sorted(fetched.glob("*.deb")):
            steps.run(["dpkg-deb", "-x", package, place.libraries], cwd=fetched, log=place.log_dir / "ldap-unpack.log")
    return _flags(place.libraries)


ROUTES: tuple[Route, ...] = (with_system_headers, with_private_headers)


def _fetch(place: Place, target: Path) -> None:
    state, cache = target / "state", target / "cache"
    for folder in (state / "lists" / "partial", cache / "archives" / "partial"):
        folder.mkdir(parents=True)
    apt = [
        *("-q", "-o", f"Dir::State={state}", "-o", f"Dir::Cache={cache}"),
        *("-o", "Dir::State::status=/var/lib/dpkg/status"),
        *("-o", f"Acquire::http::Timeout={_APT_SECONDS}", "-o", f"Acquire::https::Timeout={_APT_SECONDS}"),
        *("-o", "Acquire::Retries=1", "-o", "Acquire::Languages=none"),
        # As root apt would step down to a user that cannot enter a private folder.
        *(("-o", "APT::Sandbox::User=root") if os.geteuid() == 0 else ()),
    ]

    def ask(*words: str) -> str:
        return steps.run([words[0], *apt, *words[1:]], cwd=target, log=place.log_dir / "ldap-apt.log")

    ask("apt-get", "update")
    asked = ask("apt-cache", "depends", "--important", "libldap-dev")
    libraries = [line.split()[-1] for line in asked.splitlines() if line.strip().startswith("Depends: libldap")]
    python = f"libpython{sysconfig.get_python_version()}-dev"
    more = [] if _compiles(("Python.h",)) else [python]
    ask("apt-get", "download", "libldap-dev", "libsasl2-dev", "libsasl2-2", *libraries, *more)


def _flags(root: Path) -> Mapping[str, str]:
    triplet = sysconfig.get_config_var("MULTIARCH") or f"{platform.machine()}-linux-gnu"
    include, library = root / "usr" / "include", root / "usr" / "lib" / triplet
    version = f"python{sysconfig.get_python_version()}"
    headers = (include, include / version, include / triplet / version)
    # Relative to the module in site-packages, so that the checkout can be moved; the older tag, because libldap
    # itself must find its own libraries by it as well.
    found_by = f"$ORIGIN/../../../{root.name}/usr/lib/{triplet}"
    return {
        "CFLAGS": shlex.join(f"-I{folder}" for folder in headers if folder.is_dir()),
        "LDFLAGS": shlex.join([f"-L{library}", f"-Wl,-rpath,{found_by}", "-Wl,--disable-new-dtags"]),
    }


def _build(place: Place, flags: Mapping[str, str]) -> None:
    pip: list[str | Path] = [place.python, *packages.PIP_INSTALL]
    with folders.temporary() as tools:
        # The tool that builds is pinned, too, which pip's own isolated build could not do; it stays out of .venv.
        steps.run(
            [*pip[:-1], "--target", tools, "-r", BUILD_LOCK],
            cwd=data_folder.CHECKOUT,
            log=place.log_dir / "ldap-tool.log",
        )
        steps.run(
            [
                *pip[:-1],
                *("--no-binary", "python-ldap", "--no-build-isolation", "--no-deps", "--no-cache-dir"),
                *("--force-reinstall", "-r", LOCK),
            ],
            cwd=data_folder.CHECKOUT,
            log=place.log_dir / "ldap.log",
            environment={**os.environ, **flags, "PYTHONPATH": str(tools)},
        )


def compiler() -> list[str]:
    return shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "gcc")


def _compiles(includes: tuple[str, ...]) -> bool:
    """True when the compiler is there and knows these headers."""
    command = [*compiler(), "-fsyntax-only", "-x", "c", f"-I{sysconfig.get_path('include')}", "-"]
    source = "".join(f"#include <{name}>\n" for name in ("stddef.h", *includes))
    try:
        done = subprocess.run(command, input=source, capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _pinned() -> str:
    lines = (data_folder.CHECKOUT / LOCK).read_text(encoding="utf-8").splitlines()
    return next(line.split("==")[1].split()[0] for line in lines if line.startswith("python-ldap=="))


def _digest() -> str:
    """Of both locks, the interpreter, and whether a compiler and the headers lie where they mostly do."""
    content = b"".join((data_folder.CHECKOUT / name).read_bytes() for name in (LOCK, BUILD_LOCK))
    here = (platform.python_version(), shutil.which(compiler()[0]), Path("/usr/include/ldap.h").exists())
    return hashlib.sha256(content + repr(here).encode()).hexdigest()
