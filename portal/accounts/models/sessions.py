"""Signed-in browsers."""

import uuid

from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models

from portal.accounts.models.providers import Identity
from portal.core import clock


class Session(AbstractBaseSession):
    """A browser's session. The columns tell whose it is, so that it can be listed and ended without being opened."""

    # What pages call it by: the key itself is the secret.
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="sessions", null=True)
    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="sessions", null=True)
    created_at = models.DateTimeField(default=clock.now)
    # When whoever sits there last proved to be the person.
    authenticated_at = models.DateTimeField(null=True)
    active_at = models.DateTimeField(default=clock.now)
    address = models.CharField(max_length=64, blank=True)
    agent = models.CharField(max_length=200, blank=True)

    class Meta(AbstractBaseSession.Meta):
        abstract = False
        db_table = "session"
        indexes = [
            models.Index(fields=["user", "-active_at"], name="session_user"),
            models.Index(fields=["expire_date"], name="session_end"),
        ]
