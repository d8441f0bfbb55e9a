"""How far rights were followed into clusters."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q


class RightLook(models.Model):
    """The one row of the last look at rights: what ends by itself, or grows too old, writes no news of its own."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    looked_at = models.DateTimeField()
    # Providers whose groups were too old to count then.
    stale = ArrayField(models.UUIDField(), default=list)

    class Meta:
        db_table = "right_look"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="right_look_one")]

    def __str__(self) -> str:
        return f"{self.looked_at}"
