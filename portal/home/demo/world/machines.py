"""The machines of a cluster: old ones, those that joined, and those that come for the working week."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from portal.home.demo.catalogue.shapes import Pool, Site
from portal.home.demo.world import calendar
from portal.home.demo.world.calendar import Span
from portal.home.demo.world.chance import Chance
from portal.home.demo.world.lives import Machine

_OLDEST = (90, 200)
_EARLY = timedelta(minutes=20)


def of(site: Site, seed: int, at: datetime) -> list[Machine]:
    """Return every machine that was there in the window, by pool and age."""
    found: list[Machine] = []
    for pool in site.pools:
        chance = Chance(seed, site.slug, "machines", pool.name)
        for number, span in enumerate(_spans(pool, at, chance), start=1):
            down = pool.down >= number
            found.append(_machine(site, pool, number, span, chance, down=down))
    return found


def _spans(pool: Pool, at: datetime, chance: Chance) -> Iterator[Span]:
    for number in range(pool.count):
        late = number - (pool.count - len(pool.joined))
        days = pool.joined[late] if late >= 0 else chance.within(*_OLDEST)
        # In the morning, before the pods that need it.
        morning = (at - timedelta(days=days)).replace(hour=5, minute=chance.within(0, 59), second=chance.within(0, 59))
        yield Span(min(morning, at - timedelta(days=days)), None)
    for born, gone in pool.retired:
        yield Span(at - timedelta(days=born), at - timedelta(days=gone, minutes=chance.within(5, 600)))
    for week in calendar.weeks(at):
        for _extra in range(pool.weekly):
            wait = timedelta(seconds=chance.within(0, 240))
            end = week.end + _EARLY + wait * 3 if week.end else None
            yield Span(week.start - _EARLY + wait, end)


def _machine(site: Site, pool: Pool, number: int, span: Span, chance: Chance, *, down: bool) -> Machine:
    zone = site.zones[number % len(site.zones)]
    address = f"10.{42 + len(pool.name)}.{chance.within(0, 63)}.{chance.within(4, 250)}"
    if site.distribution == "eks":
        name = f"ip-{address.replace('.', '-')}.{site.region}.compute.internal"
        provider_id = f"{site.provider}{zone}/i-0{chance.digits(16)}"
    else:
        name = f"{site.host}-{pool.name}-{number:02d}"
        provider_id = f"{site.provider}{name}"
    return Machine(name, chance.uid(), pool, number, zone, provider_id, address, span.start, span.end, down)
