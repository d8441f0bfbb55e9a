"""What every answer has in common: nobody else may keep it, and refusals look the same everywhere."""

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control, patch_vary_headers

from portal.access import gate
from portal.core import errors

Answer = Callable[[HttpRequest], HttpResponse]


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


class Refusals:
    """Turn a denial into the page for what is not there, and a rule's refusal no form took into its message."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on; exceptions arrive in `process_exception`."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer the two kinds of refusal that rules raise."""
        if isinstance(exception, gate.Denied):
            # Raised again as "not found": absent and forbidden must look alike (reliability rule A3).
            return render(request, "404.html", status=404)
        if isinstance(exception, errors.Refused) and not isinstance(exception, Http404):
            return render(request, "refused.html", {"errors": exception.errors}, status=exception.status)
        return None
