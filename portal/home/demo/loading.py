"""Loading the demo: step by step, each of which may be repeated.

Killed anywhere, the next call goes on with the same world; loaded already, it only sees to it that the simulator
serves the clusters. A demo that was removed stays away until it is asked for with `again`.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from clusters.registry.models import Cluster
from portal.core import clock, errors
from portal.core.actors import Actor
from portal.home.demo import attaching, files, memory, owners, prices, reading, removing, world
from portal.home.demo.catalogue.organisation import SITES
from portal.home.demo.simulator import Simulator
from portal.home.demo.world.calendar import WINDOW

Say = Callable[[str], None]
# Far more than any date was seen to need.
_SEEDS = 20


@dataclass
class Loaded:
    """What a call did, as one sentence."""

    text: str


@dataclass
class _Load:
    """One call in progress."""

    document: dict[str, Any]
    by: Actor
    say: Say
    simulator: Simulator
    clusters: dict[str, Cluster] = field(default_factory=dict)

    @property
    def at(self) -> datetime:
        """Return the world's now."""
        return datetime.fromisoformat(self.document["at"])

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Say how long a step took."""
        begun = time.monotonic()
        yield
        self.say(f"  {name:<28}{time.monotonic() - begun:6.1f} s")


def load(*, by: Actor, say: Say, again: bool = False) -> Loaded:
    """Bring the demo in. Raises `Refused` where the simulator does not answer, `Conflict` while another call runs."""
    memory.hold()
    try:
        if memory.last() == memory.REMOVED and not memory.anything_left() and not again:
            return Loaded(_("The demo was removed. To load it again: manage.py load_demo --again"))
        if memory.last() == memory.LOADED and memory.anything_left():
            _serve_again(by)
            return Loaded(_("The demo is loaded."))
        return _load(by, say)
    finally:
        memory.release()


def _load(by: Actor, say: Say) -> Loaded:
    begun = time.monotonic()
    simulator = Simulator()
    going = _Load(_world(by), by, say, simulator)
    with going.step(_("Prices")):
        prices.bring(at=going.at, by=by)
    with going.step(_("Clusters and their past")):
        _attach(going)
    with going.step(_("First sync")):
        reading.sync(going.clusters.values())
    with going.step(_("Teams, projects and people")):
        owners.bring(going.clusters, at=going.at, by=by)
    with going.step(_("Segments")):
        reading.fold(going.clusters.values())
    with going.step(_("Hours of five weeks")):
        hours = reading.close(going.clusters.values(), _since(going.at))
    about = {name: going.document[name] for name in ("at", "seed", "edition")}
    memory.note(memory.LOADED, by=by, **about, hours=hours)
    return Loaded(
        _("%(clusters)d clusters, %(hours)s hours of cost, in %(seconds).0f s")
        % {"clusters": len(going.clusters), "hours": f"{hours:,}", "seconds": time.monotonic() - begun}
    )


def _since(at: datetime) -> datetime:
    return (at - WINDOW).replace(hour=0, minute=0, second=0)


def _world(by: Actor) -> dict[str, Any]:
    """Return the world to go on with, or a new one whose now is this moment."""
    known = files.read()
    if known is not None and known["edition"] == world.EDITION and memory.anything_left():
        return known
    if memory.anything_left():
        # Half a demo whose world is lost: its uids and instants cannot be made again.
        removing.erase()
    document = _new_world(clock.now())
    files.write(document)
    return document


def _new_world(at: datetime) -> dict[str, Any]:
    """Return a world for an instant: of the first seed whose pods find room on their machines."""
    for seed in range(world.SEED, world.SEED + _SEEDS):
        with suppress(world.WorldError):
            return world.build(seed=seed, at=at)
    raise errors.Refused.one("", _("No world could be made for this moment; try again."))


def _attach(going: _Load) -> None:
    described = {one["slug"]: one for one in going.document["clusters"]}
    for site in SITES:
        kubeconfig = going.simulator.load(described[site.slug])
        records = going.document["past"][site.slug]
        going.clusters[site.slug] = attaching.attach(described[site.slug], site.name, kubeconfig, records, by=going.by)


def _serve_again(by: Actor) -> None:
    """Have the simulator serve what it lost, and follow clusters to where it serves them now."""
    simulator = Simulator()
    served = simulator.served()
    for one in _known_world()["clusters"]:
        kubeconfig = served[one["slug"]] if one["slug"] in served else simulator.load(one)
        cluster = Cluster.objects.attached().filter(is_demo=True, kube_system_uid=one["kube_system_uid"]).first()
        if cluster is not None:
            attaching.follow(cluster, kubeconfig, by=by)


def _known_world() -> dict[str, Any]:
    """Return the world that was loaded: as it was written, else made again of what the audit remembers.

    Raises `Refused` where another version of Paddock made it.
    """
    document, remembered = files.read(), memory.loaded_world()
    if remembered is None:
        raise errors.Refused.one("", _("It is not known which demo was loaded."))
    if document is not None and datetime.fromisoformat(document["at"]) == remembered.at:
        return document
    if remembered.edition != world.EDITION:
        raise errors.Refused.one(
            "", _("The demo was made by another version of Paddock and its world file is lost. Remove it first.")
        )
    document = world.build(seed=remembered.seed, at=remembered.at)
    files.write(document)
    return document
