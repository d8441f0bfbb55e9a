"""Sending a browser to GitHub or an OIDC provider and taking it back: once, in time, in the same browser."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.accounts.models import Provider, RoundTrip, SeenOnce, User
from portal.accounts.models.round_trips import CONFIRM
from portal.accounts.providers import github, oidc
from portal.accounts.providers.answers import Arrival, WrongCredentials
from portal.accounts.providers.declared import GithubProvider
from portal.accounts.providers.rows import Known
from portal.core import errors
from portal.core.sealed import open_sealed, set_sealed

LIFE = timedelta(minutes=10)
# Longer than any provider sends a message again.
SEEN_FOR = timedelta(days=4)
BROWSER = "round_trip"


def redirect_uri(provider: Provider) -> str:
    """Return the exact address that providers send people back to; the Host header has no part in it."""
    return settings.BASE_URL + reverse("accounts:callback", args=[provider.key])


def begin(  # noqa: PLR0913 - what the row keeps
    session: SessionBase, known: Known, *, purpose: str, user: User | None, next_address: str, at: datetime
) -> str:
    """Return the address to send the browser to. Raises `ProviderDown`."""
    declared = known.by_browser
    back, fresh = redirect_uri(known.row), purpose == CONFIRM
    if isinstance(declared, GithubProvider):
        start = github.start(declared, redirect_uri=back, fresh=fresh)
    else:
        start = oidc.start(declared, redirect_uri=back, fresh=fresh)
    if BROWSER not in session:
        session[BROWSER] = secrets.token_urlsafe(32)
    trip = RoundTrip(
        provider=known.row,
        purpose=purpose,
        state_digest=_digest(start.state),
        browser_digest=_digest(session[BROWSER]),
        user=user,
        next=next_address[:2000],
        begun_at=at,
        expires_at=at + LIFE,
    )
    set_sealed(trip, "nonce", start.nonce)
    set_sealed(trip, "verifier", start.verifier)
    trip.save()
    return start.url


def redeem(session: SessionBase, known: Known, *, state: str, user: User | None, at: datetime) -> RoundTrip:
    """Take the row of a callback, once. Raises `Refused` for one that is unknown, used, late or another browser's."""
    browser = session.get(BROWSER, "")
    good = RoundTrip.objects.filter(
        provider=known.row,
        state_digest=_digest(state),
        browser_digest=_digest(browser),
        used_at=None,
        expires_at__gt=at,
    )
    # Two callbacks at once: the row is one's.
    if not state or not browser or not good.update(used_at=at):
        raise errors.Refused.one(
            "", _("This sign-in was finished already, took too long, or began in another browser.")
        )
    trip = RoundTrip.objects.select_related("provider").get(state_digest=_digest(state))
    if trip.user_id is not None and (user is None or user.pk != trip.user_id):
        raise errors.Refused.one("", _("Somebody else is signed in here than when this began."))
    return trip


def finish(known: Known, trip: RoundTrip, *, code: str, issuer: str | None) -> Arrival:
    """Trade the code of a redeemed row. Raises `ProviderDown`, `WrongCredentials`, `NotAdmitted`."""
    declared, back = known.by_browser, redirect_uri(known.row)
    verifier = open_sealed(trip, "verifier").reveal()
    if not code:
        raise WrongCredentials(_("the callback brings no code"))
    if isinstance(declared, GithubProvider):
        return github.finish(declared, code=code, verifier=verifier, redirect_uri=back)
    return oidc.finish(
        declared,
        code=code,
        verifier=verifier,
        nonce=open_sealed(trip, "nonce").reveal(),
        redirect_uri=back,
        fresh_since=trip.begun_at if trip.purpose == CONFIRM else None,
        issuer=issuer,
    )


def first_time(provider: Provider, kind: str, key: str, *, at: datetime) -> bool:
    """Tell whether a message's id is new; it is not the second time, in whichever process."""
    try:
        with transaction.atomic():
            SeenOnce.objects.create(provider=provider, kind=kind, key=key[:255], at=at)
    except IntegrityError:
        return False
    return True


def forget(*, at: datetime) -> None:
    """Delete what cannot be used any more."""
    RoundTrip.objects.filter(expires_at__lt=at - LIFE).delete()
    SeenOnce.objects.filter(at__lt=at - SEEN_FOR).delete()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
