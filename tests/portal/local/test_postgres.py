"""The embedded PostgreSQL: real servers, started, stopped and killed."""

import os
import signal
import stat
from pathlib import Path

import psycopg2
import pytest

from portal.local import errors, postgres
from tests.portal.local.observing import ask, eventually, gone


def test_it_answers_by_its_url_and_by_nothing_else(place: Path) -> None:
    with postgres.Postgres(place / "pg", durable=False) as server:
        assert ask(server.url, "SELECT current_user || '@' || current_database()") == "paddock@paddock"
        assert ask(server.url, "SHOW listen_addresses") == ""
        assert ask(server.url, "SHOW server_encoding") == "UTF8"
        assert ask(server.url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
        wrong = server.url.replace("paddock:", "paddock:x", 1)
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            ask(wrong, "SELECT 1")


def test_letters_beyond_ascii_are_lowered(place: Path) -> None:
    with postgres.Postgres(place / "pg", durable=False) as server:
        assert ask(server.url, "SELECT lower('ÀÉÜ')") == "àéü"


def test_data_and_password_outlive_a_stop(place: Path) -> None:
    with postgres.Postgres(place / "pg", durable=False) as first:
        url = first.url
        connection = psycopg2.connect(url)
        with connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE kept AS SELECT 7 AS value")
        connection.close()
    with postgres.Postgres(place / "pg") as second:
        assert second.url == url
        assert ask(url, "SELECT value FROM kept") == 7
        assert ask(url, "SHOW fsync") == "on"


def test_nobody_else_may_read_data_password_or_socket(place: Path) -> None:
    with postgres.Postgres(place / "pg", durable=False) as server:
        for path in (server.cluster, server.socket_dir, server.data_dir / "password"):
            assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


def test_by_root_it_runs_as_nobody(place: Path) -> None:
    with postgres.Postgres(place / "pg", durable=False) as server:
        uid = Path(f"/proc/{server.process.pid}").stat().st_uid
        assert uid == (65534 if os.geteuid() == 0 else os.geteuid())


def test_the_lock_file_of_a_crash_is_removed(place: Path) -> None:
    server = postgres.Postgres(place / "pg", durable=False)
    server.start()
    pid = server.process.pid
    os.kill(pid, signal.SIGKILL)
    server.process.wait()
    left = (server.cluster / "postmaster.pid").read_text(encoding="utf-8")
    assert left.startswith(f"{pid}\n")
    # The number was given to another program since: this test's own.
    (server.cluster / "postmaster.pid").write_text(left.replace(str(pid), str(os.getpid()), 1), encoding="utf-8")
    with postgres.Postgres(place / "pg", durable=False) as again:
        assert ask(again.url, "SELECT 1") == 1


def test_a_living_server_is_not_taken_for_a_crash(place: Path) -> None:
    with postgres.Postgres(place / "pg", durable=False) as first:
        second = postgres.Postgres(place / "pg", durable=False)
        with pytest.raises(errors.AlreadyRunning, match=str(first.process.pid)):
            second.start()
        assert ask(first.url, "SELECT 1") == 1


def test_a_leftover_is_ended_on_demand(place: Path) -> None:
    server = postgres.Postgres(place / "pg", durable=False)
    server.start()
    pid = server.process.pid
    finder = postgres.Postgres(place / "pg", durable=False)
    # The child is reaped by the one who started it, as it would be by the system's first process.
    assert finder.running() is not None
    os.kill(pid, signal.SIGSTOP)
    os.kill(pid, signal.SIGCONT)
    assert finder.end_leftover() is True
    eventually(lambda: gone(pid))
    assert finder.end_leftover() is False
    server.stop()


def test_a_half_made_cluster_is_made_again(place: Path) -> None:
    server = postgres.Postgres(place / "pg", durable=False)
    assert server.url
    (server.data_dir / "cluster.new").mkdir()
    (server.data_dir / "cluster.new" / "half").write_text("written", encoding="utf-8")
    with server:
        assert ask(server.url, "SELECT 1") == 1
        assert not (server.data_dir / "cluster.new").exists()


def test_a_failed_start_shows_the_log(place: Path) -> None:
    with postgres.Postgres(place / "pg", durable=False) as server:
        pass
    with (server.cluster / "postgresql.conf").open("a", encoding="utf-8") as settings:
        settings.write("no_such_setting = 1\n")
    with pytest.raises(errors.ServerFailed, match="no_such_setting"):
        server.start()


def test_a_long_and_spaced_data_folder_gets_a_short_socket(place: Path) -> None:
    deep = place / ("a folder with spaces " * 5).strip() / "pg"
    with postgres.Postgres(deep, durable=False) as server:
        sockets = server.socket_dir
        assert len(os.fsencode(sockets / ".s.PGSQL.5432.lock")) <= 107
        assert ask(server.url, "SELECT 1") == 1
    sockets.rmdir()
    sockets.parent.rmdir()


def test_a_socket_folder_that_is_too_long_is_refused(place: Path) -> None:
    with pytest.raises(errors.FolderRefused, match="socket folder may have"):
        postgres.Postgres(place / "pg", place / ("s" * 100)).start()
