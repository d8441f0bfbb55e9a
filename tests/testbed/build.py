"""Builds the programs of the test bed from the Go modules beside this file, once per set of versions.

One part after another: two links side by side need 4 GB. What is complete is skipped; a part appears under
its name only when it is whole; a second build waits for the first.
"""

import dataclasses
import fcntl
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.testbed import places, toolchain

REPORT_EVERY = 20.0  # seconds
KUBERNETES_VERSION_PACKAGES = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")


@dataclasses.dataclass(frozen=True)
class Part:
    """One program. `seconds` is a first build on two cores, in this order: the ground of the time left."""

    name: str
    family: str
    package: str
    module: str
    seconds: int


PARTS = (
    Part("etcd", "etcd", "go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3", 45),
    Part("kube-apiserver", "kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver", "k8s.io/kubernetes", 210),
    Part(
        "kube-controller-manager",
        "kubernetes",
        "k8s.io/kubernetes/cmd/kube-controller-manager",
        "k8s.io/kubernetes",
        60,
    ),
    Part("kube-scheduler", "kubernetes", "k8s.io/kubernetes/cmd/kube-scheduler", "k8s.io/kubernetes", 5),
    Part("kubectl", "kubernetes", "k8s.io/kubernetes/cmd/kubectl", "k8s.io/kubernetes", 20),
    Part("kwok", "kwok", "sigs.k8s.io/kwok/cmd/kwok", "sigs.k8s.io/kwok", 60),
    Part("oidc-server", "oidc", "github.com/zitadel/oidc/v3/example/server", "github.com/zitadel/oidc/v3", 20),
)
FAMILIES = {part.name: part.family for part in PARTS}
BARE = ("etcd", "kube-apiserver")
# What a whole control plane is made of.
WHOLE = tuple(part.name for part in PARTS if part.family != "oidc")


def locate(*names: str) -> dict[str, Path]:
    """The paths of ready programs, those of WHOLE unless named. Builds nothing; raises places.Missing."""
    found = {name: path for name in names or WHOLE if (path := _ready(name))}
    if lacking := [name for name in names or WHOLE if name not in found]:
        raise places.Missing(f"the test bed lacks {', '.join(lacking)}: run `{places.BUILD_COMMAND}`")
    return found


def build() -> dict[str, Path]:
    """Builds what is not ready and returns every path. Progress goes to stderr."""
    with _alone():
        todo = [part for part in PARTS if _ready(part.name) is None]
        if todo:
            go = toolchain.find(say=_say)
            _say(f"building {len(todo)} of {len(PARTS)} parts of the test bed into {places.cache()}")
            progress = _Progress(todo)
            for part in todo:
                _build_one(go, part, progress)
    return locate(*FAMILIES)


def version(part: Part) -> str:
    """The version its go.mod requires, with the leading v."""
    line = re.search(rf"^(?:require\s+|\t){re.escape(part.module)} (v\S+)", _module(part).read_text(), re.MULTILINE)
    if line is None:
        raise ValueError(f"{_module(part)} does not require {part.module}")
    return line[1]


def linker_flags(part: Part) -> str:
    """Strips symbols and names the version, without which the server reports one kubectl cannot parse."""
    release = version(part)
    major, minor, _ = release.removeprefix("v").split(".", 2)
    if part.family == "kubernetes":
        facts = {"gitVersion": release, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
        # A module names neither, and some clients refuse a /version with an empty field.
        facts |= {"gitCommit": "unknown", "buildDate": "1970-01-01T00:00:00Z"}
        values = [f"{package}.{k}={v}" for package in KUBERNETES_VERSION_PACKAGES for k, v in facts.items()]
    elif part.family == "kwok":
        values = [f"{part.module}/pkg/consts.Version={release}"]
    else:
        values = []
    return " ".join(["-s", "-w", *(f"-X {value}" for value in values)])


class _Progress:
    """Says what is built, how long it took so far and roughly how long the rest takes on this machine."""

    def __init__(self, parts: list[Part]) -> None:
        self.parts = parts
        self.begun = time.monotonic()
        self.part_begun = self.begun
        self.finished = 0

    def line(self, state: str) -> str:
        part = self.parts[min(self.finished, len(self.parts) - 1)]
        return f"[{min(self.finished, len(self.parts) - 1) + 1} of {len(self.parts)}] {part.name}: {state}"

    def started(self) -> None:
        self.part_begun = time.monotonic()
        _say(self.line(f"building, {_duration(self.part_begun - self.begun)} so far, about {self.left()} left"))

    def going(self) -> None:
        _say(self.line(f"still building, {_duration(time.monotonic() - self.begun)} so far, about {self.left()} left"))

    def done(self) -> None:
        _say(self.line(f"ready after {_duration(time.monotonic() - self.part_begun)}"))
        self.finished += 1

    def left(self) -> str:
        now = time.monotonic()
        expected = sum(part.seconds for part in self.parts[: self.finished])
        pace = (self.part_begun - self.begun) / expected if expected else 1.0
        current = self.parts[self.finished].seconds * pace - (now - self.part_begun)
        rest = sum(part.seconds for part in self.parts[self.finished + 1 :]) * pace
        return _duration(max(current, 5.0) + rest)


def _build_one(go: Path, part: Part, progress: _Progress) -> None:
    target = places.programs(part.family) / part.name
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_name(f".{part.name}.building")
    log = target.with_name(f"{part.name}.log")
    options = ["-trimpath", "-buildvcs=false", "-ldflags", linker_flags(part), "-o", str(half)]
    progress.started()
    with log.open("wb") as output:
        command = [str(go), "build", *options, part.package]
        folder = _module(part).parent
        with subprocess.Popen(command, cwd=folder, env=toolchain.environment(go), stdout=output, stderr=output) as run:
            try:
                _wait(run, progress)
            except BaseException:
                run.terminate()
                raise
    if run.returncode != 0:
        half.unlink(missing_ok=True)
        last = "\n".join(log.read_text(errors="replace").strip().splitlines()[-15:])
        raise places.Missing(f"{last}\n{part.name} was not built: see {log}, then run `{places.BUILD_COMMAND}` again")
    half.rename(target)
    log.unlink()
    progress.done()


def _wait(run: subprocess.Popen[bytes], progress: _Progress) -> None:
    while True:
        try:
            run.wait(timeout=REPORT_EVERY)
        except subprocess.TimeoutExpired:
            progress.going()
        else:
            return


def _ready(name: str) -> Path | None:
    folders = [folder for folder in (places.given(), places.programs(FAMILIES[name])) if folder]
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


def _module(part: Part) -> Path:
    return places.MODULES / part.family / "go.mod"


@contextmanager
def _alone() -> Iterator[None]:
    """One build at a time on this cache; the lock ends with the process that holds it."""
    places.cache().mkdir(parents=True, exist_ok=True)
    with (places.cache() / "build.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("another process is building the test bed: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _duration(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole} s" if whole < 90 else f"{whole // 60} min {whole % 60} s"


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
