"""Who holds a namespace when, and whether it is shared: an hour is cut exactly where that changes."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from billing.ledger.allocation import model
from portal.core.periods import Period


@dataclass(frozen=True, slots=True)
class Owner:
    """Team None is unassigned; a project without a team keeps its project."""

    team: str | None = None
    project: str | None = None
    shared: bool = False


NOBODY = Owner()


class Dated:
    """Values that hold in spans that never overlap."""

    def __init__(self, entries: Iterable[tuple[Period, str]]) -> None:
        self._entries = sorted(entries)
        self._starts = [span.start for span, _ in self._entries]

    def at(self, instant: datetime) -> str | None:
        """Return the value in force, None where there is none."""
        index = bisect_right(self._starts, instant) - 1
        if index >= 0 and instant < self._entries[index][0].end:
            return self._entries[index][1]
        return None

    def values(self) -> set[str]:
        """Return every value that holds at some time."""
        return {value for _, value in self._entries}

    def changes(self) -> list[datetime]:
        """Return every instant at which something begins or ends."""
        return [instant for span, _ in self._entries for instant in (span.start, span.end)]


class Ownership:
    """Answers from the dated rows of a world."""

    def __init__(self, world: model.World) -> None:
        holders: dict[tuple[str, str], list[tuple[Period, str]]] = defaultdict(list)
        for held in world.memberships:
            holders[held.cluster, held.namespace].append((held.span, held.project))
        owners: dict[str, list[tuple[Period, str]]] = defaultdict(list)
        for owned in world.projects:
            owners[owned.project].append((owned.span, owned.team))
        shared: dict[tuple[str, str], list[tuple[Period, str]]] = defaultdict(list)
        for entry in _shared(world):
            shared[entry.cluster, entry.name].append((entry.span, entry.name))
        self._holders = {key: Dated(spans) for key, spans in holders.items()}
        self._owners = {key: Dated(spans) for key, spans in owners.items()}
        self._shared = {key: Dated(spans) for key, spans in shared.items()}
        self._names = {(one.cluster, one.uid): one.name for one in world.namespaces}
        self._changes: dict[tuple[str, str], list[datetime]] = {}

    def name(self, cluster: str, namespace: str | None) -> str:
        """Return the name of a namespace uid; a uid no row names stands for itself."""
        return "" if namespace is None else self._names.get((cluster, namespace), namespace)

    def parts(self, cluster: str, namespace: str, span: Period) -> list[tuple[Period, Owner]]:
        """Cut a span where the namespace's owner or shared mark changes, and nowhere else."""
        instants = self._instants(cluster, namespace)
        first = bisect_right(instants, span.start)
        cuts = [span.start]
        for instant in instants[first:]:
            if instant >= span.end:
                break
            cuts.append(instant)
        merged: list[tuple[Period, Owner]] = []
        for start, end in zip(cuts, [*cuts[1:], span.end], strict=True):
            owner = self._owner(cluster, namespace, start)
            if merged and merged[-1][1] == owner:
                merged[-1] = (Period(merged[-1][0].start, end), owner)
            else:
                merged.append((Period(start, end), owner))
        return merged

    def _owner(self, cluster: str, namespace: str, instant: datetime) -> Owner:
        holder = self._holders.get((cluster, namespace))
        project = holder.at(instant) if holder else None
        owners = self._owners.get(project) if project else None
        shared = self._shared.get((cluster, self.name(cluster, namespace)))
        return Owner(
            team=owners.at(instant) if owners else None,
            project=project,
            shared=shared is not None and shared.at(instant) is not None,
        )

    def _instants(self, cluster: str, namespace: str) -> list[datetime]:
        key = (cluster, namespace)
        if key not in self._changes:
            dated = [self._holders.get(key), self._shared.get((cluster, self.name(cluster, namespace)))]
            holder = self._holders.get(key)
            for project in sorted(holder.values()) if holder else ():
                dated.append(self._owners.get(project))
            self._changes[key] = sorted({instant for one in dated if one for instant in one.changes()})
        return self._changes[key]


def _shared(world: model.World) -> Iterable[model.SharedNamespace]:
    if world.shared is not None:
        return world.shared
    return [model.SharedNamespace(cluster.id, name) for cluster in world.clusters for name in model.SHARED_BY_DEFAULT]
