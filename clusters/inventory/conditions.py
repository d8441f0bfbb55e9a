"""How an object is, as one machine word: worked out in the query, so that lists filter by it; and what it means."""

from collections.abc import Mapping

from django.db.models import Case, F, Q, Value, When
from django.utils.translation import gettext_lazy as _

from portal.core.parts import Text, Tone

States = Mapping[str, tuple[Tone, Text]]

POD_STATES: States = {
    "running": ("ok", _("Running")),
    "completed": ("plain", _("Completed")),
    "starting": ("busy", _("Starting")),
    "pending": ("attention", _("Waits for a node")),
    "not_ready": ("attention", _("Not ready")),
    "terminating": ("busy", _("Terminating")),
    "failing": ("broken", _("Failing")),
    "failed": ("broken", _("Failed")),
    "unknown": ("unknown", _("Unknown")),
}
WORKLOAD_STATES: States = {
    "ready": ("ok", _("Ready")),
    "scheduled": ("ok", _("Scheduled")),
    "running": ("busy", _("Running")),
    "completed": ("plain", _("Completed")),
    "idle": ("plain", _("Scaled to zero")),
    "paused": ("plain", _("Paused")),
    "partly": ("attention", _("Partly ready")),
    "failed": ("broken", _("Failed")),
    "down": ("broken", _("Down")),
}
NODE_STATES: States = {
    "ready": ("ok", _("Ready")),
    "cordoned": ("attention", _("Cordoned")),
    "down": ("broken", _("Not ready")),
}
NAMESPACE_STATES: States = {
    "active": ("ok", _("Active")),
    "terminating": ("attention", _("Terminating")),
}
# What a container waits for while all goes well.
STARTING = ("ContainerCreating", "PodInitializing")


def _cases(*cases: tuple[Q, str], default: str) -> Case:
    return Case(*(When(condition, then=Value(word)) for condition, word in cases), default=Value(default))


def pod_state() -> Case:
    """Deletion first, then the end, then what keeps it from running."""
    return _cases(
        (Q(phase="Failed"), "failed"),
        (Q(phase="Succeeded"), "completed"),
        (Q(deleting_since__isnull=False), "terminating"),
        (~Q(reason="") & ~Q(reason__in=STARTING), "failing"),
        (Q(phase="Pending", node=""), "pending"),
        (Q(phase="Pending"), "starting"),
        (Q(phase="Running", containers_ready__lt=F("containers")), "not_ready"),
        (Q(phase="Running"), "running"),
        default="unknown",
    )


def workload_state() -> Case:
    """By what the kind promises: pods that are ready, a run that ends, a schedule."""
    return _cases(
        (Q(kind="CronJob", paused=True), "paused"),
        (Q(kind="CronJob"), "scheduled"),
        (Q(kind="Job", finished_at__isnull=False), "completed"),
        (Q(kind="Job", paused=True), "paused"),
        (Q(kind="Job", active__gt=0), "running"),
        (Q(kind="Job", failed__gt=0), "failed"),
        (Q(kind="Job"), "running"),
        (Q(desired=0), "idle"),
        (Q(ready__gte=F("desired")), "ready"),
        (Q(ready=0), "down"),
        default="partly",
    )


def node_state() -> Case:
    """Whether pods can run on it, and whether new ones are put on it."""
    return _cases((Q(ready=False), "down"), (Q(unschedulable=True), "cordoned"), default="ready")


def namespace_state() -> Case:
    """Terminating counts from the moment of the deletion."""
    ending = Q(deleting_since__isnull=False) | Q(phase="Terminating")
    return _cases((ending, "terminating"), default="active")
