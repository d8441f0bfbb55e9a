"""What no single field can say: order of instants, references, overlaps, whole hours."""

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from billing.ledger.world.building import Members, span
from billing.ledger.world.fields import Faults
from portal.core import periods
from portal.core.periods import Period

LONGEST = timedelta(days=400)
# Lists whose entries have a span; "inner" lists are checked with their owner.
SPANNED = {
    "clusters": (),
    "nodes": (),
    "segments": ("usage",),
    "volumes": ("claims", "mounts"),
    "load_balancers": ("pods",),
    "network": (),
    "fees": (),
    "prices": (),
    "memberships": (),
    "projects": (),
    "shared": (),
    "rules": (),
}
ON_WHOLE_HOURS = ("fees", "prices", "rules")


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry and its path."""

    path: str
    members: Members


def check(world: Members, faults: Faults) -> None:
    """Note every fault of a world whose fields are sound by themselves."""
    _settings(world, faults)
    _order(Entry("window", world["window"]), faults)
    for name, inner in SPANNED.items():
        for entry in _entries(world, name):
            _order(entry, faults)
            for deeper in inner:
                for one in _inner(entry, deeper):
                    _order(one, faults)
    if faults.found:
        return
    if span(world["window"]).end - span(world["window"]).start > LONGEST:
        faults.add("window", f"longer than {LONGEST.days} days")
    for name in ON_WHOLE_HOURS:
        for entry in _entries(world, name):
            _whole_hours(entry, faults)
    _references(world, faults)
    _sizes(world, faults)
    _units(world, faults)
    _unique(world, "clusters", ("id",), faults)
    _unique(world, "namespaces", ("cluster", "uid"), faults)
    if not faults.found:
        _overlaps(world, faults)


def zone_of(name: str) -> ZoneInfo | None:
    """Return a time zone by name, None where there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def _entries(world: Members, name: str) -> list[Entry]:
    return [Entry(f"{name}[{index}]", one) for index, one in enumerate(world[name] or ())]


def _inner(entry: Entry, name: str) -> list[Entry]:
    return [Entry(f"{entry.path}.{name}[{index}]", one) for index, one in enumerate(entry.members[name])]


def _settings(world: Members, faults: Faults) -> None:
    if not re.fullmatch("[A-Z]{3}", world["currency"]):
        faults.add("currency", "not a code of three capital letters")
    if zone_of(world["time_zone"]) is None:
        faults.add("time_zone", "no such time zone")


def _order(entry: Entry, faults: Faults) -> None:
    start, end = entry.members["from"], entry.members["to"]
    if start is not None and end is not None and start >= end:
        faults.add(f"{entry.path}.to", "not after from")


def _whole_hours(entry: Entry, faults: Faults) -> None:
    for edge in ("from", "to"):
        instant = entry.members[edge]
        if instant is not None and instant != periods.floor_hour(instant):
            faults.add(f"{entry.path}.{edge}", "not a whole hour (UTC)")


def _references(world: Members, faults: Faults) -> None:
    clusters = {one["id"] for one in world["clusters"]}
    for name in (*SPANNED, "namespaces"):
        for entry in _entries(world, name):
            if "cluster" in entry.members and entry.members["cluster"] not in clusters:
                faults.add(f"{entry.path}.cluster", "no such cluster")
    for entry in _entries(world, "prices"):
        for index, cluster in enumerate(entry.members["clusters"]):
            if cluster not in clusters:
                faults.add(f"{entry.path}.clusters[{index}]", "no such cluster")
    _pod_references(world, faults)


def _pod_references(world: Members, faults: Faults) -> None:
    nodes = {(one["cluster"], one["uid"]) for one in world["nodes"]}
    pods = {(one["cluster"], one["uid"]) for one in world["segments"]}
    for entry in _entries(world, "segments"):
        node = entry.members["node"]
        if node is not None and (entry.members["cluster"], node) not in nodes:
            faults.add(f"{entry.path}.node", "no such node in the cluster")
    for name, inner in (("volumes", "mounts"), ("load_balancers", "pods")):
        for entry in _entries(world, name):
            for one in _inner(entry, inner):
                if (entry.members["cluster"], one.members["pod"]) not in pods:
                    faults.add(f"{one.path}.pod", "no such pod among the segments of the cluster")


