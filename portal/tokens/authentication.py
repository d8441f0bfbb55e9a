"""Who asks by a token. The API alone is asked this way: pages know sessions only."""

import re
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import status
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed, Throttled
from rest_framework.request import Request

from portal.access import gate
from portal.accounts import limits
from portal.accounts.models import User
from portal.core import clock
from portal.core.actors import Actor
from portal.tokens import networks, selectors, written
from portal.tokens.models import Token
from portal.tokens.services import tokens

_SCHEME = re.compile(r"bearer(?: +(?P<text>\S+))? *", re.IGNORECASE)
# Names under which other programs' tokens stand in addresses.
_NAMES = frozenset(
    {"access_token", "api_key", "apikey", "auth_token", "authorization", "bearer", "private_token", "token"}
)


class BadAuthorization(APIException):
    """A token was shown in a way that no token may be shown."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "bad_authorization"


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer pdk_…`. Whatever is wrong with a token, the answer is the same."""

    def authenticate(self, request: Request) -> tuple[User, Token] | None:
        """Return whose token it is; None without one, so that the session is asked."""
        _refuse_in_address(request)
        text = _shown(request)
        if text is None:
            return None
        asking, at = gate.actor_of(request), clock.now()
        token = selectors.presented(written.read(text))
        why = _refusal(token, asking)
        if token is None or why:
            if token is not None:
                tokens.note_refusal(token=token, why=why, by=asking, at=at)
            # The right token is never kept waiting: nobody shuts out the programs of a network by guessing from it.
            if not limits.spend(limits.WRONG_TOKENS, limits.network_of(asking.address), at):
                raise Throttled(limits.WRONG_TOKENS.window.total_seconds())
            raise AuthenticationFailed
        user = token.user
        user.within = selectors.limits(token)
        actor = user.as_actor(asking.address, asking.request_id)
        _name(request, actor)
        tokens.note_use(token=token, by=actor, at=at)
        return user, token

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        return 'Bearer realm="paddock"'


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the description of the API names it."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """A bearer token."""
        return {"type": "http", "scheme": "bearer", "description": "A token of a person or a robot: pdk_…"}


def _refusal(token: Token | None, asking: Actor) -> str:
    if token is None:
        return "unknown"
    if not networks.allowed(asking.address, token.networks):
        return "network"
    state = token.state(clock.now())
    if state != "live":
        return state
    return "" if selectors.opens(token, at=clock.now()) else "owner"


def _shown(request: Request) -> str | None:
    """Return the token of the header. Raises `BadAuthorization` where the header stands twice."""
    header = request.META.get("HTTP_AUTHORIZATION", "")
    # A repeated field arrives joined by a comma, which no token has.
    if "," in header:
        raise BadAuthorization(_("Authorization is given more than once."))
    found = _SCHEME.fullmatch(header.strip())
    if found is None:
        return None
    return found["text"] or ""


def _refuse_in_address(request: Request) -> None:
    # Addresses stand in logs, histories and referrers: what was in one is no secret any more.
    given = request.META.get("QUERY_STRING", "")
    if written.speaks_of(given) or any(name.lower() in _NAMES for name in request.query_params):
        raise BadAuthorization(
            _("A token in an address is readable in logs. Send it as Authorization: Bearer, and revoke this one.")
        )


def _name(request: Request, actor: Actor) -> None:
    asked: HttpRequest = request._request
    asked.actor = actor  # type: ignore[attr-defined]
