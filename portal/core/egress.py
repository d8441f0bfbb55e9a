"""Where Paddock may connect to. Names are resolved here, every address is judged, and the caller connects to
the judged address itself, so that a name cannot mean something else a moment later.

The rules are those for clusters: private networks are allowed, because clusters live there; what a server
must never be talked into reaching is not: link-local and metadata addresses, multicast, the unspecified and
reserved ones, and loopback unless the operator allows it.
"""

import ipaddress
import queue
import re
import socket
import threading
from dataclasses import dataclass
from typing import TypeAlias

IP: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

RESOLVE_SECONDS = 5.0

METADATA = tuple(
    ipaddress.ip_network(network)
    for network in (
        "169.254.0.0/16",  # link-local; the metadata service of most clouds
        "fd00:ec2::/32",  # AWS, over IPv6
        "fd20:ce::254/128",  # Google, over IPv6
        "100.100.100.200/32",  # Alibaba
        "168.63.129.16/32",  # Azure's host agent
    )
)
RESERVED = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata among them
        "240.0.0.0/4",  # reserved, and broadcast
        "100::/64",  # discard only
        "fec0::/10",  # site-local of old
        "2001::/32",  # Teredo: hides any IPv4 address behind another
        "64:ff9b:1::/48",  # local translation: hides an IPv4 address in a way only its network knows
    )
)
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
IPV4_COMPATIBLE = ipaddress.IPv6Network("::/96")

_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)", re.ASCII)
# A last label of digits, or in hexadecimal, makes some resolvers read the whole name as a number.
_NUMBER = re.compile(r"(?:\d+|0[xX][0-9a-fA-F]*)", re.ASCII)


class AddressRefused(Exception):
    """`reason` is a text for people."""

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(f"{host}: {reason}")
        self.host = host
        self.reason = reason


class NameNotResolved(Exception):
    def __init__(self, host: str) -> None:
        super().__init__(f"the name {host} could not be resolved")
        self.host = host


@dataclass(frozen=True, slots=True)
class Address:
    """A judged address: connect to exactly this."""

    family: socket.AddressFamily
    ip: str
    port: int

    @property
    def sockaddr(self) -> tuple[str, int] | tuple[str, int, int, int]:
        return (self.ip, self.port) if self.family == socket.AF_INET else (self.ip, self.port, 0, 0)


def check_host(host: str) -> IP | None:
    """The address when `host` is written as one, None for a name. Looks nothing up; raises AddressRefused.

    An address written as one is judged except for loopback, which `resolve` decides.
    """
    address = _literal(host)
    if address is not None:
        judge(address, host, allow_loopback=True)
        return address
    labels = host.removesuffix(".").split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise AddressRefused(host[:253], "not a host name")
    if _NUMBER.fullmatch(labels[-1]):
        raise AddressRefused(host, "an address in an unusual form")
    return None


def resolve(host: str, port: int, *, allow_loopback: bool, seconds: float = RESOLVE_SECONDS) -> list[Address]:
    """At least one address, each judged. One refused address refuses the name. Waits at most `seconds`."""
    literal = check_host(host)
    found = [literal] if literal is not None else _look_up(host, port, seconds)
    for address in found:
        judge(address, host, allow_loopback=allow_loopback)
    return [Address(socket.AF_INET if ip.version == 4 else socket.AF_INET6, str(ip), port) for ip in found]


def judge(address: IP, host: str, *, allow_loopback: bool) -> None:
    """Raises AddressRefused. An IPv4 address inside an IPv6 one is judged as well."""
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        raise AddressRefused(host, "an address of one link only")
    inner = _inner(address)
    if inner is not None:
        judge(inner, host, allow_loopback=allow_loopback)
        return
    reason = _fault(address, allow_loopback)
    if reason:
        raise AddressRefused(host, reason)


def is_public(address: IP) -> bool:
    """Whether the address belongs to the internet at large; judged by the IPv4 address inside, where one is."""
    inner = _inner(address)
    return (inner or address).is_global


def _fault(address: IP, allow_loopback: bool) -> str:
    if any(address in network for network in METADATA) or address.is_link_local:
        return "a link-local or metadata address"
    if address.is_loopback:
        return "" if allow_loopback else "an address of this machine itself"
    if address.is_unspecified:
        return "the unspecified address"
    if address.is_multicast:
        return "a multicast address"
    if any(address in network for network in RESERVED):
        return "a reserved address"
    return ""


def _inner(address: IP) -> ipaddress.IPv4Address | None:
    if isinstance(address, ipaddress.IPv4Address) or address.is_loopback or address.is_unspecified:
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in NAT64 or address in IPV4_COMPATIBLE:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _literal(host: str) -> IP | None:
    try:
        # Strict: four decimal numbers without leading zeros, or IPv6. Short, octal and hexadecimal forms fail.
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _look_up(host: str, port: int, seconds: float) -> list[IP]:
    """The system's resolver cannot be interrupted, so it runs beside and is left behind when it is too slow."""
    answers: queue.SimpleQueue[list[IP]] = queue.SimpleQueue()
    threading.Thread(target=_ask_resolver, args=(host, port, answers), daemon=True).start()
    try:
        found = answers.get(timeout=seconds)
    except queue.Empty:
        found = []
    if not found:
        raise NameNotResolved(host)
    return found


def _ask_resolver(host: str, port: int, answers: "queue.SimpleQueue[list[IP]]") -> None:
    try:
        rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        found = list(dict.fromkeys(ipaddress.ip_address(row[4][0]) for row in rows))
    except (OSError, ValueError):
        found = []
    answers.put(found)
