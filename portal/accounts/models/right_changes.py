"""News of rights: what rooms that carry rights elsewhere read, and delete once they have."""

from django.db import models
from django.db.models import Q

from portal.core import clock


class RightChange(models.Model):
    """That rights changed: on a scope, or wherever a person or an outside group has some.

    Written in the transaction of the change, read and deleted by whoever makes rights true outside. Several rows may
    tell of one change; none tells what changed, since what holds is read anew anyway.
    """

    id = models.BigAutoField(primary_key=True)
    scope_kind = models.CharField(max_length=12, blank=True, default="")
    scope_id = models.UUIDField(null=True)
    # No foreign keys: the news outlives what it is about.
    user_id = models.UUIDField(null=True)
    group_id = models.UUIDField(null=True)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "right_change"
        constraints = [
            models.CheckConstraint(
                condition=~Q(scope_kind="") | Q(user_id__isnull=False) | Q(group_id__isnull=False),
                name="right_change_about_something",
            )
        ]

    def __str__(self) -> str:
        return f"{self.scope_kind or 'rights'} {self.scope_id or self.user_id or self.group_id}"
