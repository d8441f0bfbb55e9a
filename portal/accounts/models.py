"""People and what they may do."""

import unicodedata
import uuid
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.access import roles, scopes
from portal.access.permissions import Permission
from portal.core import actors, clock
from portal.core.models import UUIDModel


def fold(username: str) -> str:
    """Return the form in which two user names are the same: NFKC, then case folded."""
    return unicodedata.normalize("NFKC", username).casefold()


class UserManager(BaseUserManager["User"]):
    """Finds people by their folded name."""

    def get_by_natural_key(self, username: str | None) -> "User":
        """Look up a user name as typed."""
        return self.get(username_folded=fold(username or ""))


class User(AbstractBaseUser):
    """A person. The user name never changes; rights come from bindings alone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    username = models.CharField(
        max_length=150,
        unique=True,
        validators=[RegexValidator(r"\A[\w.@+-]+\Z", _("Use letters, digits and . @ + - _ only."))],
    )
    username_folded = models.CharField(max_length=200, unique=True, editable=False)
    display_name = models.CharField(max_length=200, blank=True)
    email = models.EmailField(blank=True)
    is_active = models.BooleanField(default=True)
    # The password was made by Paddock and is good for one sign-in, which must choose another.
    password_is_one_time = models.BooleanField(default=False)
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now)

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        db_table = "user_account"

    def __str__(self) -> str:
        return self.display_name or self.username

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep the folded name in step; it is what the unique constraint reads."""
        self.username_folded = fold(self.username)
        super().save(*args, **kwargs)

    def as_actor(self, address: str = "", request_id: str = "") -> actors.Actor:
        """Return the person as the author of an action."""
        return actors.Actor("user", str(self.id), self.username, address, request_id)

    def as_subject(self) -> actors.Subject:
        """Return the person as what an audit event is about."""
        return actors.Subject("user", str(self.id), self.username, reverse("accounts:person", args=[self.username]))

    def scopes_for(self, permission: Permission) -> scopes.Scopes:
        """Return where the person holds the permission now: computed from rows, kept for this instance only.

        One instance lives for one request, so a removed binding is gone with the next request.
        """
        if not self.is_active:
            return scopes.NOWHERE
        held = self.__dict__.get("_held")
        if held is None:
            held = self.__dict__["_held"] = list(
                self.bindings.in_force(clock.now()).values_list("role", "scope_kind", "scope_id")
            )
        return _scopes([(kind, key) for role, kind, key in held if permission in roles.ROLES[role].permissions])

    def may(self, permission: Permission) -> bool:
        """Tell whether the permission is held anywhere."""
        return not self.scopes_for(permission).none


class BindingQuerySet(models.QuerySet["Binding"]):
    """Sets of bindings."""

    def in_force(self, at: datetime) -> "BindingQuerySet":
        """Keep the bindings that have not expired and whose role still exists."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=at), role__in=list(roles.ROLES))


class Binding(UUIDModel):
    """A role given to a person on a scope. (Outside groups become a second kind of holder.)"""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="bindings")
    role = models.CharField(max_length=40)
    scope_kind = models.CharField(max_length=12, choices=[(kind.value, kind.value) for kind in scopes.ScopeKind])
    scope_id = models.UUIDField(null=True, blank=True)
    # The scope's name when it was given: shown where the thing itself is gone.
    scope_label = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    created_by = models.CharField(max_length=200)
    is_demo = models.BooleanField(default=False)

    objects = BindingQuerySet.as_manager()

    class Meta:
        db_table = "role_binding"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "role", "scope_kind", "scope_id"], nulls_distinct=False, name="binding_once"
            ),
            models.CheckConstraint(
                condition=Q(scope_kind="everything", scope_id=None)
                | (~Q(scope_kind="everything") & Q(scope_id__isnull=False)),
                name="binding_scope_named",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} on {self.scope_label or self.scope_kind}"

    def as_subject(self) -> actors.Subject:
        """Return the binding as what an audit event is about."""
        return actors.Subject("binding", str(self.id), f"{self.user.username}: {self}", reverse("accounts:bindings"))


class SignInAttempt(models.Model):
    """One failed sign-in. Kept in PostgreSQL, so that the limit survives a wiped cache."""

    account = models.CharField(max_length=200)
    network = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        db_table = "sign_in_attempt"
        indexes = [
            models.Index(fields=["account", "at"], name="attempt_account"),
            models.Index(fields=["network", "at"], name="attempt_network"),
        ]

    def __str__(self) -> str:
        return f"{self.account} from {self.network}"


def _scopes(held: list[tuple[str, UUID | None]]) -> scopes.Scopes:
    def ids(kind: scopes.ScopeKind) -> frozenset[UUID]:
        return frozenset(key for found, key in held if found == kind and key is not None)

    return scopes.Scopes(
        everything=any(kind == scopes.ScopeKind.EVERYTHING for kind, _key in held),
        teams=ids(scopes.ScopeKind.TEAM),
        projects=ids(scopes.ScopeKind.PROJECT),
        clusters=ids(scopes.ScopeKind.CLUSTER),
    )
