"""The embedded Valkey: real servers."""

import os
from pathlib import Path

import pytest
import redis

from portal.local import errors, valkey


def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url)


def test_it_answers_by_its_socket_and_keeps_no_port(place: Path) -> None:
    with valkey.Valkey(place / "vk") as server, _client(server.url) as client:
        assert client.ping()
        assert client.config_get("port", "appendonly", "maxmemory-policy") == {
            "port": "0",
            "appendonly": "yes",
            "maxmemory-policy": "noeviction",
        }


def test_what_it_holds_is_there_again(place: Path) -> None:
    with valkey.Valkey(place / "vk") as server, _client(server.url) as client:
        client.set("key", "value")
    with valkey.Valkey(place / "vk") as server, _client(server.url) as client:
        assert client.get("key") == b"value"


def test_files_that_cannot_be_read_are_thrown_away(place: Path) -> None:
    with valkey.Valkey(place / "vk") as server, _client(server.url) as client:
        client.set("key", "value")
    for file in (server.files / "appendonlydir").iterdir():
        file.write_bytes(b"*3\r\n$1000\r\nnot what it wrote")
    with valkey.Valkey(place / "vk") as server, _client(server.url) as client:
        assert client.get("key") is None


def test_a_killed_server_is_followed_by_a_new_one(place: Path) -> None:
    server = valkey.Valkey(place / "vk")
    server.start()
    server.process.kill()
    server.process.wait()
    assert server.socket_path.exists()
    with valkey.Valkey(place / "vk") as again, _client(again.url) as client:
        assert client.ping()


def test_a_living_server_is_not_disturbed(place: Path) -> None:
    with valkey.Valkey(place / "vk") as first, _client(first.url) as client:
        with pytest.raises(errors.AlreadyRunning):
            valkey.Valkey(place / "vk").start()
        assert client.ping()


def test_by_root_it_runs_as_nobody(place: Path) -> None:
    with valkey.Valkey(place / "vk") as server:
        uid = Path(f"/proc/{server.process.pid}").stat().st_uid
        assert uid == (65534 if os.geteuid() == 0 else os.geteuid())


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("unix:///run/x/valkey.sock?db=0", "redis+socket:///run/x/valkey.sock?virtual_host=0"),
        ("unix:///run/x/valkey.sock?db=3", "redis+socket:///run/x/valkey.sock?virtual_host=3"),
        ("unix:///run/x/valkey.sock", "redis+socket:///run/x/valkey.sock?virtual_host=0"),
        ("redis://valkey.example:6379/1", "redis://valkey.example:6379/1"),
        ("rediss://valkey.example/1", "rediss://valkey.example/1"),
    ],
)
def test_the_url_of_the_broker(url: str, wanted: str) -> None:
    assert valkey.celery_url(url) == wanted
