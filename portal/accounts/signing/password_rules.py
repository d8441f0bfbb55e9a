"""What a password of a local account must be, beside Django's own rules (length, common ones, likeness to the person).

Named in `AUTH_PASSWORD_VALIDATORS`; a validator may read its own table.
"""

import unicodedata

from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from portal.accounts.models import EarlierPassword, User

MOST_BYTES = 500
LEAST_CHARACTERS = 12
REMEMBERED = 5


class WithinLimits:
    """Refuses what costs too much to hash, and what is short once look-alikes and ligatures are folded (NFKC)."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Raise `ValidationError`."""
        if len(password.encode("utf-8", errors="surrogatepass")) > MOST_BYTES:
            raise ValidationError(_("Use at most %d bytes.") % MOST_BYTES, code="password_too_long")
        folded = "".join(unicodedata.normalize("NFKC", password).split())
        if any(unicodedata.category(one) in {"Cc", "Cs"} for one in password):
            raise ValidationError(_("Use no control characters."), code="password_control")
        if len(folded) < LEAST_CHARACTERS or len(set(folded)) < LEAST_CHARACTERS // 3:
            raise ValidationError(
                _("Use at least %d characters beside spaces, and not the same ones all the time.") % LEAST_CHARACTERS,
                code="password_too_short",
            )

    def get_help_text(self) -> str:
        """Say the rule."""
        return _("At most %d bytes, no control characters.") % MOST_BYTES


class NotAnEarlierOne:
    """Refuses the last few passwords of the person."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Raise `ValidationError`."""
        if user is None or user._state.adding:
            return
        newest = user.earlier_passwords.order_by("-set_at", "-pk")[:REMEMBERED]
        if any(check_password(password, one.password) for one in newest):
            raise ValidationError(
                _("This is one of your last %d passwords. Choose another.") % REMEMBERED, code="password_used"
            )

    def password_changed(self, password: str, user: User) -> None:
        """Remember the new one's hash; called by the framework when it has been saved."""
        EarlierPassword.objects.create(user=user, password=user.password)
        kept = user.earlier_passwords.order_by("-set_at", "-pk").values("pk")[:REMEMBERED]
        user.earlier_passwords.exclude(pk__in=list(kept.values_list("pk", flat=True))).delete()

    def get_help_text(self) -> str:
        """Say the rule."""
        return _("None of your last %d passwords.") % REMEMBERED
