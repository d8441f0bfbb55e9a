"""Steering jobs, with the audit that `portal.jobs` lies below."""

from datetime import datetime

from django.db import transaction
from django.urls import reverse

from portal.audit import services as audit
from portal.core.actors import Actor, Subject
from portal.jobs import services as jobs
from portal.jobs.models import Job


def subject_of(job: Job) -> Subject:
    """Return the job as what an event is about."""
    return Subject("job", str(job.pk), str(job), reverse("home:job", args=[job.pk]))


@transaction.atomic
def retry_job(*, job: Job, by: Actor, at: datetime) -> Job:
    """Put a job that ended back to waiting. Raises `Conflict`."""
    changed = jobs.retry(job=job, at=at)
    audit.record(
        "jobs.job.retry", by=by, on=subject_of(job), before={"state": job.state}, after={"state": changed.state}
    )
    return changed


@transaction.atomic
def cancel_job(*, job: Job, by: Actor, at: datetime) -> Job:
    """Stop an open job. Raises `Conflict`."""
    changed = jobs.cancel(job=job, at=at)
    audit.record(
        "jobs.job.cancel", by=by, on=subject_of(job), before={"state": job.state}, after={"state": changed.state}
    )
    return changed
