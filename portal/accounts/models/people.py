"""People and robots."""

import unicodedata
import uuid
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.validators import RegexValidator
from django.db import models
from django.urls import reverse
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from portal.access import scopes
from portal.access.permissions import PERSONAL, Permission
from portal.accounts.models.rights import Held, Places, can_sign_in, folded, held_by, places_of
from portal.core import actors, clock

PERSON, ROBOT = "person", "robot"


def fold(username: str) -> str:
    """Return the form in which two user names are the same: NFKC, then case folded."""
    return unicodedata.normalize("NFKC", username).casefold()


class UserManager(BaseUserManager["User"]):
    """Finds people by their folded name."""

    def get_by_natural_key(self, username: str | None) -> "User":
        """Look up a user name as typed."""
        return self.get(username_folded=fold(username or ""))


class User(AbstractBaseUser):
    """A person or a robot. The user name never changes; rights come from bindings alone.

    An instance lives for one request. What narrows the rights of that request sits on it: `within`, the scope and
    permissions of an API token; `viewer`, the administrator who looks at the portal as this person.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=8, default=PERSON, choices=[(PERSON, _("Person")), (ROBOT, _("Robot"))])
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
    # Works whatever becomes of the providers, and is heard of each time it is used.
    is_break_glass = models.BooleanField(default=False)
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now)

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()

    within: scopes.Limits | None = None
    viewer: "User | None" = None

    class Meta:
        db_table = "user_account"

    def __str__(self) -> str:
        return self.display_name or self.username

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep the folded name in step; it is what the unique constraint reads."""
        self.username_folded = fold(self.username)
        super().save(*args, **kwargs)

    def as_actor(self, address: str = "", request_id: str = "") -> actors.Actor:
        """Return the person as the author of an action; somebody who looks on as this person is the author."""
        who, whom = (self.viewer, self.username) if self.viewer else (self, "")
        token = self.within.token if self.within else ""
        return actors.Actor("user", str(who.id), who.username, address, request_id, as_label=whom, token=token)

    def as_subject(self) -> actors.Subject:
        """Return the person as what an audit event is about."""
        return actors.Subject("user", str(self.id), self.username, reverse("accounts:person", args=[self.username]))

    def scopes_for(self, permission: Permission) -> scopes.Scopes:
        """Return where the permission is held now: computed from rows, kept for this instance only.

        One instance lives for one request, so a removed binding is gone with the next request.
        """
        if permission in PERSONAL and (self.within or self.viewer or self.kind == ROBOT):
            return scopes.NOWHERE
        found = scopes.gathered(
            (one.scope_kind, key) for one in self._places() if permission in one.permissions for key in one.scope_ids
        )
        if self.within is not None:
            found = self.within.narrow(permission, found, _team_of)
        if self.viewer is not None:
            found = found.within(self.viewer.scopes_for(permission), _team_of)
        return found

    def rights(self) -> list[Held]:
        """Return the rights in force, read once for this instance; none for an account that is not in force."""
        kept: list[Held] | None = self.__dict__.get("_rights")
        if kept is None:
            kept = self.__dict__["_rights"] = held_by(self.pk, at=clock.now()) if self.in_force() else []
        return kept

    def _places(self) -> list[Places]:
        """Where rights are held, read once for this instance: of the moment of `rights` where those are read."""
        kept: list[Places] | None = self.__dict__.get("_where")
        if kept is None:
            full: list[Held] | None = self.__dict__.get("_rights")
            kept = folded(full) if full is not None else self._places_now()
            self.__dict__["_where"] = kept
        return kept

    def _places_now(self) -> list[Places]:
        return places_of(self.pk, at=clock.now()) if self.in_force() else []

    def in_force(self) -> bool:
        """Tell whether the account counts: active, and a person can still sign in to it in some way.

        Nobody signs in to the demo's people; they hold roles to be looked at.
        """
        if not self.is_active:
            return False
        return self.kind == ROBOT or self.is_demo or self.has_usable_password() or can_sign_in(self.pk)

    def may(self, permission: Permission) -> bool:
        """Tell whether the permission is held anywhere."""
        return not self.scopes_for(permission).none


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


def _team_of(project: UUID) -> UUID | None:
    """The team that has the project now, as the room of projects knows it."""
    found: UUID | None = import_string(settings.SCOPE_PARENTS["project"])(project)
    return found
