"""What providers call: GitHub's webhooks, and the back-channel logout of OpenID Connect.

Nobody is signed in here; a signature over what was sent says who speaks. Strangers learn nothing but "no".
"""

import json
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from portal.access import gate
from portal.accounts.models.round_trips import DELIVERY, LOGOUT
from portal.accounts.outside import queueing, sessions_of
from portal.accounts.providers import github, oidc, rows
from portal.accounts.providers.answers import ProviderDown, WrongCredentials
from portal.accounts.providers.declared import GithubProvider, OidcProvider
from portal.accounts.signing import round_trips, ways_in
from portal.core import clock
from portal.core.actors import SYSTEM

MOST_BYTES = 1 << 20


@csrf_exempt
@require_POST
@gate.public("GitHub signs what it sends")
def github_hook(request: HttpRequest, key: str) -> HttpResponse:
    """Take a webhook: members changed, so read again. The signature is checked over the body as it came."""
    known = rows.find(key)
    body = _body(request)
    if body is None:
        return HttpResponse(status=413)
    if known is None or not known.usable or not isinstance(known.declared, GithubProvider):
        return HttpResponse(status=404)
    try:
        github.check_webhook(known.declared, body=body, signature=request.headers.get("X-Hub-Signature-256", ""))
    except WrongCredentials:
        return HttpResponse(status=404)
    delivery, event = request.headers.get("X-GitHub-Delivery", ""), request.headers.get("X-GitHub-Event", "")
    if not delivery or len(delivery) > 100:
        return HttpResponse(status=400)
    with transaction.atomic():
        if round_trips.first_time(known.row, DELIVERY, delivery, at=clock.now()) and github.affected(
            event, _payload(body)
        ):
            queueing.refresh(known.row, by=SYSTEM)
    return HttpResponse(status=204)


@csrf_exempt
@require_POST
@gate.public("the provider signs what it sends")
def oidc_logout(request: HttpRequest, key: str) -> HttpResponse:
    """End the sessions of somebody who signed out at the provider."""
    known = rows.find(key)
    if known is None or known.declared is None or not isinstance(known.declared, OidcProvider):
        return HttpResponse(status=404)
    if _body(request) is None:
        return HttpResponse(status=413)
    try:
        told = oidc.logout_subject(known.declared, request.POST.get("logout_token", ""))
    except WrongCredentials:
        return _no_store(HttpResponse(status=400))
    except ProviderDown as down:
        ways_in.note_down(known, down)
        return _no_store(HttpResponse(status=503))
    with transaction.atomic():
        if not round_trips.first_time(known.row, LOGOUT, told.jti, at=clock.now()):
            return _no_store(HttpResponse(status=400))
        sessions_of.end_outside(known.row, subject=told.subject, outside=told.sid)
    return _no_store(HttpResponse(status=200))


def _body(request: HttpRequest) -> bytes | None:
    """The body as it came, None where it is too long."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or len(length) > 19 or int(length) > MOST_BYTES:
        return None
    return request.body


def _payload(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _no_store(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    return response
