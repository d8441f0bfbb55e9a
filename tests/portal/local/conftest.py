"""Folders and free ports for servers that are started and stopped here, never mocked."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.local import folders


@pytest.fixture
def place() -> Iterator[Path]:
    """A short folder that the servers' account can enter, unlike pytest's own when run by root."""
    with folders.temporary() as folder:
        yield folder


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
