"""Outside groups: what a provider says, never edited here."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.accounts.models.providers import Identity, Provider
from portal.core import actors, clock
from portal.core.models import UUIDModel


class OutsideGroup(UUIDModel):
    """A group of a directory, or a GitHub organisation or team, by the id that never changes there.

    Made again under the same name it is another group.
    """

    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="groups")
    external_id = models.CharField(max_length=255)
    name = models.CharField(max_length=255)
    # Where it stands: a distinguished name, `organisation/team`, or empty.
    path = models.CharField(max_length=1000, blank=True)
    seen_at = models.DateTimeField(default=clock.now)
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "outside_group"
        constraints = [models.UniqueConstraint(fields=["provider", "external_id"], name="outside_group_once")]
        indexes = [models.Index(fields=["name"], name="outside_group_name")]

    def __str__(self) -> str:
        return self.name

    def as_subject(self) -> actors.Subject:
        """Return the group as what an audit event is about."""
        return actors.Subject("group", str(self.id), f"{self.name} ({self.provider.key})", f"/groups/{self.id}/")


class GroupNesting(models.Model):
    """A group directly inside another."""

    parent = models.ForeignKey(OutsideGroup, on_delete=models.CASCADE, related_name="children")
    child = models.ForeignKey(OutsideGroup, on_delete=models.CASCADE, related_name="parents")

    class Meta:
        db_table = "outside_group_nesting"
        constraints = [models.UniqueConstraint(fields=["parent", "child"], name="nesting_once")]

    def __str__(self) -> str:
        return f"{self.child} in {self.parent}"


class GroupMembership(models.Model):
    """That an account is in a group: as the provider says, or through nested groups (`direct` tells which)."""

    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="memberships")
    group = models.ForeignKey(OutsideGroup, on_delete=models.CASCADE, related_name="memberships")
    direct = models.BooleanField(_("direct"))

    class Meta:
        db_table = "outside_group_membership"
        constraints = [models.UniqueConstraint(fields=["identity", "group"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.identity_id} in {self.group_id}"
