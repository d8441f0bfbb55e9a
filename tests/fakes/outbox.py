"""Targets of the outbox for tests: certificates they show, and running what is to be delivered."""

from portal.jobs import runner
from portal.jobs.models import Job
from portal.outbox import services


def deliver(kind: str = "mail") -> Job:
    """Run the delivery of one kind, as a worker would; returns its job."""
    job = services.ask(kind)
    runner.run(job.pk)
    return Job.objects.get(pk=job.pk)
