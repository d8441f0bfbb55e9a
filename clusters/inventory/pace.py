"""When to come back after a failure, and what the failure means. Pure rules."""

import zlib
from datetime import timedelta

from clusters.inventory.models.sync import StreamState
from clusters.kube import errors

FIRST_PAUSE = 30.0
LONGEST_PAUSE = 900.0
HELD_PAUSE = timedelta(minutes=2)

_UNREACHABLE = (errors.NameNotResolved, errors.AddressRefused, errors.Unreachable, errors.TlsFailed)
_DENIED = (errors.Unauthorized, errors.Forbidden)


def state_after(error: errors.KubeError) -> StreamState:
    """Return the state of a stream whose last attempt ended with this error."""
    if isinstance(error, _DENIED):
        return StreamState.DENIED
    if isinstance(error, _UNREACHABLE):
        return StreamState.UNREACHABLE
    return StreamState.STALE


def pause_after(error: errors.KubeError, *, fails: int, seed: str) -> timedelta:
    """Return how long to leave the cluster alone: doubled with each failure, spread by a fifth, 15 minutes at most.

    `fails` counts this failure too. What the server asked for is obeyed where it is longer. The spread is a
    function of `seed` and `fails`, so that clusters that failed together do not come back together.
    """
    base = min(FIRST_PAUSE * 2.0 ** min(fails - 1, 10), LONGEST_PAUSE)
    spread = zlib.crc32(f"{seed}/{fails}".encode()) / 2**32
    pause = min(base * (0.9 + 0.2 * spread), LONGEST_PAUSE)
    asked = getattr(error, "retry_after", None)
    if asked is not None:
        pause = max(pause, asked * (1.0 + 0.2 * spread))
    return timedelta(seconds=int(pause))


def shrunk(*, known: int, seen: int) -> bool:
    """Tell whether a list is less than half of what was there: too much to believe without a person.

    Sizes are compared, so that objects replaced by new ones (a rollout during an outage) are no loss.
    """
    return seen * 2 < known
