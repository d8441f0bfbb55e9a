"""Who asks, from where, under which id."""

import ipaddress
import uuid
from collections.abc import Callable

import structlog
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.access import problems
from portal.accounts import sessions
from portal.accounts.models import User
from portal.accounts.session_store import SECOND
from portal.accounts.signing import factors
from portal.core import actors, clock

Answer = Callable[[HttpRequest], HttpResponse]
# What somebody who still has a one-time password can do.
BEFORE_CHOOSING = frozenset({"accounts:password", "accounts:sign_out", "accounts:sign_in", "home:healthz"})
# What an administrator without a second factor can do.
BEFORE_ENROLLING = BEFORE_CHOOSING | {"accounts:second_factor", "accounts:confirm", "accounts:second_step"}


def client_address(request: HttpRequest) -> str:
    """Return the address of the caller, believing only as many proxies as the settings name."""
    chain = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    hops = settings.TRUSTED_PROXIES
    found = chain[-hops] if hops and len(chain) >= hops else request.META.get("REMOTE_ADDR", "")
    try:
        return str(ipaddress.ip_address(found))
    except ValueError:
        return ""


class RequestIdentity:
    """Give each request an id that stands in the log, on error pages, in API problems and in the audit."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Bind the id to the log and hand it on as `request.actor`."""
        request_id = uuid.uuid4().hex[:16]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        request.actor = actors.Actor(  # type: ignore[attr-defined]
            "anonymous", "", "anonymous", client_address(request), request_id
        )
        response = self.get_response(request)
        response["X-Request-Id"] = request_id
        return response


class CurrentActor:
    """Name the signed-in person as the actor of the request; a session ends with the account it was opened by."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Replace the anonymous actor once the session is known, and note that a person was here."""
        if request.user.is_authenticated and not sessions.stands(request.session):
            request.session.flush()
            request.user = AnonymousUser()
        if not request.user.is_authenticated:
            return self.get_response(request)
        before: actors.Actor = request.actor  # type: ignore[attr-defined]
        request.actor = request.user.as_actor(before.address, before.request_id)  # type: ignore[attr-defined]
        if not request.headers.get("X-Poll"):
            sessions.touch(request.session, at=clock.now())
        return self.get_response(request)


class OwnPassword:
    """Somebody who signed in with a one-time password chooses one of their own before anything else."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on; what the address means is known in `process_view`."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_args: object) -> HttpResponse | None:
        """Lead to the page for it; the API is closed until then."""
        if not getattr(request.user, "password_is_one_time", False):
            return None
        text = _("Sign in to the pages and choose a password first.")
        return _lead(request, BEFORE_CHOOSING, "accounts:password", "password_not_chosen", text)


class SecondFactor:
    """An administrator sets up a second factor before anything else."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on; what the address means is known in `process_view`."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_args: object) -> HttpResponse | None:
        """Lead to the page for it; the API is closed until then. A session says whether it was opened with one."""
        user = request.user
        if not isinstance(user, User) or request.session.get(SECOND) or not factors.demanded_of(user):
            return None
        text = _("Administrators need a second factor. Sign in to the pages and set it up first.")
        return _lead(request, BEFORE_ENROLLING, "accounts:second_factor", "second_factor_missing", text)


def _lead(request: HttpRequest, open_: frozenset[str], name: str, code: str, text: str) -> HttpResponse | None:
    """Send anything but the addresses that stay open to one page, whole even where a fragment was asked for."""
    match = request.resolver_match
    if match is None or match.view_name in open_:
        return None
    if request.path.startswith("/api/"):
        actor: actors.Actor = request.actor  # type: ignore[attr-defined]
        return problems.as_json(403, code, text, actor.request_id)
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": reverse(name)})
    return redirect(name)
