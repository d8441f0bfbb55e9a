"""Jobs of the room."""

from portal.accounts.session_store import SessionStore
from portal.jobs.runner import JobRun


def forget_sessions(run: JobRun) -> None:
    """Forget sessions that have ended."""
    SessionStore.clear_expired()
