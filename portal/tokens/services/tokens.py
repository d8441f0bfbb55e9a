"""Making, using and ending tokens."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from portal.access.permissions import PERSONAL, Permission
from portal.access.words import listed
from portal.accounts.bindings import role_bindings
from portal.accounts.bindings.role_bindings import Scope
from portal.accounts.limits import network_of
from portal.accounts.models import User
from portal.audit import services as audit
from portal.core import errors
from portal.core.actors import Actor
from portal.core.models import validate
from portal.tokens import networks, places, written
from portal.tokens.models import KEPT_AFTER_END, LONGEST_LIFE, Token

# The last use is written at most this often.
TOUCH_EVERY = timedelta(minutes=1)
NETWORKS_KEPT = 50
PRUNED_AT_ONCE = 5000


@dataclass(frozen=True)
class Wanted:
    """What a new token is to be. `only` are things inside of the scope, `networks` CIDRs; empty = no narrowing."""

    name: str
    scope: Scope
    permissions: frozenset[Permission]
    expires_at: datetime
    only: Sequence[Scope] = ()
    networks: Sequence[str] = field(default_factory=tuple)


@transaction.atomic
def create(*, user: User, wanted: Wanted, by: Actor, at: datetime, maker: User | None = None) -> tuple[Token, str]:
    """Make a token of a person or robot; returns it with its text, which is shown once.

    `maker` is who makes it where it is for somebody else: they must hold what it may do, too. Raises `Refused`
    (more than the owner or the maker holds there, too long a life, too many tokens, a network that is none).
    """
    _demand_person(maker or user)
    _demand_life(wanted.expires_at, at)
    for holder in filter(None, (user, maker)):
        _demand_held(holder, wanted)
    if maker is not None:
        # The token is the robot's: it would stay when the maker's right ends.
        role_bindings.demand_lasting(maker, wanted.permissions, wanted.scope, until=wanted.expires_at)
    # Locked, so that tokens made at the same moment count each other.
    owner = User.objects.select_for_update().get(pk=user.pk)
    if not owner.is_active:
        raise errors.Conflict.one("", _("This account is deactivated."))
    if Token.objects.live(at).filter(user=owner).count() >= settings.TOKENS_PER_OWNER:
        raise errors.Refused.one(
            "", _("%d tokens are the most one can have. Revoke one first.") % settings.TOKENS_PER_OWNER
        )
    secret = secrets.token_urlsafe(32)
    token = Token(
        user=owner,
        public_id=secrets.token_hex(6),
        digest=written.digest_of(secret),
        name=" ".join(wanted.name.split()),
        scope_kind=wanted.scope.kind.value,
        scope_id=wanted.scope.id,
        scope_label=wanted.scope.label[:200],
        only=[{"kind": one.kind.value, "id": str(one.id), "label": one.label} for one in wanted.only],
        permissions=sorted(wanted.permissions),
        networks=networks.parse(wanted.networks),
        created_at=at,
        created_by=by.label,
        expires_at=wanted.expires_at,
    )
    validate(token)
    token.save(force_insert=True)
    audit.record("tokens.token.create", by=by, on=token.as_subject(), after=_as_audited(token))
    return token, written.write(token.public_id, secret)


@transaction.atomic
def revoke(*, token: Token, by: Actor, at: datetime) -> None:
    """End a token; it opens nothing from the next request on. Revoking it again changes nothing."""
    locked = Token.objects.select_for_update(of=("self",)).select_related("user").get(pk=token.pk)
    if locked.state(at) != "live":
        return
    locked.revoked_at, locked.revoked_by = at, by.label
    locked.save(update_fields=["revoked_at", "revoked_by"])
    audit.record("tokens.token.revoke", by=by, on=locked.as_subject(), before=_as_audited(locked))


@transaction.atomic
def revoke_each(*, tokens: Iterable[Token], by: Actor, at: datetime) -> int:
    """End several; returns how many were live."""
    live = [token for token in tokens if token.state(at) == "live"]
    for token in sorted(live, key=lambda one: one.pk):
        revoke(token=token, by=by, at=at)
    return len(live)


def note_use(*, token: Token, by: Actor, at: datetime) -> None:
    """Remember when and from where a token was used last; a network it was not used from before is an event."""
    network = network_of(by.address)
    if network not in token.seen_networks:
        _note_network(token, network, by, at)
        return
    if token.last_used_at is None or token.last_used_at <= at - TOUCH_EVERY:
        earlier = Q(last_used_at=None) | Q(last_used_at__lte=at - TOUCH_EVERY)
        Token.objects.filter(earlier, pk=token.pk).update(last_used_at=at, last_address=by.address)


def note_refusal(*, token: Token, why: str, by: Actor, at: datetime) -> None:
    """Record that a token whose secret is right was refused: once an hour for a network and a reason."""
    after = {"why": why, "network": network_of(by.address)}
    who = Actor("anonymous", str(token.pk), str(token), by.address, by.request_id)
    if not audit.said_since(at - timedelta(hours=1), "tokens.token.refuse", by=who, after=after):
        audit.record("tokens.token.refuse", by=who, on=token.as_subject(), after=after)


def prune(*, at: datetime) -> int:
    """Forget tokens 90 days after their end. Returns how many."""
    ended = Q(expires_at__lt=at - KEPT_AFTER_END) | Q(revoked_at__lt=at - KEPT_AFTER_END)
    some = Token.objects.filter(ended).order_by("expires_at").values("pk")[:PRUNED_AT_ONCE]
    gone, _by_table = Token.objects.filter(pk__in=some).delete()
    return gone


@transaction.atomic
def _note_network(token: Token, network: str, by: Actor, at: datetime) -> None:
    locked = Token.objects.select_for_update(of=("self",)).select_related("user").get(pk=token.pk)
    if network in locked.seen_networks:
        return
    locked.seen_networks = [*locked.seen_networks[1 - NETWORKS_KEPT :], network]
    locked.last_used_at, locked.last_address = at, by.address
    locked.save(update_fields=["seen_networks", "last_used_at", "last_address"])
    audit.record("tokens.token.network", by=by, on=locked.as_subject(), after={"network": network})


def _demand_person(maker: User) -> None:
    if maker.within is not None or maker.viewer is not None:
        raise errors.Refused.one("", _("Only a person who has signed in makes tokens."))


def _demand_life(expires_at: datetime, at: datetime) -> None:
    if expires_at <= at:
        raise errors.Refused.one("expires_at", _("The end lies in the past."))
    if expires_at > at + LONGEST_LIFE:
        raise errors.Refused.one("expires_at", _("A token lives %d days at most.") % LONGEST_LIFE.days)


def _demand_held(holder: User, wanted: Wanted) -> None:
    if not wanted.permissions:
        raise errors.Refused.one("permissions", _("Choose what it may do."))
    if personal := wanted.permissions & PERSONAL:
        raise errors.Refused.one("permissions", _("No token may do this: %s.") % listed(personal))
    missing = {one for one in wanted.permissions if not role_bindings.holds(holder, one, wanted.scope)}
    if missing:
        text = _("%(who)s cannot do this there: %(rights)s.") % {"who": holder, "rights": listed(missing)}
        raise errors.Refused.one("permissions", text)
    if not all(places.lies_in(thing, wanted.scope) for thing in wanted.only):
        raise errors.Refused.one("only", _("Each thing must lie in the scope."))


def _as_audited(token: Token) -> dict[str, object]:
    return {
        "owner": token.user.username,
        "scope": f"{token.scope_kind} {token.scope_label or token.scope_id or ''}".strip(),
        "only": [f"{one['kind']} {one['label'] or one['id']}" for one in token.only],
        "permissions": list(token.permissions),
        "networks": list(token.networks),
        "expires_at": token.expires_at.isoformat(),
    }
