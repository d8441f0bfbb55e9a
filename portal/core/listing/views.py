"""The page of a list: whole, as a fragment for htmx, or as a file (CSV, JSON lines), at one address."""

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.views import View

from portal.core import clock, under_way
from portal.core.listing.lists import Listing
from portal.core.listing.page import ListPage
from portal.core.listing.query import BadQuery

FILES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}


class ListView(View):
    """GET a list. Mix in the gate before this class; set `listing` and `template_name`.

    The template gets `page` and what `context` adds. Nothing of an answer is stored on the way or in the
    browser.
    """

    listing: ClassVar[type[Listing]]
    template_name: ClassVar[str] = "portal/core/list.html"
    fragment_name: ClassVar[str] = "_components/table.html"

    def scope(self, request: HttpRequest) -> dict[str, Any]:
        """What the list is inside of, handed to the listing; the parameters of the address by default."""
        return dict(self.kwargs)

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """More for the whole page; not computed for a fragment."""
        return {}

    def fragment_context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """More for a fragment that brings other parts of the page along."""
        return {}

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer in the form that was asked for."""
        declared = self.listing(**self.scope(request))
        at = clock.now()
        try:
            if request.GET.get("format") in FILES:
                return _file(declared, request, request.GET["format"])
            page, status = declared.page(request.user, request.GET, at=at, path=request.path), 200
        except BadQuery as error:
            page = declared.refused_page(request.user, request.GET, error, at=at, path=request.path)
            status = error.status_code
        if wants_fragment(request):
            context = {**self.fragment_context(request, page), "page": page}
            return render(request, self.fragment_name, context, status=status)
        context = {"title": declared.title, "about": declared.about, "at": at, **self.context(request, page)}
        return render(request, self.template_name, {**context, "page": page}, status=status)


def wants_fragment(request: HttpRequest) -> bool:
    """Whether htmx asked for a part. A boosted link wants the whole page."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"


def _file(declared: Listing, request: HttpRequest, kind: str) -> StreamingHttpResponse:
    at = clock.now()
    params = declared.parse(request.user, request.GET, at=at)
    rows = declared.csv(request.user, params) if kind == "csv" else declared.jsonl(request.user, params)
    response = StreamingHttpResponse(under_way.while_allowed(request, rows), content_type=FILES[kind])
    name = declared.key.replace(".", "-")
    response["Content-Disposition"] = f'attachment; filename="paddock-{name}-{at:%Y-%m-%d}.{kind}"'
    return response
