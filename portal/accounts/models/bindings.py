"""Roles given to people, robots and outside groups."""

from datetime import datetime
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.urls import reverse

from portal.access import scopes
from portal.access.permissions import Permission
from portal.accounts.models.groups import OutsideGroup
from portal.core import actors, clock
from portal.core.models import UUIDModel

# Keys of custom roles begin with it, those of the table in code never do.
CUSTOM = "x-"


class CustomRole(UUIDModel):
    """A named set of permissions of the installation's own. No wildcard: what is not named is not in it."""

    key = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=300, blank=True)
    scope_kinds = ArrayField(models.CharField(max_length=12))
    permissions = ArrayField(models.CharField(max_length=40))
    created_at = models.DateTimeField(default=clock.now)
    created_by = models.CharField(max_length=200)

    class Meta:
        db_table = "custom_role"
        constraints = [models.CheckConstraint(condition=Q(key__startswith=CUSTOM), name="custom_role_key")]

    def __str__(self) -> str:
        return self.name

    def known_permissions(self) -> frozenset[Permission]:
        """Return its permissions; one that this version no longer knows gives nothing."""
        return frozenset(one for one in Permission if one.value in self.permissions)

    def as_subject(self) -> actors.Subject:
        """Return the role as what an audit event is about."""
        return actors.Subject("role", self.key, self.name, reverse("accounts:roles"))


class BindingQuerySet(models.QuerySet["Binding"]):
    """Sets of bindings."""

    def in_force(self, at: datetime) -> "BindingQuerySet":
        """Keep the bindings that have not expired."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=at))

    def on(self, kind: str, key: UUID | None) -> "BindingQuerySet":
        """Keep those on one scope."""
        return self.filter(scope_kind=kind, scope_id=key)


class Binding(UUIDModel):
    """A role given to a person, a robot or an outside group on a scope."""

    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="bindings", null=True, blank=True)
    group = models.ForeignKey(OutsideGroup, on_delete=models.PROTECT, related_name="bindings", null=True, blank=True)
    role = models.CharField(max_length=40)
    scope_kind = models.CharField(max_length=12, choices=[(kind.value, kind.value) for kind in scopes.ScopeKind])
    scope_id = models.UUIDField(null=True, blank=True)
    # The scope's name when it was given: shown where the thing itself is gone.
    scope_label = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    # The shortest warning of the end that was sent, in days.
    warned_days = models.PositiveSmallIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    created_by = models.CharField(max_length=200)
    is_demo = models.BooleanField(default=False)

    objects = BindingQuerySet.as_manager()

    class Meta:
        db_table = "role_binding"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "group", "role", "scope_kind", "scope_id"], nulls_distinct=False, name="binding_once"
            ),
            models.CheckConstraint(
                condition=Q(scope_kind="everything", scope_id=None)
                | (~Q(scope_kind="everything") & Q(scope_id__isnull=False)),
                name="binding_scope_named",
            ),
            models.CheckConstraint(
                condition=Q(user__isnull=False, group=None) | Q(user=None, group__isnull=False),
                name="binding_one_holder",
            ),
        ]
        indexes = [models.Index(fields=["scope_kind", "scope_id"], name="binding_scope")]

    def __str__(self) -> str:
        return f"{self.role} on {self.scope_label or self.scope_kind}"

    @property
    def holder(self) -> str:
        """Who has it, by name."""
        return self.group.name if self.group else self.user.username if self.user else ""

    @property
    def is_suspended(self) -> bool:
        """Whether it waits for its provider to be enabled again."""
        return self.group is not None and not self.group.provider.enabled

    def as_subject(self) -> actors.Subject:
        """Return the binding as what an audit event is about."""
        scope = {self.scope_kind: str(self.scope_id)} if self.scope_kind in {"team", "project"} else {}
        return actors.Subject("binding", str(self.id), f"{self.holder}: {self}", reverse("accounts:bindings"), **scope)


class RightUse(models.Model):
    """The last day on which a person used a permission: what finds rights that nobody uses."""

    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="+")
    permission = models.CharField(max_length=40)
    last_on = models.DateField()

    class Meta:
        db_table = "right_use"
        constraints = [models.UniqueConstraint(fields=["user", "permission"], name="right_use_once")]

    def __str__(self) -> str:
        return f"{self.permission} {self.last_on}"
