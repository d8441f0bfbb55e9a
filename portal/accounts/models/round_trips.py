"""What a sign-in at a provider leaves while it is under way, and what must be taken once only."""

from django.db import models

from portal.accounts.models.providers import Provider
from portal.core import clock
from portal.core.models import UUIDModel
from portal.core.sealed import SealedField

SIGN_IN, LINK, CONFIRM, TEST = "sign_in", "link", "confirm", "test"
DELIVERY, LOGOUT = "delivery", "logout"


class RoundTrip(UUIDModel):
    """A browser sent to a provider. Good once, for ten minutes, in the browser that was sent.

    The state itself is not kept, its digest is: who reads the table cannot finish somebody's sign-in.
    """

    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="+")
    purpose = models.CharField(max_length=8)
    state_digest = models.CharField(max_length=64, unique=True)
    # Of a value that stands in the browser's session alone.
    browser_digest = models.CharField(max_length=64)
    nonce = SealedField()
    verifier = SealedField()
    # Who was signed in when it began: links, confirmations and tests are theirs.
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="+", null=True)
    next = models.CharField(max_length=2000, blank=True)
    begun_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "round_trip"
        indexes = [models.Index(fields=["expires_at"], name="round_trip_end")]

    def __str__(self) -> str:
        return f"{self.purpose} at {self.provider_id}"


class SeenOnce(models.Model):
    """The id of a message of a provider (a webhook's delivery, a logout token): a second one changes nothing."""

    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=8)
    key = models.CharField(max_length=255)
    at = models.DateTimeField()

    class Meta:
        db_table = "seen_once"
        constraints = [models.UniqueConstraint(fields=["provider", "kind", "key"], name="seen_once_key")]
        indexes = [models.Index(fields=["at"], name="seen_once_at")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
