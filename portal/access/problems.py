"""One error shape of the API: `application/problem+json`, with the id that page and log show."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, JsonResponse
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from portal.access import gate
from portal.core import errors


def handle(exception: Exception, context: dict[str, Any]) -> Response | None:
    """Turn what API views raise into problems; unknown exceptions go on to become a 500."""
    request = context["request"]
    instance = gate.actor_of(request).request_id
    if isinstance(exception, errors.Refused):
        return _refused(exception, instance)
    if isinstance(exception, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        problem = _problem(401, "not_signed_in", _("Sign in first."), instance)
        problem["WWW-Authenticate"] = getattr(exception, "auth_header", "") or "Bearer"
        return problem
    if forbidden := _forbidden(exception):
        return _problem(403, *forbidden, instance)
    if isinstance(exception, Http404):
        gate.record_hidden(request)
    if isinstance(exception, gate.Denied | Http404 | PermissionDenied | exceptions.PermissionDenied):
        return _problem(404, "not_found", _("Not found, or not visible to you."), instance)
    if isinstance(exception, exceptions.ValidationError):
        detail = exception.detail if isinstance(exception.detail, dict) else {"": exception.detail}
        return _problem(422, "refused", _("The input was refused."), instance, errors=detail)
    answer = exception_handler(exception, context)
    if answer is None:
        return None
    code = getattr(exception, "default_code", "error")
    problem = _problem(answer.status_code, code, _detail(answer.data), instance, **_named(answer.data))
    for name in ("Allow", "Retry-After", "WWW-Authenticate"):
        if answer.has_header(name):
            problem[name] = answer[name]
    return problem


def _refused(refusal: errors.Refused, instance: str) -> Response:
    problem = _problem(refusal.status, refusal.code, str(refusal), instance, errors=refusal.errors)
    if isinstance(refusal, errors.TooMany):
        problem["Retry-After"] = str(refusal.seconds)
    return problem


def _forbidden(exception: Exception) -> tuple[str, str] | None:
    if isinstance(exception, exceptions.PermissionDenied) and "CSRF" in str(exception.detail):
        return "csrf_failed", str(exception.detail)
    if isinstance(exception, gate.SignInAgain):
        return "sign_in_again", _("This needs a sign-in that is less than 10 minutes old.")
    return None


def _detail(data: Any) -> str:
    if isinstance(data, dict) and "detail" not in data:
        return "; ".join(f"{name}: {' '.join(map(str, texts))}" for name, texts in data.items())
    return str(data.get("detail", data)) if isinstance(data, dict) else str(data)


def _named(data: Any) -> dict[str, Any]:
    """The messages by parameter, where the exception names its parameters (a list's bad filter or cursor)."""
    return {"errors": data} if isinstance(data, dict) and "detail" not in data else {}


def _problem(status: int, code: str, detail: str, instance: str, **more: Any) -> Response:
    body = {
        "type": "about:blank",
        "title": code,
        "status": status,
        "detail": detail,
        "instance": instance,
        **more,
    }
    return Response(body, status=status, content_type="application/problem+json")


def as_json(status: int, code: str, detail: str, instance: str) -> JsonResponse:
    """Build the same problem outside of DRF (server errors under /api/)."""
    body = {"type": "about:blank", "title": code, "status": status, "detail": detail, "instance": instance}
    return JsonResponse(body, status=status, content_type="application/problem+json")
