"""The packages: hashed locks, and one clear line where they cannot be installed."""

import ast
import importlib.util
import json
import platform
import subprocess
import sys

import pytest

from portal.core import data_folder
from portal.local import assets, errors, packages

OLD_PYTHON = """
import runpy, sys
sys.version_info = (3, 10, 0, "final", 0)
runpy.run_module("portal.local", run_name="__main__")
"""


def test_an_old_python_is_told_so_in_a_line() -> None:
    done = subprocess.run(
        [sys.executable, "-c", OLD_PYTHON], cwd=data_folder.CHECKOUT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Paddock needs Python 3.11 or later" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_tells_an_old_python_can_be_read_by_it() -> None:
    for name in ("__init__.py", "local/__init__.py", "local/__main__.py"):
        text = (data_folder.CHECKOUT / "portal" / name).read_text(encoding="utf-8")
        ast.parse(text, feature_version=(3, 7))


def test_another_machine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(errors.LocalError, match="riscv64"):
        packages.require_platform()


def test_a_python_without_ensurepip_gets_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(errors.LocalError, match="apt install python3-venv"):
        packages.require_platform()


def test_musl_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.confstr", lambda name: None)
    with pytest.raises(errors.LocalError, match="glibc"):
        packages.require_platform()


def test_this_machine_will_do() -> None:
    packages.require_platform()


@pytest.mark.parametrize("name", [packages.RUNTIME, packages.DEVELOPMENT, packages.ASSETS])
def test_every_lock_has_hashes_and_names_no_index(name: str) -> None:
    lines = (data_folder.CHECKOUT / name).read_text(encoding="utf-8").splitlines()
    pinned = [line for line in lines if line[:1].isalnum()]
    assert pinned
    assert all("==" in line and line.endswith("\\") for line in pinned)
    assert not any("://" in line or "index-url" in line for line in lines)


def test_the_browser_lock_names_no_registry() -> None:
    lock = json.loads((data_folder.CHECKOUT / "package-lock.json").read_text(encoding="utf-8"))
    wanted = json.loads((data_folder.CHECKOUT / "package.json").read_text(encoding="utf-8"))
    third_party = {name: entry for name, entry in lock["packages"].items() if name}
    assert all("integrity" in entry and "resolved" not in entry for entry in third_party.values())
    for name, version in (wanted["dependencies"] | wanted["devDependencies"]).items():
        assert third_party[f"node_modules/{name}"]["version"] == version


def test_every_browser_file_comes_from_a_pinned_package() -> None:
    wanted = json.loads((data_folder.CHECKOUT / "package.json").read_text(encoding="utf-8"))
    for source in assets.FILES.values():
        assert any(source.startswith(f"{name}/") for name in wanted["dependencies"]), source


def test_no_browser_file_is_committed() -> None:
    ignored = (data_folder.CHECKOUT / ".gitignore").read_text(encoding="utf-8").split()
    assert {"node_modules/", "portal/static/vendor/", ".venv/", "var/", "staticfiles/"} <= set(ignored)
