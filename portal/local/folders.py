"""Folders of the embedded servers: data, short socket folders, and temporary ones for tests."""

import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from portal.local import account, errors

# A socket's path must fit into sockaddr_un, 108 bytes with the closing zero; the rest is the file name.
_LONGEST_FOLDER = 107 - len("/.s.PGSQL.5432.lock") - 1
_SHORT_ROOT = Path("/tmp")  # noqa: S108 - own sub-folder with ownership checks; other roots are too long


def fingerprint(path: Path) -> str:
    """A short name for a place on this machine, the same at each call."""
    return hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:12]


def socket_dir(data_dir: Path) -> Path:
    """A short private folder for a server's socket, in or named after its data folder; made when missing.

    As root it is the servers' own inside one of root's, so that nobody can be there first.
    Raises ``FolderRefused`` when somebody else owns what is in the way.
    """
    if data_dir.is_relative_to(_SHORT_ROOT) and _fits(data_dir / "s"):
        return server_owned(private(data_dir, open_to_servers=True) / "s")
    outer = _SHORT_ROOT / f"paddock-{os.geteuid()}-{fingerprint(data_dir)}"
    return server_owned(private(outer, open_to_servers=True) / "s")


def private(path: Path, *, open_to_servers: bool = False) -> Path:
    """Make or accept a folder that belongs to this user and that nobody else may write to.

    With ``open_to_servers`` and as root, a new one lets others pass through, though not list it.
    """
    return _own(path, os.geteuid(), 0o711 if open_to_servers and os.geteuid() == 0 else 0o700)


def server_owned(path: Path) -> Path:
    """Make or accept a folder that belongs to the servers' account alone."""
    chosen = account.for_servers()
    return _own(path, chosen.uid if chosen else os.geteuid(), 0o700)


def _own(path: Path, uid: int, mode: int) -> Path:
    """An existing folder is looked at and never changed: it may be one that a person chose."""
    try:
        path.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        _require_own(path, uid)
    else:
        if uid != os.geteuid():
            account.give(path, account.for_servers())
        path.chmod(mode)
    return path


def require_short(path: Path) -> None:
    """Raise ``FolderRefused`` when a socket in this folder would have too long a path."""
    if not _fits(path):
        raise errors.FolderRefused(
            f"{path} is {len(os.fsencode(path))} bytes long; a socket folder may have {_LONGEST_FOLDER}."
        )


def _fits(path: Path) -> bool:
    return len(os.fsencode(path)) <= _LONGEST_FOLDER


def _require_own(path: Path, uid: int) -> None:
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise errors.FolderRefused(f"{path} is not a folder. Remove it and start again.")
    if found.st_uid != uid:
        raise errors.FolderRefused(
            f"{path} belongs to uid {found.st_uid}, not to uid {uid}. Have it removed and start again."
        )
    if found.st_mode & 0o022:
        raise errors.FolderRefused(f"Others may write to {path}. Close it with: chmod go-w '{path}'")


@contextlib.contextmanager
def temporary() -> Iterator[Path]:
    """A folder for one test run that the servers' account can reach; removed with all in it."""
    path = Path(tempfile.mkdtemp(prefix="paddock-", dir=_SHORT_ROOT))
    try:
        path.chmod(0o711 if account.for_servers() else 0o700)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
