"""Jobs of the room."""

from dataclasses import asdict

from portal.accounts import limits
from portal.accounts.bindings import ending
from portal.accounts.outside import refresh as outside
from portal.accounts.session_store import SessionStore
from portal.accounts.signing import round_trips
from portal.core import clock
from portal.jobs.runner import JobRun


def forget_sessions(run: JobRun) -> None:
    """Forget sessions that have ended, and tries that count no longer."""
    SessionStore.clear_expired()
    limits.forget(clock.now())


def warn_ends(run: JobRun) -> None:
    """Tell of roles that end soon, and forget those that ended long ago."""
    at = clock.now()
    ending.warn(at=at)
    ending.prune(at=at)


def refresh(run: JobRun, *, provider: str) -> dict[str, int | str]:
    """Read the groups and people of a provider again."""
    run.demand_alive()
    return asdict(outside.run(key=provider, at=clock.now(), guard=run.hold))


def forget_round_trips(run: JobRun) -> None:
    """Forget sign-ins that were not finished, and ids of messages too old to come again."""
    round_trips.forget(at=clock.now())
