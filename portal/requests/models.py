"""Requests for access, and reviews of what was given."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.access import scopes
from portal.accounts.models import User
from portal.core import actors, clock
from portal.core.models import UUIDModel


class State(models.TextChoices):
    """Where a request stands."""

    WAITING = "waiting", _("Waiting")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    EXPIRED = "expired", _("Expired")


class AccessRequest(UUIDModel):
    """A person asks for a role on a scope.

    Who types a slug is told the same whether there is such a thing or not: a request for nothing has no `scope_id`,
    is shown to nobody who decides, and expires like one that nobody answered. What the asker sees is what they typed.
    """

    asker = models.ForeignKey(User, on_delete=models.CASCADE, related_name="access_requests")
    role = models.CharField(max_length=40)
    scope_kind = models.CharField(max_length=12, choices=[(kind.value, kind.value) for kind in scopes.ScopeKind])
    scope_id = models.UUIDField(null=True, blank=True)
    # For those who decide; and what was typed, for who asked.
    scope_label = models.CharField(max_length=200, blank=True)
    asked_for = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=500)
    days = models.PositiveSmallIntegerField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=200, blank=True)
    note = models.CharField(max_length=500, blank=True)
    is_demo = models.BooleanField(default=False)

    class Meta:
        db_table = "access_request"
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="request_state_known"),
            models.UniqueConstraint(
                fields=["asker", "role", "scope_kind", "asked_for"],
                condition=Q(state="waiting"),
                name="request_once",
            ),
        ]
        indexes = [
            models.Index(fields=["scope_kind", "scope_id"], condition=Q(state="waiting"), name="request_waiting"),
            models.Index(fields=["asker", "-created_at"], name="request_of"),
        ]

    def __str__(self) -> str:
        return f"{self.asker}: {self.role} on {self.scope_label or self.scope_kind}"

    def as_subject(self) -> actors.Subject:
        """Return the request as what an audit event is about."""
        scope = (
            {self.scope_kind: str(self.scope_id)} if self.scope_id and self.scope_kind in {"team", "project"} else {}
        )
        return actors.Subject("request", str(self.id), str(self), "/requests/", **scope)


class Review(UUIDModel):
    """Each binding of a scope is to be kept or dropped by an owner until a day."""

    scope_kind = models.CharField(max_length=12)
    scope_id = models.UUIDField(null=True, blank=True)
    scope_label = models.CharField(max_length=200, blank=True)
    opened_at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.CharField(max_length=200, blank=True)
    kept = models.PositiveIntegerField(default=0)
    dropped = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "access_review"
        constraints = [
            models.UniqueConstraint(
                fields=["scope_kind", "scope_id"],
                condition=Q(closed_at=None),
                nulls_distinct=False,
                name="review_one_open",
            )
        ]

    def __str__(self) -> str:
        return self.scope_label or str(_("everything"))

    def as_subject(self) -> actors.Subject:
        """Return the review as what an audit event is about."""
        scope = {self.scope_kind: str(self.scope_id)} if self.scope_kind in {"team", "project"} else {}
        return actors.Subject("review", str(self.id), str(self), f"/reviews/{self.id}/", **scope)


class Decision(models.Model):
    """One binding of a review, kept: what was dropped is gone from the bindings and stands in the audit."""

    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="decisions")
    binding_id = models.UUIDField()
    keep = models.BooleanField()
    by = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        db_table = "access_review_decision"
        constraints = [models.UniqueConstraint(fields=["review", "binding_id"], name="decision_once")]

    def __str__(self) -> str:
        return f"{'keep' if self.keep else 'drop'} {self.binding_id}"
