"""What happens regularly, written out."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction

from billing.ledger import schedule as ledger
from billing.metering import schedule as metering
from clusters.applying import schedule as applying
from clusters.inventory import schedule as inventory
from clusters.projects import schedule as projects
from clusters.quotas import schedule as quotas
from portal.accounts.outside import queueing as outside
from portal.audit import schedule as audit
from portal.core import clock
from portal.core.actors import SYSTEM
from portal.jobs import kinds, services
from portal.outbox import schedule as outbox
from portal.tokens import schedule as tokens


@dataclass(frozen=True)
class Entry:
    """Something to do every `seconds`; `run` enqueues jobs and is quick."""

    seconds: int
    run: Callable[[datetime], None]


def _beat(at: datetime) -> None:
    for queue in kinds.QUEUES:
        suffix = "" if queue == "default" else f"_{queue}"
        services.enqueue(f"portal.jobs.beat{suffix}", key=queue, by=SYSTEM, queue=queue)


def _send_stuck(at: datetime) -> None:
    services.send_stuck(at=at)


def _prune(at: datetime) -> None:
    services.enqueue("portal.jobs.prune", key="", by=SYSTEM)
    services.enqueue("portal.accounts.forget_sessions", key="", by=SYSTEM)
    services.enqueue("portal.accounts.forget_round_trips", key="", by=SYSTEM)
    services.enqueue("clusters.registry.purge", key="", by=SYSTEM)
    services.enqueue("clusters.inventory.forget", key="", by=SYSTEM)


def _warn_ends(at: datetime) -> None:
    services.enqueue("portal.accounts.warn_ends", key="", by=SYSTEM)


def _nightly(at: datetime) -> None:
    services.enqueue("clusters.projects.check_ownership", key="", by=SYSTEM)


def _requests(at: datetime) -> None:
    services.enqueue("portal.requests.tend", key="", by=SYSTEM)


ENTRIES: dict[str, Entry] = {
    "heartbeat": Entry(20, _beat),
    "send-stuck": Entry(10, _send_stuck),
    "prune": Entry(60, _prune),
    "deliver": Entry(10, outbox.deliver_due),
    "forget-messages": Entry(3600, outbox.prune),
    "tokens": Entry(3600, tokens.hourly),
    "drain": Entry(30, inventory.drain_due),
    "apply": Entry(10, applying.apply_due),
    "look": Entry(1800, applying.look_due),
    "fold": Entry(60, metering.fold_due),
    "close": Entry(300, ledger.close_due),
    "audit-seal": Entry(5, audit.seal_due),
    "audit-repeats": Entry(20, audit.repeats_due),
    "audit-nightly": Entry(24 * 3600, audit.nightly),
    # Each binding is warned of once; looking every hour tells nobody later than promised.
    "warn-ends": Entry(3600, _warn_ends),
    # What changes in a directory or at GitHub holds here within five minutes. Two runs can lie almost two spans
    # apart, when one comes late into the next slot, and a reading takes its time.
    "outside-groups": Entry(120, outside.refresh_due),
    "requests": Entry(600, _requests),
    # A permission that changes reaches 100 clusters within half a minute, so news of it waits no longer than this.
    "spread": Entry(10, projects.spread_due),
    "settle": Entry(10, projects.settle_due),
    "namespace-ends": Entry(3600, projects.ends_due),
    "rebalance": Entry(20, quotas.rebalance_due),
    "quota-requests": Entry(600, quotas.expire_due),
    "nightly": Entry(24 * 3600, _nightly),
}


def run(name: str) -> None:
    """Run one entry if no other beat had its slot."""
    entry = ENTRIES[name]
    at = clock.now()
    epoch = int(at.timestamp())
    slot = datetime.fromtimestamp(epoch - epoch % entry.seconds, UTC)
    with transaction.atomic():
        if services.take_slot(name=name, slot=slot):
            entry.run(at)


def next_slot(name: str, at: datetime) -> datetime:
    """Return when the entry runs next; pages use it to say when to expect news."""
    return at + timedelta(seconds=ENTRIES[name].seconds)
