"""Folders are made closed, and those of others are refused."""

import os
import stat
from pathlib import Path

import pytest

from portal.local import account, errors, folders


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_folder_is_closed(place: Path) -> None:
    assert _mode(folders.private(place / "closed")) == 0o700


def test_by_root_the_servers_may_pass(place: Path) -> None:
    path = folders.private(place / "passed", open_to_servers=True)
    assert _mode(path) == (0o711 if os.geteuid() == 0 else 0o700)


def test_a_folder_that_a_person_made_keeps_its_mode(place: Path) -> None:
    chosen = place / "chosen"
    chosen.mkdir(mode=0o755)
    folders.private(chosen)
    assert _mode(chosen) == 0o755


def test_a_folder_open_to_writing_is_refused_with_the_remedy(place: Path) -> None:
    chosen = place / "open"
    chosen.mkdir()
    chosen.chmod(0o777)
    with pytest.raises(errors.FolderRefused, match="chmod go-w"):
        folders.private(chosen)


def test_a_link_is_no_folder(place: Path) -> None:
    (place / "link").symlink_to(place)
    with pytest.raises(errors.FolderRefused, match="is not a folder"):
        folders.private(place / "link")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder that is somebody else's")
def test_a_folder_of_somebody_else_is_refused(place: Path) -> None:
    other = place / "other"
    other.mkdir(mode=0o700)
    os.chown(other, 12345, 12345)
    with pytest.raises(errors.FolderRefused, match="belongs to uid 12345"):
        folders.private(other)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run under another account")
def test_a_place_the_servers_cannot_enter_is_named(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(errors.FolderRefused, match=str(closed)):
        account.require_reach(closed / "data", account.for_servers())


def test_the_socket_folder_is_short_and_the_same_each_time(place: Path) -> None:
    deep = place / ("x" * 120)
    found = folders.socket_dir(deep)
    assert found == folders.socket_dir(deep)
    assert found != folders.socket_dir(place / ("y" * 120))
    assert len(os.fsencode(found)) <= 87
    for path in (found, folders.socket_dir(place / ("y" * 120))):
        path.rmdir()
        path.parent.rmdir()


def test_a_temporary_folder_leaves_nothing() -> None:
    with folders.temporary() as folder:
        (folder / "file").write_text("x", encoding="utf-8")
    assert not folder.exists()
