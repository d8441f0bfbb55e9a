"""What the pages about the chain show."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from portal.audit import lists
from portal.audit.models import Check
from portal.audit.selectors import Integrity
from portal.core import formats, parts
from portal.jobs.models import OPEN, Job, State


@dataclass(frozen=True)
class Banner:
    """One thing that somebody should see to."""

    tone: parts.Tone
    text: str
    detail: str


def tabs(here: str) -> list[parts.Tab]:
    """Return the parts of the audit."""
    named = (("events", _("Events")), ("integrity", _("Integrity")), ("heads", _("Signed heads")))
    return [parts.Tab(label, reverse(f"audit:{name}"), active=name == here) for name, label in named]


def context(state: Integrity, at: datetime) -> dict[str, Any]:
    """Return state, result and progress."""
    job = Job.objects.filter(pk__in=[state.running.job_id]).first() if state.running else None
    running = job if job is not None and job.state in OPEN else None
    return {
        "banners": banners(state, at),
        "stats": _stats(state, at),
        "facts": _facts(state),
        "progress": _progress(running) if running else None,
        "failed": _failed(job),
    }


def banners(state: Integrity, at: datetime) -> list[Banner]:
    """Return what is wrong, the worst first."""
    found: list[Banner] = []
    if state.last is not None and state.last.found is not None:
        title = _("The audit does not verify: somebody changed it past Paddock.")
        found.append(Banner("broken", title, lists.found_text(state.last.found)))
    if not state.roles_apart:
        title = _("One database role: Paddock's own role owns the audit and could change it.")
        found.append(Banner("broken", title, _("Give the application a role without UPDATE and DELETE on the audit.")))
    if state.is_late(at):
        title = _("Events wait for the sealer longer than a minute.")
        found.append(Banner("broken", title, _("The worker of the queue “default” is away, or the seal keys are.")))
    if state.last is not None and state.is_unread(at):
        title = _("No reading of the audit ended for two days.")
        found.append(Banner("attention", title, _("The scheduler asks for one each night. Is it running?")))
    return found


def _stats(state: Integrity, at: datetime) -> list[parts.Stat]:
    return [
        _result(state.last, at),
        parts.Stat(
            _("Sealed up to"), formats.number(state.last_place), _ago(state.head.at if state.head else None, at)
        ),
        parts.Stat(
            _("Not sealed yet"),
            formats.number(state.unsealed),
            _("late") if state.is_late(at) else "",
            tone="broken" if state.is_late(at) else "plain",
        ),
        parts.Stat(_("Kept events"), formats.number(state.last_place - state.first + state.unsealed)),
    ]


def _result(last: Check | None, at: datetime) -> parts.Stat:
    if last is None or last.finished_at is None:
        return parts.Stat(_("Last verification"), _("none yet"))
    tone: parts.Tone = "ok" if last.found is None else "broken"
    note = _("holds") if last.found is None else _("broken")
    title = formats.instant(last.finished_at)
    return parts.Stat(_("Last verification"), formats.ago(last.finished_at, at), note, tone=tone, title=title)


def _facts(state: Integrity) -> list[parts.Fact]:
    head, key, last = state.head, state.key, state.last
    apart = _("apart: this role can only add") if state.roles_apart else _("one: this role could change the audit")
    facts = [
        parts.Fact(_("Last head"), head.hash if head else None, mono=True, absent=_("nothing is sealed yet")),
        parts.Fact(_("Public key (Ed25519)"), key.public if key else None, mono=True, absent=_("none yet")),
        parts.Fact(_("Database roles"), apart),
    ]
    if last is not None:
        read = _("%(events)s events, %(heads)s heads") % {
            "events": formats.number(last.events),
            "heads": formats.number(last.heads),
        }
        facts.append(parts.Fact(_("Read at the last verification"), read))
    if state.checkpoint is not None:
        gone = _("events before %s were removed for age") % f"{state.checkpoint.cutoff:%Y-%m}"
        facts.append(parts.Fact(_("Begins behind a checkpoint"), gone))
    return facts


def _progress(job: Job) -> parts.Progress:
    waits = job.state == State.WAITING
    return parts.Progress(
        text=job.text,
        done=job.done,
        total=job.total or 0,
        tone="busy",
        state=_("waiting") if waits else _("verifying"),
        refresh_url=reverse("audit:progress"),
    )


def _failed(job: Job | None) -> str:
    return job.error.partition("\n")[0] if job is not None and job.state not in (*OPEN, State.SUCCEEDED) else ""


def _ago(instant: datetime | None, at: datetime) -> str:
    return formats.ago(instant, at) if instant else ""
