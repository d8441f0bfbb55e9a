"""Audit events, the chain that holds them, and what is known about it. No foreign keys: the log hinders no delete."""

from typing import ClassVar

from django.contrib.postgres.search import SearchQuery, SearchVectorField
from django.db import models
from django.db.models import Func, Q

from portal.access.permissions import Permission
from portal.access.scopes import Person
from portal.audit import words
from portal.core import clock
from portal.core.models import UUIDModel
from portal.core.sealed import SealedField


class EventQuerySet(models.QuerySet["Event"]):
    """Sets of events."""

    def visible_to(self, user: Person, permission: Permission = Permission.AUDIT_VIEW) -> "EventQuerySet":
        """Keep the events of the projects and teams one has the right on.

        A team's part are the events about it, and those about projects that were the team's when they happened. A
        right on a cluster shows none.
        """
        scopes = user.scopes_for(permission)
        if scopes.everything:
            return self.all()
        return self.filter(Q(project_id__in=scopes.projects) | Q(team_id__in=scopes.teams))

    def matching(self, text: str) -> "EventQuerySet":
        """Keep the events that hold a word beginning with each word of the text, in labels, kind or change."""
        query = words.prefix_query(text)
        if not query:
            return self.none()
        held = Func(*words.COLUMNS, function="audit_words", output_field=SearchVectorField())
        found = Event.objects.alias(held_words=held).filter(
            held_words=SearchQuery(query, search_type="raw", config="simple")
        )
        # Distinct keeps the database from walking the newest events in search of a word that is rare.
        return self.filter(pk__in=found.values("pk").distinct())


class Event(models.Model):
    """One thing that happened. Text identifiers only; never changed, removed only by retention.

    The database refuses UPDATE, DELETE and TRUNCATE by triggers (migration 0003). `chain.COLUMNS` names every column
    of this table: the hash covers all of them.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(default=clock.now)
    kind = models.CharField(max_length=60)
    actor_kind = models.CharField(max_length=12)
    actor_id = models.CharField(max_length=64)
    actor_label = models.CharField(max_length=200)
    # Whom an administrator looked on as, and the API token that asked; both mostly empty.
    as_label = models.CharField(max_length=200, blank=True, default="")
    token = models.CharField(max_length=64, blank=True, default="")
    address = models.CharField(max_length=64, blank=True)
    request_id = models.CharField(max_length=32, blank=True)
    # Whose part of the audit it is: the project it is about, and the team that owned it at that time.
    team_id = models.UUIDField(null=True)
    project_id = models.UUIDField(null=True)
    on_type = models.CharField(max_length=40, blank=True)
    on_id = models.CharField(max_length=100, blank=True)
    on_label = models.CharField(max_length=300, blank=True)
    on_url = models.CharField(max_length=500, blank=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    objects: ClassVar[EventQuerySet] = EventQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        db_table = "audit_event"
        indexes = [
            models.Index(fields=["-at", "-id"], name="audit_at"),
            models.Index(fields=["actor_id", "-id"], name="audit_actor"),
            models.Index(fields=["on_type", "on_id", "-id"], name="audit_on"),
            models.Index(fields=["kind", "-id"], name="audit_kind"),
            models.Index(
                fields=["project_id", "-at", "-id"], condition=Q(project_id__isnull=False), name="audit_project"
            ),
            models.Index(fields=["team_id", "-at", "-id"], condition=Q(team_id__isnull=False), name="audit_team"),
            models.Index(fields=["request_id"], condition=~Q(request_id=""), name="audit_request"),
            models.Index(fields=["-at", "-id"], condition=~Q(as_label=""), name="audit_as"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.on_label}"


class Unsealed(models.Model):
    """An event that the chain does not hold yet. A trigger writes the row with its event, the sealer takes it away."""

    event_id = models.BigIntegerField(primary_key=True)

    class Meta:
        db_table = "audit_unsealed"

    def __str__(self) -> str:
        return str(self.event_id)


class Link(models.Model):
    """The place of one event in the chain. `hash` covers the number, the previous hash and every column."""

    seq = models.BigIntegerField(primary_key=True)
    event_id = models.BigIntegerField(unique=True)
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        db_table = "audit_link"

    def __str__(self) -> str:
        return f"{self.seq} {self.hash[:12]}"


class SigningKey(UUIDModel):
    """A pair of Ed25519 keys; the newest signs. `public` is base64 of 32 bytes.

    `introduction` is the signature of the key before it (`introduced_by`) over the new public key.
    """

    public = models.CharField(max_length=44)
    private = SealedField()
    created_at = models.DateTimeField()
    introduced_by = models.UUIDField(null=True)
    introduction = models.CharField(max_length=88, blank=True)

    class Meta:
        db_table = "audit_key"

    def __str__(self) -> str:
        return str(self.pk)


class Head(models.Model):
    """The end of the chain after one round of sealing, signed. It leaves by the outbox and as a download."""

    seq = models.BigIntegerField(primary_key=True)
    hash = models.CharField(max_length=64)
    events = models.IntegerField()
    at = models.DateTimeField()
    key_id = models.UUIDField()
    signature = models.CharField(max_length=88)

    class Meta:
        db_table = "audit_head"

    def __str__(self) -> str:
        return f"{self.seq} {self.hash[:12]}"


class Checkpoint(models.Model):
    """The signed place before which events were removed for age: the chain goes on from its hash."""

    id = models.BigAutoField(primary_key=True)
    seq = models.BigIntegerField()
    hash = models.CharField(max_length=64)
    # Every removed event is older than this, the first instant of a month.
    cutoff = models.DateTimeField()
    at = models.DateTimeField()
    key_id = models.UUIDField()
    signature = models.CharField(max_length=88)

    class Meta:
        db_table = "audit_checkpoint"

    def __str__(self) -> str:
        return f"{self.seq} before {self.cutoff:%Y-%m}"


class Denial(models.Model):
    """Refusals of one minute with the same who, from where, right and address pattern: counted, told once it ends."""

    minute = models.DateTimeField()
    actor = models.JSONField()
    actor_kind = models.CharField(max_length=12)
    actor_id = models.CharField(max_length=64)
    address = models.CharField(max_length=64)
    permission = models.CharField(max_length=60)
    pattern = models.CharField(max_length=200)
    count = models.PositiveIntegerField()

    class Meta:
        db_table = "audit_denial"
        constraints = [
            models.UniqueConstraint(
                fields=["minute", "actor_kind", "actor_id", "address", "permission", "pattern"],
                name="audit_denial_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.actor_id} {self.pattern} × {self.count}"


class Check(UUIDModel):
    """One reading of the whole chain, by a person, the schedule or the command: how far it is and what it found.

    `found` is the first place where the chain breaks, null where it holds.
    """

    asked_at = models.DateTimeField()
    asked_by = models.CharField(max_length=200)
    job_id = models.UUIDField(null=True)
    # Where to go on: the last link that was found good.
    seq = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, blank=True)
    good_head = models.BigIntegerField(default=0)
    events = models.BigIntegerField(default=0)
    heads = models.BigIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)
    found = models.JSONField(null=True)

    class Meta:
        db_table = "audit_check"
        indexes = [models.Index(fields=["-asked_at"], name="audit_check_newest")]

    def __str__(self) -> str:
        return f"{self.asked_at:%Y-%m-%d %H:%M}"

    @property
    def holds(self) -> bool:
        """The chain was read to its end and nothing was found."""
        return self.finished_at is not None and self.found is None
