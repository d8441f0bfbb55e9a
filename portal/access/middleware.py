"""What every answer has in common: nobody else may keep it, and refusals look the same everywhere."""

from collections.abc import Callable

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.translation import gettext as _

from portal.access import gate, problems, views
from portal.core import errors

Answer = Callable[[HttpRequest], HttpResponse]
STRANGERS_BYTES = 2**20
# The other fields of a form, and the lines between its parts.
FORM_AROUND_FILE = 2**16


class PrivateAnswers:
    """No shared cache and no browser storage keeps a tenant's page; static files are served before this."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Set the headers."""
        response = self.get_response(request)
        patch_vary_headers(response, ["Cookie", "HX-Request"])
        if not response.has_header("Cache-Control"):
            patch_cache_control(response, private=True, no_store=True)
        return response


class BodyLimit:
    """Refuse a body that is too large before anything reads it: forms are parsed before their right is checked.

    Stands behind whoever names the person. A body without a length is empty to Django.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Compare what is announced."""
        known = settings.DATA_UPLOAD_MAX_MEMORY_SIZE + FORM_AROUND_FILE
        limit = known if request.user.is_authenticated else STRANGERS_BYTES
        length = request.META.get("CONTENT_LENGTH") or "0"
        # Python refuses to read a number of thousands of digits.
        if length.isascii() and length.isdecimal() and len(length) < 20 and int(length) <= limit:
            return self.get_response(request)
        text = _("More was sent than is accepted: at most %d MiB.") % (limit // 2**20)
        if request.path.startswith("/api/"):
            return problems.as_json(413, "too_large", text, gate.actor_of(request).request_id)
        return render(request, "refused.html", {"errors": {"": [text]}}, status=413)


class Refusals:
    """Turn a denial into the page for what is not there, and a rule's refusal no form took into its message."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on; exceptions arrive in `process_exception`."""
        if "\0" in request.path:
            # No name holds it, and the database takes it in no text.
            raise Http404
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer the two kinds of refusal that rules raise."""
        if isinstance(exception, gate.Denied):
            # Raised again as "not found": absent and forbidden must look alike (reliability rule A3).
            return render(request, "404.html", status=404)
        if isinstance(exception, Http404):
            gate.record_hidden(request)
        if isinstance(exception, errors.Refused):
            return views.refused(request, exception)
        return None
