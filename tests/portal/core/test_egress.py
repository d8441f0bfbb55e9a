"""Which addresses may be reached for a cluster, and that the judged address is the one connected to."""

import socket
import time
from typing import Any

import pytest

from portal.core import egress

REFUSED = [
    "169.254.169.254",
    "169.254.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "0.0.0.0",
    "0.1.2.3",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "fe80::1",
    "fe80::1%1",
    "fec0::1",
    "ff02::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "::ffff:169.254.169.254",
    "::ffff:0.0.0.0",
    "::ffff:224.0.0.1",
    "::169.254.169.254",
    "2002:a9fe:a9fe::1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2001:0:1:2::1",
    "100::1",
]
LOOPBACK = ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1"]
ALLOWED = ["10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "203.0.113.9", "fd00::1", "2a00::1", "::ffff:a00:1"]
ODD_FORMS = ["0x7f000001", "2130706433", "127.1", "0177.0.0.1", "127.0.0.01", "10.0.0.1.2", "api.0x1", "1.2.3.4.", "0x"]
NO_NAMES = ["", ".", "a..b", "-a.example", "a-.example", "a b", "a/b", "a@b", "exa%mple", "bücher.example", "x" * 300]


@pytest.mark.parametrize("host", REFUSED)
def test_refused_always(host: str) -> None:
    with pytest.raises(egress.AddressRefused):
        egress.resolve(host, 443, allow_loopback=True)
    with pytest.raises(egress.AddressRefused):
        egress.check_host(host)


@pytest.mark.parametrize("host", LOOPBACK)
def test_loopback_only_where_allowed(host: str) -> None:
    assert egress.resolve(host, 443, allow_loopback=True)
    with pytest.raises(egress.AddressRefused):
        egress.resolve(host, 443, allow_loopback=False)


@pytest.mark.parametrize("host", ALLOWED)
def test_private_and_public_addresses_are_allowed(host: str) -> None:
    (address,) = egress.resolve(host, 6443, allow_loopback=False)
    assert (address.ip, address.port) == (host, 6443)


@pytest.mark.parametrize("host", [*ODD_FORMS, *NO_NAMES])
def test_other_forms_are_refused_without_a_look_up(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _never)
    with pytest.raises(egress.AddressRefused):
        egress.resolve(host, 443, allow_loopback=True)


@pytest.mark.parametrize(
    "host", ["api.example.com", "api.example.com.", "a_b.example", "node-1", "1password.com", "x1"]
)
def test_names(host: str) -> None:
    assert egress.check_host(host) is None


def _never(*_: Any, **__: Any) -> Any:
    raise AssertionError("nothing was to be looked up")


def answering(monkeypatch: pytest.MonkeyPatch, *ips: str) -> None:
    """Stands in for the name servers."""
    rows = [(socket.AF_INET6 if ":" in ip else socket.AF_INET, 1, 6, "", (ip, 443)) for ip in ips]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: rows)


def test_a_name_gives_its_addresses_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, "fd00::2", "10.0.0.2", "10.0.0.2")
    found = egress.resolve("api.example", 6443, allow_loopback=False)
    assert [address.sockaddr for address in found] == [("fd00::2", 6443, 0, 0), ("10.0.0.2", 6443)]


@pytest.mark.parametrize("bad", ["169.254.169.254", "127.0.0.1", "fe80::1", "::ffff:169.254.1.1"])
def test_one_bad_address_refuses_the_name(monkeypatch: pytest.MonkeyPatch, bad: str) -> None:
    answering(monkeypatch, "10.0.0.2", bad)
    with pytest.raises(egress.AddressRefused):
        egress.resolve("api.example", 443, allow_loopback=False)


def test_a_name_without_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(egress.NameNotResolved):
        egress.resolve("nowhere.example", 443, allow_loopback=False)


def test_a_resolver_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: Any, **__: Any) -> list[Any]:
        time.sleep(2)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    started = time.monotonic()
    with pytest.raises(egress.NameNotResolved):
        egress.resolve("slow.example", 443, allow_loopback=False, seconds=0.2)
    assert time.monotonic() - started < 1
