"""Handlers of the audit's jobs."""

import time
from uuid import UUID

from django.utils.translation import gettext as _

from portal.audit import checks, retention, sealing, services, verification
from portal.audit.models import Check
from portal.core import clock
from portal.jobs import services as jobs
from portal.jobs.runner import JobRun

SLICE_SECONDS = 240.0


def seal(run: JobRun) -> dict[str, int]:
    """Seal everything that is committed."""
    sealed = 0
    while count := sealing.seal(at=clock.now()):
        sealed += count
        run.progress(sealed)
    return {"sealed": sealed}


def tell_repeats(run: JobRun) -> dict[str, int]:
    """Write the refusals of the minutes that ended."""
    told = 0
    while count := services.tell_repeats(at=clock.now()):
        told += count
        run.demand_alive()
    return {"told": told}


def verify(run: JobRun, *, check_id: str) -> dict[str, str | int]:
    """Read the chain for a slice of time; a job that goes on follows where more is left."""
    check = Check.objects.get(pk=UUID(check_id))
    begun, (first, last) = time.monotonic(), verification.span()
    ended = checks.go_on(
        check,
        at=clock.now(),
        pins={},
        is_over=lambda: time.monotonic() - begun > SLICE_SECONDS,
        tell=lambda: run.progress(max(check.seq - first, 0), max(last - first, check.seq - first), _("Reading")),
    )
    if not ended:
        key = f"{check_id} {check.seq}"
        check.job_id = jobs.enqueue("portal.audit.verify", key=key, by=run.by, check_id=check_id).pk
        check.save(update_fields=["job_id"])
    return {"events": check.events, "found": check.found["text"] if check.found else ""}


def prune(run: JobRun) -> dict[str, int]:
    """Remove the months that are old enough."""
    removed, checkpoint = 0, retention.set_checkpoint(at=clock.now())
    while checkpoint is not None and (count := retention.clear(checkpoint)):
        removed += count
        run.progress(removed)
    retention.forget_checks(at=clock.now())
    return {"removed": removed}
