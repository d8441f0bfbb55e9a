"""Messages, the attempts to deliver them, and how their targets are."""

from datetime import datetime

from django.db import models
from django.db.models import Exists, Func, OuterRef, Q, Value
from django.utils.translation import gettext_lazy as _

from portal.access.permissions import Permission
from portal.access.scopes import Person
from portal.core import clock
from portal.core.models import UUIDModel


class Kind(models.TextChoices):
    """How a message leaves."""

    MAIL = "mail", _("Mail")
    WEBHOOK = "webhook", _("Webhook")
    STREAM = "stream", _("Audit stream")


class State(models.TextChoices):
    """Where a message stands. Failed ones are tried again; dead ones only when somebody asks."""

    WAITING = "waiting"
    SENT = "sent"
    NO_TARGET = "no_target"
    FAILED = "failed"
    DEAD = "dead"


OPEN = (State.WAITING, State.FAILED)


class MessageQuerySet(models.QuerySet["Message"]):
    """Sets of messages."""

    def visible_to(self, user: Person) -> "MessageQuerySet":
        """Keep what the person may see: all, or nothing."""
        return self.all() if user.scopes_for(Permission.OUTBOX_VIEW).everything else self.none()

    def due(self, kind: str, at: datetime) -> "MessageQuerySet":
        """Keep what can be sent now, oldest first: what waits behind a message of its lane that cannot is left out."""
        earlier = Message.objects.filter(lane=OuterRef("lane"), number__lt=OuterRef("number"), state__in=OPEN)
        held = earlier.filter(Q(next_at__gt=at) | Q(claimed_until__gt=at))
        return self._ready(kind, at).filter(~Exists(held)).order_by("number")

    def head(self, kind: str, at: datetime) -> "MessageQuerySet":
        """Keep what can be sent now and is the first of its lane."""
        earlier = Message.objects.filter(lane=OuterRef("lane"), number__lt=OuterRef("number"), state__in=OPEN)
        return self._ready(kind, at).filter(~Exists(earlier))

    def _ready(self, kind: str, at: datetime) -> "MessageQuerySet":
        free = Q(claimed_until=None) | Q(claimed_until__lte=at)
        return self.filter(free, kind=kind, state__in=OPEN, next_at__lte=at)


class Message(UUIDModel):
    """One message. `fence` rises with every claim: only who holds it may say how the attempt ended.

    `to` are the addresses of a mail, `left` those that still wait for it. `body` is exactly what goes out.
    """

    number = models.BigIntegerField(
        db_default=Func(Value("outbox_message_number"), function="nextval"), editable=False, unique=True
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    key = models.CharField(max_length=200)
    lane = models.CharField(max_length=300)
    event = models.CharField(max_length=60, blank=True)
    target = models.CharField(max_length=300, blank=True)
    to = models.JSONField(default=list)
    left = models.JSONField(default=list)
    subject = models.CharField(max_length=300, blank=True)
    body = models.TextField(blank=True)
    on_type = models.CharField(max_length=40, blank=True)
    on_id = models.CharField(max_length=100, blank=True)
    on_label = models.CharField(max_length=300, blank=True)
    on_url = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    first_tried_at = models.DateTimeField(null=True)
    next_at = models.DateTimeField(null=True)
    claimed_until = models.DateTimeField(null=True)
    fence = models.BigIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=500, blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        db_table = "outbox_message"
        constraints = [
            models.UniqueConstraint(fields=["kind", "key"], name="outbox_once"),
            models.CheckConstraint(condition=Q(state__in=State.values), name="outbox_state_known"),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="outbox_kind_known"),
            models.CheckConstraint(
                condition=Q(state__in=OPEN, next_at__isnull=False, ended_at=None)
                | Q(ended_at__isnull=False) & ~Q(state__in=OPEN),
                name="outbox_open_is_due",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-number"], name="outbox_newest"),
            models.Index(fields=["kind", "number"], condition=Q(state__in=OPEN), name="outbox_open"),
            models.Index(fields=["lane", "number"], condition=Q(state__in=OPEN), name="outbox_lane"),
            models.Index(fields=["state", "ended_at"], name="outbox_ended"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject or self.event or self.key}"


class Attempt(models.Model):
    """One try to deliver a message. Without an end it is not known whether it arrived."""

    id = models.BigAutoField(primary_key=True)
    message = models.ForeignKey(Message, models.CASCADE, related_name="tries")
    fence = models.BigIntegerField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ok = models.BooleanField(null=True)
    target = models.CharField(max_length=300, blank=True)
    text = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "outbox_attempt"
        constraints = [models.UniqueConstraint(fields=["message", "fence"], name="outbox_attempt_once")]

    def __str__(self) -> str:
        return f"{self.message_id} {self.fence}"


class TargetState(models.Model):
    """How one kind's target did lately. A target that fails is left alone until `rests_until`."""

    kind = models.CharField(max_length=10, choices=Kind.choices, primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    rests_until = models.DateTimeField(null=True)
    ok_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "outbox_target"

    def __str__(self) -> str:
        return self.kind
