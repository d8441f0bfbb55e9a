"""PostgreSQL 18 out of its wheel, for one machine: ``make run`` and the tests.

    from portal.local import folders, postgres

    with folders.temporary() as folder, postgres.Postgres(folder / "postgres", durable=False) as server:
        os.environ["DATABASE_URL"] = server.url

or ``server.start() -> url`` and ``server.stop()``. The URL has the form
``postgresql://paddock:PASSWORD@/paddock?host=/SOCKET/FOLDER`` (values percent-encoded). The role ``paddock``
owns the database of the same name and may create others (Django's test databases), but is no superuser.

There is no TCP port; passwords are scram. ``data_dir`` gets ``cluster/`` (the servers' account's own),
``password`` (mode 0600) and ``log``; without ``socket_dir`` a short one is made under /tmp. Started by root,
the server runs as uid 65534 from a world-readable copy of its programs, and every folder above ``data_dir``
must let it pass. It shuts down when the thread that called ``start`` ends: call it from the main thread.
"""

import contextlib
import secrets
import shutil
import signal
import subprocess
import types
from pathlib import Path
from typing import Self
from urllib.parse import quote

from portal.local import account, binaries, errors, folders, processes

ROLE = DATABASE = "paddock"
_START_SECONDS = 60.0
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "shared_buffers": "256MB",
    "max_connections": "100",
    "log_line_prefix": "%m [%p] ",
}
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_INITDB = (
    "--username=postgres",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C.UTF-8",
    "--no-instructions",
)
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
_SOCKET = ".s.PGSQL.5432"
# Fast shutdown: sessions are ended, a checkpoint is written. Then without checkpoint: recovery at next start.
_END = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0))


