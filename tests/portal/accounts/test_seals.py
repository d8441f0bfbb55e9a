"""Seal keys: rotation under writes, killed and run again; a wrong key ends the start."""

import base64
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from clusters.registry.models import Cluster
from portal.accounts import seals
from portal.accounts.models import SealSentinel
from portal.audit.models import Event
from portal.core import data_folder, sealed
from tests.portal.config import serving

OLD = "old:" + base64.b64encode(b"o" * 32).decode()
NEW = "new:" + base64.b64encode(b"n" * 32).decode()
WRONG = "old:" + base64.b64encode(b"w" * 32).decode()
ROWS = 10_000


def candidates(count: int) -> None:
    """Proposals with a credential each, under the key that writes now."""
    made = [Cluster(name=f"c{n}", slug=f"c{n}", server="https://c.example") for n in range(count)]
    for one in made:
        sealed.set_sealed(one, "credential", f"secret {one.name}")
    Cluster.objects.bulk_create(made, batch_size=1000)


@pytest.fixture
def old(settings: Settings) -> None:
    settings.SEAL_KEYS = OLD
    SealSentinel.objects.all().delete()
    seals.leave_sentinel()


def problems() -> list[str | None]:
    return [each.id for each in run_checks(tags=[seals.TAG], databases=["default"])]


def under(key: str) -> int:
    return Cluster.objects.filter(credential__startswith=f"v1.{key}.").count()


def test_a_wrong_key_ends_the_start_and_is_named(db: None, old: None, settings: Settings) -> None:
    assert problems() == []
    settings.SEAL_KEYS = WRONG
    assert problems() == ["paddock.E006"]
    found = run_checks(tags=[seals.TAG], databases=["default"])[0]
    assert "'old'" in found.msg
    assert OLD.split(":")[1] not in found.msg
    settings.SEAL_KEYS = NEW
    assert problems() == ["paddock.E005"], "values of a key that is not configured"
    settings.SEAL_KEYS = f"{NEW},{OLD}"
    assert problems() == []


def test_every_command_that_opens_the_database_refuses(db: None, old: None, settings: Settings) -> None:
    settings.SEAL_KEYS = WRONG
    with pytest.raises(CommandError, match="'old'"):
        call_command("check", databases=["default"])


@pytest.mark.django_db(transaction=True)
@pytest.mark.xdist_group("server")
def test_the_web_process_does_not_start(old: None) -> None:
    process = subprocess.run(
        [sys.executable, "-c", "import portal.config.wsgi"],
        cwd=data_folder.CHECKOUT,
        env={**os.environ, "DATABASE_URL": serving.database(), "PADDOCK_SEAL_KEYS": WRONG},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 1
    assert "'old'" in process.stderr
    assert "Traceback" not in process.stderr


@pytest.mark.parametrize("process", [("worker", "-Q", "default", "--pool", "solo"), ("beat", "--schedule", "{tmp}/b")])
@pytest.mark.django_db(transaction=True)
@pytest.mark.xdist_group("server")
def test_neither_worker_nor_beat_starts(old: None, process: tuple[str, ...], tmp_path: Path) -> None:
    words = [word.format(tmp=tmp_path) for word in process]
    given = {"DATABASE_URL": serving.database(), "PADDOCK_SEAL_KEYS": WRONG, "REDIS_URL": ""}
    ended = subprocess.run(
        [sys.executable, "-m", "celery", "-A", "portal.config.celery", *words],
        cwd=data_folder.CHECKOUT,
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 1
    assert "'old'" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_rotation_moves_everything_and_lets_the_old_key_go(db: None, old: None, settings: Settings) -> None:
    candidates(450)
    settings.SEAL_KEYS = f"{NEW},{OLD}"
    call_command("rotate_seal_keys")
    assert under("new") == 450
    begun, done = Event.objects.filter(kind__startswith="accounts.seal.").order_by("id")
    assert (begun.kind, begun.on_label, begun.actor_kind) == ("accounts.seal.begin", "new", "command")
    assert (done.kind, done.after) == ("accounts.seal.rotate", {"resealed": 450, "broken": 0, "left": 0})
    settings.SEAL_KEYS = NEW
    assert problems() == []
    for one in Cluster.objects.all():
        assert sealed.open_sealed(one, "credential").reveal() == f"secret {one.name}"


def test_what_no_key_opens_is_told_and_keeps_the_old_key(db: None, old: None, settings: Settings) -> None:
    candidates(3)
    Cluster.objects.filter(name="c1").update(credential="v1.old.AAAA.BBBB")
    settings.SEAL_KEYS = f"{NEW},{OLD}"
    with pytest.raises(CommandError, match="Not every value"):
        call_command("rotate_seal_keys")
    assert under("new") == 2
    assert Event.objects.get(kind="accounts.seal.rotate").after == {"resealed": 2, "broken": 1, "left": 0}
    settings.SEAL_KEYS = NEW
    assert problems() == ["paddock.E005"]


def rotation() -> subprocess.Popen[bytes]:
    environ = {**os.environ, "DATABASE_URL": serving.database(), "PADDOCK_SEAL_KEYS": f"{NEW},{OLD}"}
    return subprocess.Popen([sys.executable, "manage.py", "rotate_seal_keys"], cwd=data_folder.CHECKOUT, env=environ)


@pytest.fixture
def writer(settings: Settings) -> Iterator[list[str]]:
    """Somebody who goes on giving clusters another credential while the keys rotate; what each was given last."""
    written: list[str] = []
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            one = Cluster.objects.get(name=f"c{number * 97 % ROWS}")
            sealed.set_sealed(one, "credential", f"written {one.name}")
            one.save(update_fields=["credential"])
            written.append(one.name)
            number += 1
            time.sleep(0.002)
        connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    yield written
    stop.set()
    thread.join()


@pytest.mark.slow
@pytest.mark.xdist_group("server")
@pytest.mark.django_db(transaction=True)
def test_ten_thousand_rows_under_writes_killed_half_way(
    old: None, settings: Settings, request: pytest.FixtureRequest
) -> None:
    candidates(ROWS)
    settings.SEAL_KEYS = f"{NEW},{OLD}"
    written: list[str] = request.getfixturevalue("writer")
    first = rotation()
    while under("new") < ROWS // 2:
        assert first.poll() is None
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert ROWS // 2 <= under("new") < ROWS, "killed too late to show anything"
    for one in Cluster.objects.all():
        sealed.open_sealed(one, "credential")
    assert rotation().wait(timeout=120) == 0
    assert len(written) > 20
    settings.SEAL_KEYS = NEW
    assert under("new") == ROWS
    assert problems() == []
    for one in Cluster.objects.all():
        assert sealed.open_sealed(one, "credential").reveal() in {f"secret {one.name}", f"written {one.name}"}
