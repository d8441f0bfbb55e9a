"""Job rows, schedule slots and heartbeats."""

from datetime import datetime

from django.db import models
from django.db.models import Q

from portal.core import clock
from portal.core.models import UUIDModel


class State(models.TextChoices):
    """Where a job stands. Waiting covers the first time and every time after a failed attempt."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    DEAD = "dead"
    CANCELLED = "cancelled"


OPEN = (State.WAITING, State.RUNNING)


class JobQuerySet(models.QuerySet["Job"]):
    """Sets of jobs."""

    def open(self) -> "JobQuerySet":
        """Keep the jobs that still have something to do."""
        return self.filter(state__in=OPEN)

    def to_send(self, at: datetime, sent_before: datetime) -> "JobQuerySet":
        """Keep what a worker should hear of (again): due and not sent lately, or running past its lease."""
        unheard = Q(sent_at=None) | Q(sent_at__lt=sent_before)
        return self.filter(
            Q(state=State.WAITING, due_at__lte=at) & unheard | Q(state=State.RUNNING, lease_until__lt=at) & unheard
        )


class Job(UUIDModel):
    """One piece of background work. `fence` rises with every claim; only its holder may change the row."""

    kind = models.CharField(max_length=60)
    key = models.CharField(max_length=200)
    ids = models.JSONField(default=dict)
    queue = models.CharField(max_length=20)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    by = models.JSONField()
    by_label = models.CharField(max_length=200)
    attempts = models.PositiveIntegerField(default=0)
    max_attempts = models.PositiveIntegerField()
    due_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    fence = models.BigIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(null=True)
    text = models.CharField(max_length=300, blank=True)
    error = models.TextField(blank=True)
    result = models.JSONField(null=True)
    cancel_asked = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        db_table = "job"
        constraints = [
            models.UniqueConstraint(fields=["kind", "key"], condition=Q(state__in=OPEN), name="job_one_open"),
            models.CheckConstraint(condition=Q(state__in=State.values), name="job_state_known"),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="job_newest"),
            models.Index(fields=["due_at"], condition=Q(state__in=OPEN), name="job_open_due"),
            models.Index(fields=["kind", "key", "-created_at"], name="job_of"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class ScheduleSlot(models.Model):
    """One run of a scheduled entry: two beats that fire the same slot meet on its key."""

    name = models.CharField(max_length=60)
    slot = models.DateTimeField()

    class Meta:
        db_table = "job_schedule_slot"
        constraints = [models.UniqueConstraint(fields=["name", "slot"], name="slot_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.slot:%Y-%m-%d %H:%M:%S}"


class Heartbeat(models.Model):
    """When a worker of the queue last ran a job: the liveness of the queue."""

    queue = models.CharField(max_length=20, primary_key=True)
    beat_at = models.DateTimeField()

    class Meta:
        db_table = "job_heartbeat"

    def __str__(self) -> str:
        return f"{self.queue} {self.beat_at:%H:%M:%S}"
