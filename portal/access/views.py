"""Error pages."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from portal.access import gate, problems
from portal.core import errors

# After this many seconds the database is asked for again.
AWAY_SECONDS = 15
# Classes of SQLSTATE: no connection, too many of them, an administrator's command.
_AWAY = ("08", "53", "57P")


@gate.public("what Django shows when a form's token is missing or old")
def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say that the form is out of date; nothing was changed."""
    if request.path.startswith("/api/"):
        return problems.as_json(403, "csrf_failed", reason, gate.actor_of(request).request_id)
    return render(request, "403.html", {"reason": "csrf"}, status=403)


def refused(request: HttpRequest, refusal: errors.Refused) -> HttpResponse:
    """Say why a rule refused what no form took, and for too many tries when to come back."""
    seconds = refusal.seconds if isinstance(refusal, errors.TooMany) else None
    context = {"errors": refusal.errors, "minutes": -(-seconds // 60) if seconds else None}
    answer = render(request, "refused.html", context, status=refusal.status)
    if seconds:
        answer.headers["Retry-After"] = str(seconds)
    return answer


@gate.public("error page")
def server_error(request: HttpRequest) -> HttpResponse:
    """Give the error's id, and nothing of the error itself."""
    request_id = gate.actor_of(request).request_id
    if _database_is_away(sys.exception()):
        return _away(request, request_id)
    if request.path.startswith("/api/"):
        return problems.as_json(500, "server_error", "Something went wrong here. Nothing was changed.", request_id)
    # Without the request: what surrounds a page reads the database, which may be what went wrong.
    return HttpResponse(render_to_string("500.html", {"request_id": request_id}), status=500)


@gate.public("error page")
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Absent and forbidden look alike."""
    if request.path.startswith("/api/"):
        return problems.as_json(
            404, "not_found", "Not found, or not visible to you.", gate.actor_of(request).request_id
        )
    return render(request, "404.html", status=404)


def _database_is_away(error: BaseException | None) -> bool:
    """Tell whether it cannot be reached or is shutting down, from what it said; a slow query is something else."""
    if not isinstance(error, InterfaceError | OperationalError):
        return False
    code = getattr(error.__cause__, "pgcode", None) or getattr(error.__cause__, "sqlstate", None)
    return code is None or code.startswith(_AWAY)


def _away(request: HttpRequest, request_id: str) -> HttpResponse:
    """Say that Paddock is being worked on; the page asks again by itself."""
    if request.path.startswith("/api/"):
        answer: HttpResponse = problems.as_json(503, "away", "The database cannot be reached. Try again.", request_id)
    else:
        page = render_to_string("503.html", {"request_id": request_id, "seconds": AWAY_SECONDS})
        answer = HttpResponse(page, status=503)
    answer.headers["Retry-After"] = str(AWAY_SECONDS)
    return answer
