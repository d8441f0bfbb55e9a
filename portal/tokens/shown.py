"""Tokens as pages show them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from portal.access.scopes import ScopeKind
from portal.access.words import listed
from portal.accounts.bindings.role_bindings import Scope
from portal.accounts.models import User
from portal.core import formats
from portal.core.parts import Text, Tone
from portal.tokens import selectors
from portal.tokens.models import Token
from portal.tokens.places import label_of

ENDS_SOON_DAYS = 14
MOST_OF_PERSON = 20


@dataclass(frozen=True)
class Row:
    """One token of a page's table. `revocable` while it is live."""

    id: UUID
    name: str
    begins: str
    scope: str
    permissions: str
    networks: str
    tone: Tone
    state: Text
    last_used_at: datetime | None
    last_address: str
    expires_at: datetime
    created_by: str
    revocable: bool


def row(token: Token, at: datetime) -> Row:
    """Return a token for a table."""
    tone, state = _state(token, at)
    return Row(
        id=token.pk,
        name=token.name,
        begins=token.begins,
        scope=scope_text(token),
        permissions=listed(token.known_permissions()),
        networks=networks_text(token.networks),
        tone=tone,
        state=state,
        last_used_at=token.last_used_at,
        last_address=token.last_address,
        expires_at=token.expires_at,
        created_by=token.created_by,
        revocable=token.state(at) == "live",
    )


def of_person(user: User, at: datetime) -> tuple[list[Row], int]:
    """Return the newest tokens of a person, and how many more there are (`TOKENS_OF_PERSON`)."""
    found = selectors.tokens_of(user)
    rows = [row(one, at) for one in found[:MOST_OF_PERSON]]
    return rows, max(found.count() - MOST_OF_PERSON, 0)


def scope_text(token: Token) -> str:
    """Where it holds, in words."""
    kept = label_of(Scope(ScopeKind(token.scope_kind), token.scope_id, token.scope_label))
    things = [label_of(Scope(ScopeKind(one["kind"]), UUID(one["id"]), one["label"])) for one in token.only]
    return _("%(scope)s: only %(things)s") % {"scope": kept, "things": ", ".join(things)} if things else kept


def networks_text(networks: list[str]) -> str:
    """From where it may be used, in words."""
    return ", ".join(networks) or _("anywhere")


def sentence(*, permissions: str, scope: str, ends_at: datetime, networks: str) -> str:
    """Return what a token is about to be, in one line."""
    words = {
        "permissions": permissions or _("do nothing"),
        "scope": scope,
        "ends": formats.instant(ends_at),
        "networks": networks or _("anywhere"),
    }
    return _("May %(permissions)s, on %(scope)s, until %(ends)s, from %(networks)s.") % words


def said(token: Token) -> str:
    """Return what a token is, in one line."""
    return sentence(
        permissions=listed(token.known_permissions()),
        scope=scope_text(token),
        ends_at=token.expires_at,
        networks=networks_text(token.networks),
    )


def _state(token: Token, at: datetime) -> tuple[Tone, Text]:
    match token.state(at):
        case "revoked":
            return "unknown", _("Revoked by %s") % token.revoked_by
        case "expired":
            return "unknown", _("Ended")
    days = (token.expires_at - at).days
    return ("attention", _("Ends soon")) if days < ENDS_SOON_DAYS else ("ok", _("Live"))
