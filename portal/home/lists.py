"""The list of jobs."""

from typing import Any

from django.db.models import OuterRef, Subquery, TextField, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce, NullIf
from django.utils.translation import gettext_lazy as _

from clusters.registry.models import Cluster
from portal.access import scopes
from portal.core import listing
from portal.core.listing import Column, Filter
from portal.core.parts import Text, Tone
from portal.jobs import kinds
from portal.jobs.models import Job, State

STATES: dict[str, tuple[Tone, Text]] = {
    State.WAITING.value: ("busy", _("Waiting")),
    State.RUNNING.value: ("busy", _("Running")),
    State.SUCCEEDED.value: ("ok", _("Done")),
    State.DEAD.value: ("broken", _("Failed")),
    State.CANCELLED.value: ("unknown", _("Cancelled")),
}


STORED = (
    "kind",
    "key",
    "state",
    "text",
    "done",
    "total",
    "attempts",
    "by_label",
    "created_at",
    "finished_at",
    "error",
    "queue",
)


def kind_label(row: dict[str, Any]) -> str:
    """Return what the kind does, in words."""
    known = kinds.known().get(row["kind"])
    return str(known.label) if known else row["kind"]


def progress(row: dict[str, Any]) -> str:
    """Return how far it is: `3 / 10 Folding`."""
    steps = f"{row['done']} / {row['total']} " if row["total"] else ""
    return f"{steps}{row['text']}"


def kind_choices(_user: scopes.Person) -> list[tuple[str, Any]]:
    """Return every kind by key."""
    return [(kind.key, kind.label) for kind in kinds.known().values()]


def state_choices(_user: scopes.Person) -> list[tuple[str, Any]]:
    """Return every state."""
    return [(key, word) for key, (_tone, word) in STATES.items()]


class JobList(listing.Listing):
    """Background work, newest first."""

    key = "jobs"
    title = _("Jobs")
    columns = (
        Column("kind", _("What"), show=kind_label, href=listing.link("home:job", "id")),
        Column("subject", _("For"), absent=_("Paddock itself")),
        Column("state", _("State"), "state", states=STATES),
        Column("text", _("Progress"), show=progress),
        Column("attempts", _("Attempts"), "number"),
        Column("by_label", _("Asked by")),
        Column("created_at", _("Asked"), "age"),
        Column("finished_at", _("Ended"), "age", absent=_("not yet")),
        Column("error", _("Error"), show=lambda row: row["error"].partition("\n")[0][:160]),
        Column("done", _("Steps done"), "number", on_page=False),
        Column("total", _("Steps"), "number", on_page=False),
        Column("key", _("Key"), "code", on_page=False),
        Column("queue", _("Queue"), on_page=False),
        Column("id", _("Id"), on_page=False),
    )
    filters = (
        Filter("state", _("State"), choices=state_choices, lookup="state"),
        Filter("kind", _("What"), choices=kind_choices, lookup="kind"),
        Filter("key", _("For"), "text", lookup="key__startswith"),
    )
    orders = {"created_at": ("created_at", "id")}
    default_order = "-created_at"

    def rows(self, user: scopes.Person, params: listing.Params) -> Any:
        """All jobs: the permission is given on everything only."""
        named = Cluster.objects.annotate(text=Cast("pk", TextField())).filter(text=OuterRef("cluster_id"))
        return Job.objects.annotate(
            cluster_id=KeyTextTransform("cluster_id", "ids"),
            subject=Coalesce(Subquery(named.values("name")[:1]), NullIf("key", Value(""))),
        ).values("id", "subject", *STORED)
