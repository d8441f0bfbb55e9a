"""Job handlers of the room."""

from portal.core import clock
from portal.jobs.runner import JobRun
from portal.tokens.services import tokens, warnings


def warn(run: JobRun) -> dict[str, int]:
    """Write the mails about tokens that end soon."""
    return {"warned": warnings.warn(at=clock.now())}


def prune(run: JobRun) -> dict[str, int]:
    """Forget tokens that ended long ago."""
    return {"removed": tokens.prune(at=clock.now())}
