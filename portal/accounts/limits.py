"""How often something may be tried before an answer is refused: delay, never a lock.

Sign-ins count their failures, by account and by network. Everything else declares a `Limit` and calls `spend`. Both
count in PostgreSQL: a wiped cache forgives nobody, and several web processes count together.
"""

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.db.models import Sum

from portal.accounts.models import SignInAttempt, Spending, fold

WINDOW = timedelta(minutes=1)
# From one network for one account; from everywhere for one account: the owner, who comes from elsewhere than an
# attacker, still gets in.
PER_ACCOUNT = 10
PER_ACCOUNT_EVERYWHERE = 100
PER_NETWORK = 30


def network_of(address: str) -> str:
    """Return the /24 or /64 around an address: one person easily has many addresses of one network."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    # A socket for both protocols spells an IPv4 caller as IPv6: else they would all be one network.
    found = getattr(found, "ipv4_mapped", None) or found
    prefix = 24 if found.version == 4 else 64
    return str(ipaddress.ip_network(f"{found}/{prefix}", strict=False))


def _digest(username: str) -> str:
    """What is typed as a name may be a password, so that its digest is kept alone."""
    return hashlib.sha256(fold(username).encode()).hexdigest()


def too_many(*, username: str, address: str, at: datetime) -> bool:
    """Tell whether the attempts of the last minute are used up: of account and network together, or of either."""
    recent = SignInAttempt.objects.filter(at__gt=at - WINDOW)
    here = recent.filter(network=network_of(address))
    account = _digest(username)
    return (
        here.filter(account=account).count() >= PER_ACCOUNT
        or here.count() >= PER_NETWORK
        or recent.filter(account=account).count() >= PER_ACCOUNT_EVERYWHERE
    )


def note_failure(*, username: str, address: str, at: datetime) -> None:
    """Remember a failed attempt and forget those that no longer count."""
    SignInAttempt.objects.filter(at__lte=at - WINDOW).delete()
    SignInAttempt.objects.create(account=_digest(username), network=network_of(address), at=at)


@dataclass(frozen=True)
class Limit:
    """`per` uses of the thing called `name` in one `window`, for each key."""

    name: str
    per: int
    window: timedelta


# What other rooms and pages spend from; a key names whose limit it is (an account, a network, a token's prefix).
SECOND_FACTORS = Limit("accounts.second_factor", 5, timedelta(minutes=5))
LOGIN_TESTS = Limit("accounts.login_test", 10, timedelta(minutes=5))
WRONG_TOKENS = Limit("tokens.wrong", 30, timedelta(minutes=1))
ACCESS_REQUESTS = Limit("requests.ask", 20, timedelta(hours=1))

# One statement, so that two processes cannot both take the last use. The window before counts with the part of it that
# lies less than one window back, so that a limit cannot be spent twice around a full minute.
_SPEND = """
INSERT INTO limit_spending ("limit", "key", "window", "count", ends_at)
SELECT %(limit)s, %(key)s, %(window)s, 1, %(ends_at)s
WHERE %(rest)s * COALESCE((SELECT "count" FROM limit_spending
        WHERE "limit" = %(limit)s AND "key" = %(key)s AND "window" = %(window)s - 1), 0)
    + COALESCE((SELECT "count" FROM limit_spending
        WHERE "limit" = %(limit)s AND "key" = %(key)s AND "window" = %(window)s), 0) <= %(per)s - 1
ON CONFLICT ("limit", "key", "window") DO UPDATE SET "count" = limit_spending."count" + 1
WHERE %(rest)s * COALESCE((SELECT before."count" FROM limit_spending before
        WHERE before."limit" = %(limit)s AND before."key" = %(key)s AND before."window" = %(window)s - 1), 0)
    + limit_spending."count" <= %(per)s - 1
RETURNING "count"
"""


def spend(limit: Limit, key: str, at: datetime) -> bool:
    """Take one use. False when none is left; refused uses are not counted, so that waiting helps.

    Counts with the caller's transaction: call it outside of one that may be rolled back.
    """
    window, rest = _window(limit, at)
    values: dict[str, str | int | float | datetime] = {
        "limit": limit.name,
        "key": _key(key),
        "window": window,
        "rest": rest,
        "per": limit.per,
        "ends_at": at + 2 * limit.window,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SPEND, values)
        return cursor.fetchone() is not None


def give_back(limit: Limit, key: str) -> None:
    """Forget what a key has spent: the right code was given after wrong ones."""
    Spending.objects.filter(limit=limit.name, key=_key(key)).delete()


def spent_by_all(limit: Limit, at: datetime) -> int:
    """Return the uses of this window over all keys."""
    window, _rest = _window(limit, at)
    found = Spending.objects.filter(limit=limit.name, window=window).aggregate(total=Sum("count"))
    return int(found["total"] or 0)


def forget(at: datetime) -> None:
    """Delete what counts no longer."""
    Spending.objects.filter(ends_at__lte=at).delete()
    SignInAttempt.objects.filter(at__lte=at - WINDOW).delete()


def _window(limit: Limit, at: datetime) -> tuple[int, float]:
    """The number of the window, and the part of the one before that lies less than a window back."""
    number, inside = divmod((at - datetime(1970, 1, 1, tzinfo=UTC)), limit.window)
    return number, 1 - inside / limit.window


def _key(key: str) -> str:
    return hashlib.sha256(fold(key).encode()).hexdigest()
