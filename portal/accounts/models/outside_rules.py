"""What people decide about outside groups: patterns, refused proposals, and changes too large to believe."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.accounts.models.groups import OutsideGroup
from portal.accounts.models.providers import Provider
from portal.core import clock
from portal.core.models import UUIDModel


class ProviderHold(models.Model):
    """A refresh that would have taken more than half away: nothing was changed, and somebody says what it is."""

    provider = models.OneToOneField(Provider, on_delete=models.CASCADE, related_name="hold")
    at = models.DateTimeField()
    groups_known = models.PositiveIntegerField()
    groups_gone = models.PositiveIntegerField()
    people_known = models.PositiveIntegerField()
    people_gone = models.PositiveIntegerField()
    # The next refresh may take away as much as stands here, and not more.
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "provider_hold"

    def __str__(self) -> str:
        return f"{self.groups_gone} groups, {self.people_gone} people"


class GroupPattern(UUIDModel):
    """Names of groups that speak of a team or project (`team-*-admins`): makes proposals, gives nothing."""

    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="patterns")
    pattern = models.CharField(max_length=200)
    role = models.CharField(max_length=40)
    scope_kind = models.CharField(max_length=12, choices=[("team", _("Team")), ("project", _("Project"))])
    created_at = models.DateTimeField(default=clock.now)
    created_by = models.CharField(max_length=200)

    class Meta:
        db_table = "group_pattern"
        constraints = [
            models.UniqueConstraint(fields=["provider", "pattern", "role", "scope_kind"], name="group_pattern_once")
        ]

    def __str__(self) -> str:
        return self.pattern


class DismissedProposal(models.Model):
    """Somebody said no to what a pattern proposes for a group."""

    pattern = models.ForeignKey(GroupPattern, on_delete=models.CASCADE, related_name="dismissed")
    group = models.ForeignKey(OutsideGroup, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()
    by = models.CharField(max_length=200)

    class Meta:
        db_table = "dismissed_proposal"
        constraints = [models.UniqueConstraint(fields=["pattern", "group"], name="dismissed_once")]

    def __str__(self) -> str:
        return f"{self.pattern_id} {self.group_id}"
