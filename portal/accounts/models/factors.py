"""Second factors."""

from django.db import models

from portal.core import clock
from portal.core.models import UUIDModel
from portal.core.sealed import SealedField


class SecondFactor(UUIDModel):
    """A time-based one-time password (RFC 6238). Not confirmed until a first code was right."""

    user = models.OneToOneField("accounts.User", on_delete=models.CASCADE, related_name="second_factor")
    secret = SealedField()
    created_at = models.DateTimeField(default=clock.now)
    confirmed_at = models.DateTimeField(null=True)
    # The time step of the last code taken: a code is good once.
    last_step = models.BigIntegerField(default=0)

    class Meta:
        db_table = "second_factor"

    def __str__(self) -> str:
        return "second factor"


class RecoveryCode(models.Model):
    """A code for the day the telephone is lost: shown once, kept as a digest, good once."""

    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=clock.now)
    used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "recovery_code"
        constraints = [models.UniqueConstraint(fields=["user", "digest"], name="recovery_code_once")]

    def __str__(self) -> str:
        return "recovery code"