def _sizes(world: Members, faults: Faults) -> None:
    for entry in _entries(world, "nodes"):
        allocatable = entry.members["allocatable"]
        for resource, offered in (allocatable or {}).items():
            if offered is not None and offered > entry.members["capacity"][resource]:
                faults.add(f"{entry.path}.allocatable.{resource}", "more than the capacity")
    for entry in _entries(world, "segments"):
        life = span(entry.members)
        for one in _inner(entry, "usage"):
            held = span(one.members, life)
            if held.start >= held.end or held.clip(life) != held:
                faults.add(one.path, "not inside its segment")


def _units(world: Members, faults: Faults) -> None:
    for entry in _entries(world, "prices"):
        if entry.members["asset"] == "network" and entry.members["unit"]:
            faults.add(f"{entry.path}.unit", "a price per GiB sent has none")
        if entry.members["asset"] != "network" and not entry.members["unit"]:
            faults.add(f"{entry.path}.unit", "missing: hour or month")


def _overlaps(world: Members, faults: Faults) -> None:
    """Refuse two entries of one thing at one time; nothing is ever counted twice."""
    for name, key in (
        ("nodes", ("cluster", "uid")),
        ("segments", ("cluster", "uid")),
        ("volumes", ("cluster", "uid")),
        ("load_balancers", ("cluster", "uid")),
        ("fees", ("cluster", "id")),
        ("memberships", ("cluster", "namespace")),
        ("projects", ("project",)),
        ("shared", ("cluster", "namespace")),
        ("rules", ("cluster",)),
    ):
        entries = _entries(world, name)
        _apart([(tuple(one.members[part] for part in key), span(one.members), one.path) for one in entries], faults)
    _apart_prices(world, faults)
    for entry in _entries(world, "segments"):
        life = span(entry.members)
        samples = _inner(entry, "usage")
        _apart([((), span(one.members, life), one.path) for one in samples], faults)
    claims = [
        ((entry.members["cluster"], entry.members["uid"]), span(one.members), one.path)
        for entry in _entries(world, "volumes")
        for one in _inner(entry, "claims")
    ]
    _apart(claims, faults)


def _apart_prices(world: Members, faults: Faults) -> None:
    columns = ("asset", "instance_type", "region", "class", "storage_class", "provider_id")
    clusters = [one["id"] for one in world["clusters"]]
    _apart(
        [
            ((cluster, *(entry.members[column] for column in columns)), span(entry.members), entry.path)
            for entry in _entries(world, "prices")
            for cluster in entry.members["clusters"] or clusters
        ],
        faults,
    )


def _unique(world: Members, name: str, key: Sequence[str], faults: Faults) -> None:
    seen: dict[Hashable, str] = {}
    for entry in _entries(world, name):
        value = tuple(entry.members[part] for part in key)
        if value in seen:
            faults.add(f"{entry.path}.{key[-1]}", f"the same as {seen[value]}")
        seen.setdefault(value, entry.path)


def _apart(entries: Iterable[tuple[Hashable, Period, str]], faults: Faults) -> None:
    """Note every entry that overlaps an earlier one with the same key, by the path that comes later."""
    by_key: dict[Hashable, list[tuple[Period, str]]] = defaultdict(list)
    for key, held, path in entries:
        by_key[key].append((held, path))
    for group in by_key.values():
        _apart_in_group(group, faults)


def _apart_in_group(group: Sequence[tuple[Period, str]], faults: Faults) -> None:
    last: tuple[Period, str] | None = None
    for held, path in sorted(group, key=lambda one: one[0]):
        if last is not None and held.start < last[0].end:
            faults.add(path, f"overlaps {last[1]}")
        if last is None or held.end > last[0].end:
            last = (held, path)
