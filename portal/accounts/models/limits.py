"""How often something was tried, by whom and in which stretch of time."""

from django.db import models


class Spending(models.Model):
    """Uses of one limit by one key in one window. Kept in PostgreSQL, so that a wiped cache forgives nobody."""

    limit = models.CharField(max_length=60)
    # A digest: what is typed as a name may be a password.
    key = models.CharField(max_length=64)
    # Whole windows since 1970.
    window = models.BigIntegerField()
    count = models.PositiveIntegerField()
    ends_at = models.DateTimeField()

    class Meta:
        db_table = "limit_spending"
        constraints = [models.UniqueConstraint(fields=["limit", "key", "window"], name="spending_once")]
        indexes = [models.Index(fields=["ends_at"], name="spending_ends")]

    def __str__(self) -> str:
        return f"{self.limit}: {self.count}"
