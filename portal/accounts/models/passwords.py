"""Passwords a person had before, as their hashes."""

from django.db import models

from portal.accounts.models.people import User
from portal.core import clock


class EarlierPassword(models.Model):
    """The hash of a password as it was set, the present one among them. Only the newest few are kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="earlier_passwords")
    password = models.CharField(max_length=128)
    set_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "earlier_password"
        indexes = [models.Index(fields=["user", "set_at"], name="earlier_password_user")]

    def __str__(self) -> str:
        return f"of {self.user}"
