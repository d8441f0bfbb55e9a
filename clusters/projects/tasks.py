"""Job handlers of the room."""

from clusters.projects.services import consistency
from portal.jobs.runner import JobRun


def check_ownership(run: JobRun) -> dict[str, int]:
    """Compare the inventory's owner columns with the dated rows, and set them right."""
    return {"corrected": consistency.correct()}
