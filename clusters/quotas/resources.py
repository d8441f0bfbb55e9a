"""What a ResourceQuota can limit: each name that Kubernetes knows, its unit, and how its amounts are read and written.

Amounts are whole numbers in the smallest unit: thousandths of a core, bytes, pieces.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clusters.kube import quantities
from portal.core import formats

# More than any cluster has, and far inside what the server's own 64 bits hold.
MOST = 10**18 - 1
LONGEST = 253


class Unit(StrEnum):
    """The smallest unit an amount is counted in."""

    MILLI = "milli"
    BYTES = "bytes"
    PIECES = "pieces"


class UnknownResource(ValueError):
    """No resource of this name can be limited."""


class BadAmount(ValueError):
    """Not an amount of this resource: no quantity, negative, or more than anything has."""


_NAMED: dict[str, tuple[Unit, str | Promise]] = {
    "requests.cpu": (Unit.MILLI, gettext_lazy("CPU requested")),
    "limits.cpu": (Unit.MILLI, gettext_lazy("CPU limits")),
    "requests.memory": (Unit.BYTES, gettext_lazy("Memory requested")),
    "limits.memory": (Unit.BYTES, gettext_lazy("Memory limits")),
    "requests.ephemeral-storage": (Unit.BYTES, gettext_lazy("Scratch space requested")),
    "limits.ephemeral-storage": (Unit.BYTES, gettext_lazy("Scratch space limits")),
    "requests.nvidia.com/gpu": (Unit.PIECES, gettext_lazy("NVIDIA GPUs")),
    "requests.amd.com/gpu": (Unit.PIECES, gettext_lazy("AMD GPUs")),
    "requests.storage": (Unit.BYTES, gettext_lazy("Storage requested")),
    "persistentvolumeclaims": (Unit.PIECES, gettext_lazy("Volume claims")),
    "pods": (Unit.PIECES, gettext_lazy("Pods")),
    "services": (Unit.PIECES, gettext_lazy("Services")),
    "services.loadbalancers": (Unit.PIECES, gettext_lazy("Load balancers")),
    "services.nodeports": (Unit.PIECES, gettext_lazy("Node ports")),
    "configmaps": (Unit.PIECES, gettext_lazy("ConfigMaps")),
    "secrets": (Unit.PIECES, gettext_lazy("Secrets")),
    "replicationcontrollers": (Unit.PIECES, gettext_lazy("Replication controllers")),
    "resourcequotas": (Unit.PIECES, gettext_lazy("Quotas")),
}
# Two names of one thing to the server; one of them is kept.
_SAME = {
    "cpu": "requests.cpu",
    "memory": "requests.memory",
    "ephemeral-storage": "requests.ephemeral-storage",
}
_DOMAIN = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*"
_NAME = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?"
_PATTERNS: tuple[tuple[re.Pattern[str], Unit], ...] = (
    (re.compile(rf"{_DOMAIN}\.storageclass\.storage\.k8s\.io/requests\.storage", re.ASCII), Unit.BYTES),
    (re.compile(rf"{_DOMAIN}\.storageclass\.storage\.k8s\.io/persistentvolumeclaims", re.ASCII), Unit.PIECES),
    (re.compile(rf"count/{_DOMAIN}", re.ASCII), Unit.PIECES),
    (re.compile(r"(?:requests\.|limits\.)?hugepages-[1-9]\d*[KMGT]i", re.ASCII), Unit.BYTES),
    # Devices: the server takes requests of these alone, and never of its own domain.
    (re.compile(rf"requests\.(?!(?:[^/]*\.)?kubernetes\.io/){_DOMAIN}/{_NAME}", re.ASCII), Unit.PIECES),
)
_STORAGE_CLASS = ".storageclass.storage.k8s.io/"
# The names a form offers; others are typed.
OFFERED = (
    "requests.cpu",
    "limits.cpu",
    "requests.memory",
    "limits.memory",
    "requests.nvidia.com/gpu",
    "requests.storage",
    "persistentvolumeclaims",
    "pods",
    "services.loadbalancers",
)


def name_of(text: str) -> str:
    """Return the one name that is kept for what was typed. Raises `UnknownResource`."""
    wanted = text.strip()
    known = _SAME.get(wanted, wanted)
    unit_of(known)
    return known


def unit_of(name: str) -> Unit:
    """Return what amounts of a resource are counted in. Raises `UnknownResource`."""
    kept = _SAME.get(name, name)
    if kept in _NAMED:
        return _NAMED[kept][0]
    if len(kept) <= LONGEST:
        for pattern, unit in _PATTERNS:
            if pattern.fullmatch(kept):
                return unit
    raise UnknownResource(name[:LONGEST])


def parse(name: str, text: str | int) -> int:
    """Return an amount in the smallest unit, rounded up as the server does. Raises `UnknownResource`, `BadAmount`."""
    unit = unit_of(name)
    try:
        amount = quantities.parse(text)
    except quantities.BadQuantity:
        raise BadAmount(str(text)[:64]) from None
    exact = amount * (1000 if unit == Unit.MILLI else 1)
    if not 0 <= exact <= MOST:
        raise BadAmount(str(text)[:64])
    if unit == Unit.PIECES and exact != exact.to_integral_value():
        raise BadAmount(str(text)[:64])
    return quantities.milli(text) if unit == Unit.MILLI else quantities.whole(text)


def parse_seen(amounts: Mapping[str, str]) -> dict[str, int]:
    """Return what a ResourceQuota of a cluster says, by kept name; what is no amount is left out."""
    found: dict[str, int] = {}
    for name, text in amounts.items():
        try:
            found[name_of(name)] = parse(name, text)
        except (UnknownResource, BadAmount):
            continue
    return found


def written(name: str, amount: int) -> str:
    """Return the amount as Kubernetes writes it: `1500m`, `2`, `3Gi`, `12`."""
    unit = unit_of(name)
    if unit == Unit.MILLI:
        return f"{amount}m" if amount % 1000 else str(amount // 1000)
    if unit == Unit.BYTES:
        for power, suffix in ((4, "Ti"), (3, "Gi"), (2, "Mi"), (1, "Ki")):
            if amount and amount % 1024**power == 0:
                return f"{amount // 1024**power}{suffix}"
    return str(amount)


def shown(name: str, amount: int) -> str:
    """Return the amount for people."""
    unit = unit_of(name)
    if unit == Unit.MILLI:
        return formats.cpu(amount)
    if unit == Unit.BYTES:
        return formats.size(amount)
    return formats.number(Decimal(amount))


def label(name: str) -> str:
    """Return the resource's name for people."""
    kept = _SAME.get(name, name)
    if kept in _NAMED:
        return str(_NAMED[kept][1])
    if _STORAGE_CLASS in kept:
        storage_class, what = kept.split(_STORAGE_CLASS, 1)
        words = _("Storage of class %s") if what == "requests.storage" else _("Volume claims of class %s")
        return words % storage_class
    if kept.startswith("count/"):
        return _("Number of %s") % kept.removeprefix("count/")
    return kept.removeprefix("requests.")


def one_more(name: str) -> int:
    """Return the least share of a pool with which a namespace can start anything at all."""
    return {Unit.MILLI: 100, Unit.BYTES: 128 * 1024**2, Unit.PIECES: 1}[unit_of(name)]
