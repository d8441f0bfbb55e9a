"""Error pages."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from portal.access import gate, problems


@gate.public("what Django shows when a form's token is missing or old")
def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say that the form is out of date; nothing was changed."""
    if request.path.startswith("/api/"):
        return problems.as_json(403, "csrf_failed", reason, gate.actor_of(request).request_id)
    return render(request, "403.html", {"reason": "csrf"}, status=403)


@gate.public("error page")
def server_error(request: HttpRequest) -> HttpResponse:
    """Give the error's id, and nothing of the error itself."""
    request_id = gate.actor_of(request).request_id
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
