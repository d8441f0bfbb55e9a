"""Second factors: time-based one-time passwords (RFC 6238) and recovery codes."""

import base64
import hashlib
import secrets
from datetime import datetime

import pyotp
import segno
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from portal.access.permissions import PERSONAL
from portal.accounts import limits, services
from portal.accounts.models import RecoveryCode, SecondFactor, User
from portal.audit import services as audit
from portal.core import errors
from portal.core.actors import Actor
from portal.core.sealed import open_sealed, set_sealed

ISSUER = "Paddock"
STEP_SECONDS = 30
# A clock may be off by one step either way.
STEPS_OFF = (0, -1, 1)
RECOVERY_CODES = 10
RECOVERY_BYTES = 10


def enrolled(user: User) -> bool:
    """Tell whether the person has a confirmed second factor."""
    return SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).exists()


def demanded_of(user: User) -> bool:
    """Tell whether the person must have one: whoever may make somebody else of themselves or others, anywhere."""
    return settings.REQUIRE_SECOND_FACTOR and any(user.scopes_for(one).everything for one in PERSONAL)


@transaction.atomic
def begin(*, user: User, at: datetime) -> SecondFactor:
    """Return the person's factor to be confirmed, made where there is none. Raises `Conflict` when confirmed."""
    factor = SecondFactor.objects.select_for_update().filter(user=user).first()
    if factor is not None and factor.confirmed_at is not None:
        raise errors.Conflict.one("", _("There is a second factor already. Remove it before you set up another."))
    if factor is None:
        factor = SecondFactor(user=user, created_at=at)
        set_sealed(factor, "secret", pyotp.random_base32())
        factor.save()
    return factor


def address_of(factor: SecondFactor) -> str:
    """Return the `otpauth:` address an authenticator reads. It holds the secret."""
    maker = pyotp.TOTP(open_sealed(factor, "secret").reveal(), name=factor.user.username, issuer=ISSUER)
    return maker.provisioning_uri()


def picture_of(factor: SecondFactor) -> str:
    """Return the address as a QR code: an SVG in a data address."""
    return segno.make(address_of(factor), micro=False).svg_data_uri(scale=5, border=4, light="#fff")


def spoken_secret(factor: SecondFactor) -> str:
    """Return the secret in groups of four, for whoever types it."""
    secret = open_sealed(factor, "secret").reveal()
    return " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))


@transaction.atomic
def confirm(*, user: User, code: str, by: Actor, at: datetime) -> list[str]:
    """Take the first right code; returns the recovery codes, which are shown once. Raises `Refused` at "code"."""
    factor = begin(user=user, at=at)
    step = _step_of(factor, code, at)
    if step is None:
        raise errors.Refused.one("code", _("This code is not right. Check the clock of your device."))
    factor.confirmed_at, factor.last_step = at, step
    factor.save(update_fields=["confirmed_at", "last_step"])
    audit.record("accounts.factor.add", by=by, on=user.as_subject())
    return _renew(user, at)


@transaction.atomic
def renew_codes(*, user: User, by: Actor, at: datetime) -> list[str]:
    """Replace the recovery codes; returns the new ones, which are shown once. Raises `Conflict` without a factor."""
    if not enrolled(user):
        raise errors.Conflict.one("", _("Set up a second factor first."))
    audit.record("accounts.factor.codes", by=by, on=user.as_subject())
    return _renew(user, at)


def codes_left(user: User) -> int:
    """Return how many recovery codes are unused."""
    return RecoveryCode.objects.filter(user=user, used_at=None).count()


def check(*, user: User, code: str, by: Actor, at: datetime) -> None:
    """Take a code of the authenticator or a recovery code, each once. Raises `Refused` at "code"."""
    if not limits.spend(limits.SECOND_FACTORS, str(user.pk), at):
        raise errors.TooMany.after(300, "code", _("Too many tries. Wait five minutes, then try again."))
    if _take_step(user, code, at) or _take_recovery_code(user, code, by, at):
        limits.give_back(limits.SECOND_FACTORS, str(user.pk))
        return
    audit.record("accounts.session.refuse", by=by, on=user.as_subject(), after={"why": "wrong second factor"})
    raise errors.Refused.one("code", _("This code is not right, or was used already."))


@transaction.atomic
def remove(*, user: User, by: Actor, removed_by: User | None = None) -> None:
    """Take the second factor away; `removed_by` is an administrator who helps. Raises `Conflict`, `Refused`."""
    if removed_by is not None and removed_by.pk != user.pk:
        services.demand_dominance(removed_by, user)
    gone, _rows = SecondFactor.objects.filter(user=user).delete()
    if not gone:
        raise errors.Conflict.one("", _("There is no second factor."))
    RecoveryCode.objects.filter(user=user).delete()
    audit.record("accounts.factor.remove", by=by, on=user.as_subject())


@transaction.atomic
def _take_step(user: User, code: str, at: datetime) -> bool:
    factor = SecondFactor.objects.select_for_update().filter(user=user, confirmed_at__isnull=False).first()
    if factor is None:
        return False
    step = _step_of(factor, code, at)
    if step is None or step <= factor.last_step:
        return False
    SecondFactor.objects.filter(pk=factor.pk).update(last_step=step)
    return True


def _step_of(factor: SecondFactor, code: str, at: datetime) -> int | None:
    digits = code.replace(" ", "")
    if len(digits) != 6 or not digits.isascii() or not digits.isdecimal():
        return None
    now = int(at.timestamp()) // STEP_SECONDS
    maker = pyotp.TOTP(open_sealed(factor, "secret").reveal())
    right = [now + off for off in STEPS_OFF if secrets.compare_digest(maker.generate_otp(now + off), digits)]
    return right[0] if right else None


@transaction.atomic
def _take_recovery_code(user: User, code: str, by: Actor, at: datetime) -> bool:
    # One UPDATE decides between two browsers that send the same code.
    taken = RecoveryCode.objects.filter(user=user, digest=_digest(code), used_at=None).update(used_at=at)
    if taken:
        audit.record("accounts.factor.recover", by=by, on=user.as_subject(), after={"codes_left": codes_left(user)})
    return bool(taken)


def _renew(user: User, at: datetime) -> list[str]:
    RecoveryCode.objects.filter(user=user).delete()
    codes = [_spoken(secrets.token_bytes(RECOVERY_BYTES)) for _one in range(RECOVERY_CODES)]
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, digest=_digest(code), created_at=at) for code in codes)
    return codes


def _spoken(raw: bytes) -> str:
    text = base64.b32encode(raw).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def _digest(code: str) -> str:
    # 80 random bits: a plain digest cannot be searched.
    return hashlib.sha256(code.strip().lower().replace("-", "").replace(" ", "").encode()).hexdigest()
