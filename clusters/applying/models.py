"""Tables of the room: what was written where, who writes now, what was found that nobody here wrote."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clusters.registry.models import Cluster
from portal.core import actors, clock
from portal.core.models import UUIDModel


class Installation(UUIDModel):
    """Which Paddock this is: its id stands in every mark and in the name under which fields are applied."""

    only = models.BooleanField(default=True, unique=True, editable=False)
    made_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "installation"
        constraints = [models.CheckConstraint(condition=Q(only=True), name="installation_once")]

    def __str__(self) -> str:
        return str(self.pk)


class State(models.TextChoices):
    """Where an object stands. `drifted`: somebody else changed it; with the code held or fight a person decides."""

    PENDING = "pending", _("Being written")
    APPLIED = "applied", _("Applied")
    DRIFTED = "drifted", _("Changed by somebody else")
    FAILED = "failed", _("Failed")
    WAITING = "waiting", _("Waiting")
    REMOVING = "removing", _("Being removed")


# Codes of a drifted object that is left to a person.
HELD, FIGHT = "held", "fight"


class AppliedObject(UUIDModel):
    """An object that this installation writes. By this row, and by nothing the object says, is it ours.

    `body` is what shall stand there, `digest` that of body and namespace, `applied_digest` what the cluster took.
    `uid` and `applied_version` come out of its answers; `seen_version` is the latest that was compared. `code` and
    `text` say what is wrong, `since` when. `due_at` is when it is tried again. `drifts` counts changes by others
    within ten minutes.
    """

    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=40)
    namespace = models.CharField(max_length=63, blank=True)
    namespace_uid = models.CharField(max_length=64, blank=True)
    name = models.CharField(max_length=253)
    uid = models.CharField(max_length=64, blank=True)
    source = models.CharField(max_length=60)
    source_id = models.UUIDField()
    # A plain column: the room knows no project.
    project_id = models.UUIDField(null=True)
    stage = models.PositiveSmallIntegerField()
    body = models.JSONField()
    forced = models.BooleanField()
    drift = models.CharField(max_length=7)
    digest = models.CharField(max_length=64)
    applied_digest = models.CharField(max_length=64, blank=True)
    applied_version = models.CharField(max_length=64, blank=True)
    seen_version = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    code = models.CharField(max_length=40, blank=True)
    text = models.CharField(max_length=300, blank=True)
    since = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    drifts = models.PositiveIntegerField(default=0)
    drifted_at = models.DateTimeField(null=True)
    restored_at = models.DateTimeField(null=True)
    adopted = models.BooleanField(default=False)
    applied_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "applied_object"
        constraints = [
            models.UniqueConstraint(fields=["cluster", "kind", "namespace", "name"], name="applied_object_once"),
            models.UniqueConstraint(fields=["cluster", "uid"], condition=~Q(uid=""), name="applied_object_uid"),
            models.CheckConstraint(condition=Q(state__in=State.values), name="applied_object_state_known"),
        ]
        indexes = [
            models.Index(fields=["cluster"], condition=~Q(state="applied"), name="applied_object_open"),
            models.Index(fields=["source", "source_id"], name="applied_object_source"),
            models.Index(fields=["project_id"], name="applied_object_project"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.place}"

    @property
    def place(self) -> str:
        """Return namespace and name."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @property
    def for_a_person(self) -> bool:
        """Tell whether somebody else's change waits for a decision."""
        return self.state == State.DRIFTED and self.code in (HELD, FIGHT)

    def as_subject(self) -> actors.Subject:
        """Return the object as what an audit event is about."""
        project = str(self.project_id or "")
        return actors.Subject("applied object", str(self.pk), f"{self.cluster.name}: {self}", project=project)


class WriteLease(models.Model):
    """Who writes to a cluster now, and what was asked. Apart from the lease of reading, which may be held for hours.

    `fence` rises with every claim. `asked` counts wishes for a pass and `done` those that one has carried out.
    `stopped_code` and `stopped_text` say why nothing is written until a person lets it go on.
    """

    cluster = models.OneToOneField(Cluster, primary_key=True, on_delete=models.CASCADE, related_name="+")
    owner = models.CharField(max_length=100, blank=True)
    until = models.DateTimeField(null=True)
    fence = models.BigIntegerField(default=0)
    asked = models.BigIntegerField(default=0)
    done = models.BigIntegerField(default=0)
    because = models.CharField(max_length=60, blank=True)
    asked_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    fails = models.PositiveIntegerField(default=0)
    code = models.CharField(max_length=40, blank=True)
    text = models.CharField(max_length=300, blank=True)
    failing_since = models.DateTimeField(null=True)
    stopped_code = models.CharField(max_length=40, blank=True)
    stopped_text = models.CharField(max_length=300, blank=True)
    stopped_at = models.DateTimeField(null=True)
    # Projects of which nothing is wanted here any more, by id; "*" for all of them.
    withdrawn = models.JSONField(default=list)

    class Meta:
        db_table = "write_lease"
        indexes = [
            models.Index(fields=["cluster"], condition=Q(asked__gt=models.F("done")), name="write_lease_asked"),
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="write_lease_due"),
        ]

    def __str__(self) -> str:
        return f"{self.cluster_id} {self.fence}"


class Reason(models.TextChoices):
    """Why an object that bears Paddock's mark or subjects is none of ours."""

    FORGED = "forged", _("Its mark is none that Paddock writes")
    COPIED = "copied", _("It bears the mark of another object of ours")
    FORMER = "former", _("An object of ours that this database does not know")
    OTHER = "other_installation", _("Another Paddock wrote it")
    UNLISTED = "unlisted", _("It gives rights to groups of Paddock, and Paddock did not write it")


class Decision(models.TextChoices):
    """What a person decided about a foreign object."""

    REMOVED = "removed", _("Removed")
    LEFT = "left", _("Left as it is")
    TAKEN_OVER = "taken_over", _("Taken over")


class Foreign(UUIDModel):
    """An object in a cluster that claims to be ours and is not."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=40)
    namespace = models.CharField(max_length=63, blank=True)
    name = models.CharField(max_length=253)
    uid = models.CharField(max_length=64)
    reason = models.CharField(max_length=20, choices=Reason.choices)
    mark = models.CharField(max_length=63, blank=True)
    first_seen_at = models.DateTimeField(default=clock.now)
    decision = models.CharField(max_length=10, choices=Decision.choices, blank=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "foreign_object"
        constraints = [
            models.UniqueConstraint(fields=["cluster", "uid"], name="foreign_object_once"),
            models.CheckConstraint(condition=Q(reason__in=Reason.values), name="foreign_object_reason_known"),
            models.CheckConstraint(
                condition=Q(decision__in=["", *Decision.values]), name="foreign_object_decision_known"
            ),
        ]
        indexes = [models.Index(fields=["cluster", "first_seen_at"], name="foreign_object_of_cluster")]

    def __str__(self) -> str:
        place = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {place}"

    def as_subject(self) -> actors.Subject:
        """Return the object as what an audit event is about."""
        return actors.Subject("foreign object", str(self.pk), f"{self.cluster.name}: {self}")
