"""Claims and volumes: of StatefulSets, beside them, left over, and those that are gone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from portal.home.demo.catalogue.shapes import Disk, Space
from portal.home.demo.world import pods
from portal.home.demo.world.chance import Chance
from portal.home.demo.world.lives import Lived, SiteLife


@dataclass(frozen=True)
class Store:
    """A claim with its volume, or one of both. Sizes in GiB; `grown_at` is when it grew from `size_before`.

    `claim` and `volume` are uids, "" where there is none: a claim that waits has no volume, a released volume's
    claim is no longer there (`claim_gone`).
    """

    space: Space
    name: str
    claim: str
    volume: str
    size: int
    storage_class: str
    born: datetime
    phase: Literal["Bound", "Available", "Released", "Pending"]
    gone: datetime | None = None
    grown_at: datetime | None = None
    size_before: int = 0

    @property
    def volume_name(self) -> str:
        """Return the name of the volume, made of its claim's uid as provisioners do."""
        return f"pvc-{self.claim or self.volume}"

    @property
    def claim_there(self) -> bool:
        """Tell whether the claim is an object of now."""
        return self.gone is None and self.phase in ("Bound", "Pending")


def of(life: SiteLife, seed: int) -> list[Store]:
    """Return every claim and volume that was there in the window."""
    found = [store for lived in life.apps if lived.app.storage for store in _of_stateful_set(lived, life, seed)]
    for space in life.site.spaces:
        chance = Chance(seed, life.site.slug, space.name, "disks")
        found += [_of_disk(space, disk, life.at, chance) for disk in space.disks]
    return found


def _of_stateful_set(lived: Lived, life: SiteLife, seed: int) -> Iterator[Store]:
    app = lived.app
    chance = Chance(seed, life.site.slug, lived.space.name, app.name, "claims")
    days, before = app.expanded
    for replica in range(app.replicas):
        grown_at = life.at - timedelta(days=days, minutes=7 * replica) if days else None
        yield Store(
            space=lived.space,
            name=f"data-{app.name}-{replica}",
            claim=chance.uid(),
            volume=chance.uid(),
            size=app.storage,
            storage_class=app.storage_class,
            born=pods.presence(app, replica, life.at, lived.born)[0].start,
            phase="Bound",
            grown_at=grown_at,
            size_before=before,
        )


def _of_disk(space: Space, disk: Disk, at: datetime, chance: Chance) -> Store:
    born = at - timedelta(days=min(disk.age, space.age), hours=chance.within(0, 9))
    claim, volume = chance.uid(), chance.uid()
    return Store(
        space=space,
        name=disk.name,
        claim="" if disk.state == "Available" else claim,
        volume="" if disk.state == "Pending" else volume,
        size=disk.size,
        storage_class=disk.storage_class,
        born=born,
        phase="Bound" if disk.state == "Deleted" else disk.state,
        gone=at - timedelta(days=disk.gone, minutes=chance.within(0, 600)) if disk.gone else None,
    )
