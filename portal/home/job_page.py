"""What the page of one job shows."""

from datetime import datetime

from django.utils.translation import gettext as _

from portal.core import formats, parts
from portal.home.lists import STATES
from portal.jobs.models import Job


def progress(job: Job) -> parts.Progress:
    """Return how far the job is; the whole error for people who manage jobs."""
    tone, word = STATES[job.state]
    return parts.Progress(
        text=job.text, done=job.done, total=job.total or 0, tone=tone, state=word, error=job.error.partition("\n")[0]
    )


def facts(job: Job, at: datetime) -> list[parts.Fact]:
    """Return who asked, when, and what became of it."""

    def ago(label: str, instant: datetime | None, absent: str) -> parts.Fact:
        told = formats.ago(instant, at) if instant else None
        return parts.Fact(label, told, title=formats.instant(instant) if instant else "", absent=absent)

    attempts = _("%(made)s of %(most)s") % {"made": job.attempts, "most": job.max_attempts}
    found = [
        parts.Fact(_("Asked by"), job.by_label),
        ago(_("Asked"), job.created_at, ""),
        ago(_("Due"), job.due_at, ""),
        ago(_("Started"), job.started_at, _("not yet")),
        ago(_("Ended"), job.finished_at, _("not yet")),
        parts.Fact(_("Attempts"), attempts),
        parts.Fact(_("Queue"), job.queue, mono=True),
        *(parts.Fact(key, str(value), mono=True) for key, value in job.ids.items()),
        *(parts.Fact(key, str(value)) for key, value in (job.result or {}).items()),
    ]
    where = job.error.partition("\n")[2]
    return [*found, parts.Fact(_("Where it failed"), where, mono=True)] if where else found
