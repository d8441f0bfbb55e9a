"""Tables of the room."""

from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from portal.access.permissions import Permission
from portal.access.scopes import Person, ScopeKind
from portal.accounts.bindings import memberships
from portal.accounts.models import User
from portal.core import actors, clock
from portal.core.models import SlugField, UUIDModel
from portal.tokens.written import PREFIX

DEFAULT_LIFE, LONGEST_LIFE = timedelta(days=30), timedelta(days=90)
KEPT_AFTER_END = timedelta(days=90)


class TokenQuerySet(models.QuerySet["Token"]):
    """Sets of tokens."""

    def live(self, at: datetime) -> "TokenQuerySet":
        """Keep those that have not ended."""
        return self.filter(revoked_at=None, expires_at__gt=at)


class Token(UUIDModel):
    """What a program shows instead of a person's session: part of its owner's rights, for a time.

    The text is `pdk_<public id>_<secret>`; of the secret the digest alone is kept.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    public_id = models.CharField(max_length=12, unique=True)
    digest = models.CharField(max_length=64)
    name = models.CharField(max_length=100)
    scope_kind = models.CharField(max_length=12, choices=[(kind.value, kind.value) for kind in ScopeKind])
    scope_id = models.UUIDField(null=True, blank=True)
    scope_label = models.CharField(max_length=200, blank=True)
    # Things inside of the scope, as {kind, id, label}; empty = all of it.
    only = models.JSONField(default=list, blank=True)
    permissions = ArrayField(models.CharField(max_length=40))
    # CIDRs; empty = from anywhere.
    networks = ArrayField(models.CharField(max_length=43), default=list, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    created_by = models.CharField(max_length=200)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_address = models.CharField(max_length=64, blank=True)
    # Networks it was used from, the latest last.
    seen_networks = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=200, blank=True)
    # The shortest warning of the end that was sent, in days.
    warned_days = models.PositiveSmallIntegerField(null=True, blank=True)

    objects: ClassVar[TokenQuerySet] = TokenQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        db_table = "api_token"
        constraints = [
            models.CheckConstraint(
                condition=Q(scope_kind="everything", scope_id=None)
                | (~Q(scope_kind="everything") & Q(scope_id__isnull=False)),
                name="token_scope_named",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at"), expires_at__lte=F("created_at") + LONGEST_LIFE),
                name="token_ends_in_time",
            ),
        ]
        indexes = [models.Index(fields=["user", "-created_at"], name="token_user")]

    def __str__(self) -> str:
        return f"{self.name} ({self.begins})"

    @property
    def begins(self) -> str:
        """The part of its text that may be shown."""
        return f"{PREFIX}{self.public_id}"

    def state(self, at: datetime) -> str:
        """Return "live", "revoked" or "expired"."""
        if self.revoked_at is not None:
            return "revoked"
        return "live" if self.expires_at > at else "expired"

    def known_permissions(self) -> frozenset[Permission]:
        """Return its permissions; one that this version no longer knows gives nothing."""
        return frozenset(one for one in Permission if one.value in self.permissions)

    def as_subject(self) -> actors.Subject:
        """Return the token as what an audit event is about."""
        scope = {self.scope_kind: str(self.scope_id)} if self.scope_kind in {"team", "project"} else {}
        return actors.Subject("token", str(self.id), f"{self.user.username}: {self}", **scope)


class RobotQuerySet(models.QuerySet["Robot"]):
    """Sets of robots."""

    def standing(self) -> "RobotQuerySet":
        """Keep those that are not retired."""
        return self.filter(retired_at=None)

    def visible_to(self, user: Person, permission: Permission = Permission.MEMBER_VIEW) -> "RobotQuerySet":
        """Keep the robots of the teams one has the right on, and of the projects one has it on or that lie in those."""
        scopes = user.scopes_for(permission)
        if scopes.everything:
            return self
        inside = memberships.children(scopes.teams)
        return self.filter(
            Q(home_kind=ScopeKind.TEAM.value, home_id__in=scopes.teams)
            | Q(home_kind=ScopeKind.PROJECT.value, home_id__in={*scopes.projects, *inside})
        )


class Robot(UUIDModel):
    """A program's account. It belongs to a project or a team, not to whoever made it, and has tokens alone.

    Its roles are bindings of its account; the slug is never used again.
    """

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="robot")
    slug = SlugField(max_length=50)
    name = models.CharField(max_length=100)
    description = models.CharField(max_length=300, blank=True)
    home_kind = models.CharField(max_length=12, choices=[("team", "team"), ("project", "project")])
    home_id = models.UUIDField()
    home_label = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=clock.now)
    created_by = models.CharField(max_length=200)
    retired_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[RobotQuerySet] = RobotQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        db_table = "robot"
        constraints = [models.CheckConstraint(condition=Q(home_kind__in=["team", "project"]), name="robot_home_kind")]
        indexes = [models.Index(fields=["home_kind", "home_id"], name="robot_home")]

    def __str__(self) -> str:
        return self.name

    @property
    def home(self) -> dict[str, UUID | None]:
        """What a right on the robot is held on, as the gate's `demand` and `Scopes.covers` take it."""
        if self.home_kind == ScopeKind.TEAM.value:
            return {"team": self.home_id}
        return {"project": self.home_id, "team": memberships.team_of(self.home_id)}

    def get_absolute_url(self) -> str:
        """Return the address of the robot's page."""
        return reverse("tokens:robot", args=[self.slug])

    def as_subject(self) -> actors.Subject:
        """Return the robot as what an audit event is about."""
        home: dict[str, Any] = {self.home_kind: str(self.home_id)}
        return actors.Subject("robot", str(self.id), self.name, self.get_absolute_url(), **home)
