"""Job handlers of the room."""

from portal.home import demo
from portal.jobs.runner import JobRun


def remove_demo(run: JobRun) -> dict[str, int]:
    """Take the demo away."""
    return demo.remove(by=run.by)
