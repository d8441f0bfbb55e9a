"""What tells at a start whether the configured seal keys are the ones this database was written with."""

from django.db import models

from portal.core.sealed import SealedField


class SealSentinel(models.Model):
    """A known value sealed with one key. It opens under the right key alone."""

    key_id = models.CharField(primary_key=True, max_length=64)
    value = SealedField()

    class Meta:
        db_table = "seal_sentinel"

    def __str__(self) -> str:
        return self.key_id
