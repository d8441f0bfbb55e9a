"""The account that embedded servers run as: nobody when started by root, else the person's own.

PostgreSQL refuses to run as root. Uid 65534 exists on every Linux without an entry of our own.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from portal.local import errors

_NOBODY = 65534


@dataclass(frozen=True)
class Account:
    """A user and a group by number."""

    uid: int
    gid: int


class PopenArguments(TypedDict, total=False):
    """The part of ``subprocess.Popen``'s arguments that changes the user."""

    user: int
    group: int
    extra_groups: list[int]


def for_servers() -> Account | None:
    """None when the servers run as the calling user."""
    return Account(_NOBODY, _NOBODY) if os.geteuid() == 0 else None


def popen_arguments(chosen: Account | None) -> PopenArguments:
    if chosen is None:
        return {}
    return {"user": chosen.uid, "group": chosen.gid, "extra_groups": []}


def give(path: Path, chosen: Account | None) -> None:
    """Make the account the owner of one file or folder (not of what is in it)."""
    if chosen is not None:
        os.chown(path, chosen.uid, chosen.gid)


def require_reach(path: Path, chosen: Account | None) -> None:
    """Raise ``FolderRefused`` when the account cannot enter a folder above ``path``."""
    if chosen is None:
        return
    for folder in path.resolve().parents:
        if not folder.exists():
            continue
        found = folder.stat()
        if found.st_uid != chosen.uid and not found.st_mode & 0o001:
            raise errors.FolderRefused(
                f"The servers run as uid {chosen.uid} and cannot enter {folder}. "
                "Choose another place with PADDOCK_DATA_DIR."
            )
