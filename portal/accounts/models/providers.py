"""Where people's accounts come from, and which of them are one person's."""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.core import actors, clock
from portal.core.models import SlugField, UUIDModel

ANYBODY, GROUPS, PEOPLE = "anybody", "groups", "people"
ACTIVE, DISABLED, GONE = "active", "disabled", "gone"
HOUR = 3600


class Provider(UUIDModel):
    """One directory or sign-in service. Its address and credentials stand in the environment, under the same key.

    Disabled, it freezes: nobody signs in by it, its groups give nothing, and nothing of it is forgotten.
    """

    key = SlugField()
    kind = models.CharField(max_length=8, choices=[("ldap", "LDAP"), ("github", "GitHub"), ("oidc", "OIDC")])
    name = models.CharField(max_length=100)
    enabled = models.BooleanField(default=False)
    admits = models.CharField(
        max_length=8,
        default=ANYBODY,
        choices=[(ANYBODY, _("anybody it knows")), (GROUPS, _("listed groups")), (PEOPLE, _("listed people"))],
    )
    admitted_groups = models.ManyToManyField("accounts.OutsideGroup", related_name="+", blank=True)
    # Rights by groups older than this are suspended: 24 hours, 16 where groups come with the sign-in alone.
    max_age_seconds = models.PositiveIntegerField(default=24 * HOUR)
    refresh_started_at = models.DateTimeField(null=True, blank=True)
    refreshed_at = models.DateTimeField(null=True, blank=True)
    # The last whole reading: the groups of every active account that was ever read are at least as young.
    groups_read_at = models.DateTimeField(null=True, blank=True)
    refresh_error = models.CharField(max_length=500, blank=True)
    refresh_failed_at = models.DateTimeField(null=True, blank=True)
    # What the provider lets us ask for changes with (GitHub's ETags).
    marks = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "provider"
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["ldap", "github", "oidc"]), name="provider_kind_known"),
            models.CheckConstraint(condition=Q(admits__in=[ANYBODY, GROUPS, PEOPLE]), name="provider_admits_known"),
        ]

    def __str__(self) -> str:
        return self.name

    def as_subject(self) -> actors.Subject:
        """Return the provider as what an audit event is about."""
        return actors.Subject("provider", str(self.id), self.name, f"/settings/providers/{self.key}/")


class AdmittedPerson(models.Model):
    """Somebody who may sign in where a provider admits listed people. The first sign-in pins the name to its id."""

    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="admitted_people")
    username_folded = models.CharField(max_length=200)
    subject = models.CharField(max_length=255, blank=True)

    class Meta:
        db_table = "provider_admitted_person"
        constraints = [models.UniqueConstraint(fields=["provider", "username_folded"], name="admitted_once")]

    def __str__(self) -> str:
        return self.username_folded


class Identity(UUIDModel):
    """An account at a provider, known by the id that never changes there. One person may have several."""

    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="identities", null=True)
    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="identities")
    subject = models.CharField(max_length=255)
    username = models.CharField(max_length=200)
    display_name = models.CharField(max_length=200, blank=True)
    email = models.CharField(max_length=254, blank=True)
    dn = models.CharField(max_length=1000, blank=True)
    state = models.CharField(
        max_length=8,
        default=ACTIVE,
        choices=[(ACTIVE, _("Active")), (DISABLED, _("Disabled there")), (GONE, _("Gone there"))],
    )
    # What was read for this account alone, mostly at its sign-in; `groups_known_at` is what counts.
    groups_as_of = models.DateTimeField(null=True, blank=True)
    last_sign_in_at = models.DateTimeField(null=True, blank=True)
    linked_at = models.DateTimeField(default=clock.now)
    # Names it had before: what a rename leaves, for people who look for them.
    former_names = ArrayField(models.CharField(max_length=200), default=list, blank=True)

    class Meta:
        db_table = "identity"
        verbose_name_plural = "identities"
        constraints = [
            models.UniqueConstraint(fields=["provider", "subject"], name="identity_once"),
            models.CheckConstraint(condition=Q(state__in=[ACTIVE, DISABLED, GONE]), name="identity_state_known"),
        ]
        indexes = [models.Index(fields=["user"], name="identity_user")]

    def __str__(self) -> str:
        return f"{self.username} ({self.provider.key})"

    @property
    def groups_known_at(self) -> datetime | None:
        """When its groups were last read, for it alone or with all others; None where they never were."""
        own, whole = self.groups_as_of, self.provider.groups_read_at
        return max(own, whole) if own and whole and self.state == ACTIVE else own