class Postgres:
    """One server with its own data folder. ``durable=False`` may lose data in a power cut: for tests."""

    def __init__(
        self, data_dir: Path, socket_dir: Path | None = None, *, durable: bool = True, log: Path | None = None
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.log = log or self.data_dir / "log"
        self._given_socket_dir = socket_dir
        self._settings = _SETTINGS if durable else _SETTINGS | _NOT_DURABLE
        self._account = account.for_servers()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def cluster(self) -> Path:
        """What PostgreSQL calls its data directory."""
        return self.data_dir / "cluster"

    @property
    def socket_dir(self) -> Path:
        return self._given_socket_dir or folders.socket_dir(self.data_dir)

    @property
    def url(self) -> str:
        """Known before the first start; the password is made when it is first asked for."""
        host = quote(str(self.socket_dir), safe="/")
        return f"postgresql://{ROLE}:{quote(self._password(), safe='')}@/{DATABASE}?host={host}"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The postmaster, for a supervisor that waits for it."""
        if self._process is None:
            raise errors.ServerFailed("PostgreSQL is not started.")
        return self._process

    def start(self) -> str:
        """Start, make the cluster when there is none, and return the URL once connections are answered.

        Raises ``AlreadyRunning`` when a living server uses the folder, else ``ServerFailed`` with the log.
        """
        url = self.url
        folders.require_short(self.socket_dir)
        account.require_reach(self.cluster, self._account)
        programs = binaries.postgres()
        if not (self.cluster / "PG_VERSION").exists():
            self._create(programs)
        self._clear_stale()
        with self.log.open("ab") as log:
            self._process = processes.spawn(
                [programs / "postgres", "-D", self.cluster, "-k", self.socket_dir, *self._flags()],
                output=log,
                environment=_ENVIRONMENT,
                cwd=self.cluster,
                death_signal=signal.SIGINT,
                as_account=self._account,
            )
        if not processes.wait_until(self._settled, seconds=_START_SECONDS) or self._process.poll() is not None:
            self.stop()
            raise errors.ServerFailed(f"PostgreSQL did not start:\n{processes.last_lines(self.log)}")
        return url

    def stop(self) -> None:
        """End the server with a fast shutdown; nothing happens when it does not run."""
        if self._process is not None:
            processes.end(self._process, *_END)
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self.stop()

    def running(self) -> processes.Identity | None:
        """The living postmaster of this data folder, whoever started it."""
        return self._recorded(self.cluster / "postmaster.pid")

    def end_leftover(self) -> bool:
        """End a server that outlived its supervisor. False when there was none.

        Only for a caller that holds the lock of the data folder.
        """
        found = self.running()
        if found is None:
            return False
        if not processes.end_stranger(found, *_END, (signal.SIGKILL, 5.0)):
            raise errors.ServerFailed(f"The PostgreSQL with process number {found.pid} does not end.")
        return True

    def _flags(self) -> list[str]:
        return [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]

    def _password(self) -> str:
        file = self.data_dir / "password"
        if not file.exists():
            folders.private(self.data_dir, open_to_servers=True)
            file.touch(mode=0o600)
            file.write_text(secrets.token_urlsafe(24), encoding="ascii")
        return file.read_text(encoding="ascii")

    def _create(self, programs: Path) -> None:
        """Make it beside the final place and rename it when whole: a killed start leaves nothing half."""
        draft = self.cluster.with_name("cluster.new")
        if draft.exists():
            shutil.rmtree(draft)
        folders.server_owned(draft)
        superuser = self.data_dir / "superuser"
        superuser.touch(mode=0o600)
        superuser.write_text(secrets.token_urlsafe(24), encoding="ascii")
        account.give(superuser, self._account)
        no_sync = ["--no-sync"] if self._settings.get("fsync") == "off" else []
        try:
            self._run(programs / "initdb", "-D", draft, f"--pwfile={superuser}", *_INITDB, *no_sync)
        finally:
            superuser.unlink()
        statements = (
            f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{self._password()}'",
            f"CREATE DATABASE {DATABASE} OWNER {ROLE}",
        )
        text = "".join(f"{statement}\n" for statement in statements)
        self._run(programs / "postgres", "--single", "-D", draft, *self._flags(), "postgres", text=text)
        draft.rename(self.cluster)

    def _run(self, *command: str | Path, text: str = "") -> None:
        done = subprocess.run(
            [str(word) for word in command],
            input=text.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_ENVIRONMENT,
            cwd=self.data_dir,
            check=False,
            **account.popen_arguments(self._account),
        )
        output = done.stdout.decode(errors="replace")
        # A failed statement of the single-user mode leaves the exit code at 0.
        if done.returncode != 0 or "ERROR:" in output:
            raise errors.ServerFailed(f"{Path(command[0]).name} failed:\n{output[-2000:]}")

    def _clear_stale(self) -> None:
        """Remove what a crash left behind, after a look whether it is really a crash."""
        pid_file = self.cluster / "postmaster.pid"
        socket_lock = self.socket_dir / f"{_SOCKET}.lock"
        for file in (pid_file, socket_lock):
            found = self._recorded(file)
            if found is not None:
                raise errors.AlreadyRunning(f"PostgreSQL already runs on {self.cluster} (process {found.pid}).")
        for file in (pid_file, socket_lock, self.socket_dir / _SOCKET):
            file.unlink(missing_ok=True)

    def _recorded(self, file: Path) -> processes.Identity | None:
        """The living postmaster that a lock file names; None when the number is gone or another program's."""
        try:
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
            found = processes.identity_of(int(lines[0]))
        except (OSError, IndexError, ValueError):
            return None
        if found is None or processes.program_of(found.pid) != "postgres":
            return None
        return found if Path(processes.folder_of(found.pid)) == Path(lines[1]).resolve() else None

    def _settled(self) -> bool:
        """True when the server answers, and also when it has ended: its caller looks which."""
        if self.process.poll() is not None:
            return True
        with contextlib.suppress(OSError, IndexError):
            # The eighth line is what pg_ctl waits for, too.
            lines = (self.cluster / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            return int(lines[0]) == self.process.pid and lines[7].strip() == "ready"
        return False
