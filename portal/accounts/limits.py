"""How many wrong passwords are taken before an answer is refused: delay, never a lock."""

import hashlib
import ipaddress
from datetime import datetime, timedelta

from portal.accounts.models import SignInAttempt, fold

WINDOW = timedelta(minutes=1)
PER_ACCOUNT = 10
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
    """Tell whether the account or the network has used up its attempts of the last minute."""
    recent = SignInAttempt.objects.filter(at__gt=at - WINDOW)
    return (
        recent.filter(account=_digest(username)).count() >= PER_ACCOUNT
        or recent.filter(network=network_of(address)).count() >= PER_NETWORK
    )


def note_failure(*, username: str, address: str, at: datetime) -> None:
    """Remember a failed attempt and forget those that no longer count."""
    SignInAttempt.objects.filter(at__lte=at - WINDOW).delete()
    SignInAttempt.objects.create(account=_digest(username), network=network_of(address), at=at)
