"""How many wrong passwords are taken before an answer is refused: delay, never a lock."""

import hashlib
import ipaddress
from datetime import datetime, timedelta

from portal.accounts.models import SignInAttempt, fold

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
