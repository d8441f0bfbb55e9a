"""Pages of prices."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View
from django.views.decorators.http import require_GET

from billing.pricing import forms, lists, presenting, services, sheet, starter
from billing.pricing.models import PriceBook
from portal.access import gate
from portal.access.permissions import Permission
from portal.core import clock, errors, parts
from portal.core.listing import ListPage, ListView

BOOKS = parts.Crumb(gettext_lazy("Prices"), "/prices/")


def _visible(request: HttpRequest, slug: str) -> PriceBook:
    return get_object_or_404(PriceBook.objects.visible_to(gate.person(request)), slug=slug)


def _editable(request: HttpRequest, slug: str) -> PriceBook:
    found = _visible(request, slug)
    gate.demand(request, Permission.PRICE_EDIT)
    return found


def _may_edit(request: HttpRequest) -> bool:
    return gate.person(request).scopes_for(Permission.PRICE_EDIT).everything


def _tabs(active: str) -> list[parts.Tab]:
    return [
        parts.Tab(_("Price books"), reverse("pricing:books"), active == "books"),
        parts.Tab(_("Unpriced"), reverse("pricing:unpriced"), active == "unpriced"),
    ]


class Books(gate.Gated, ListView):
    """All price books one may see."""

    permission = Permission.PRICE_VIEW
    listing = lists.BookList
    template_name = "billing/pricing/books.html"

    def scope(self, request: HttpRequest) -> dict[str, Any]:
        """Whether the rows lead to their import."""
        return {"may_edit": _may_edit(request)}

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """The head of the page."""
        add = parts.Action(_("Add price book"), reverse("pricing:new"), "plus")
        return {"tabs": _tabs("books"), "action": add if _may_edit(request) else None}


class Unpriced(gate.Gated, ListView):
    """What has no price."""

    permission = Permission.PRICE_VIEW
    listing = lists.UnpricedList
    template_name = "billing/pricing/books.html"

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """The head of the page."""
        return {"tabs": _tabs("unpriced")}


class Book(gate.Gated, ListView):
    """One book with its rates, ended ones too."""

    permission = Permission.PRICE_VIEW
    listing = lists.RateList
    template_name = "billing/pricing/book.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer for books one may see only, in every format."""
        self.book = _visible(request, self.kwargs["slug"])
        return super().get(request, *args, **kwargs)

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """The head of the page."""
        address = reverse("pricing:import", args=[self.book.slug])
        may_edit = _may_edit(request)
        return {
            "title": self.book.name,
            "crumbs": [BOOKS],
            "book": self.book,
            "facts": presenting.facts(self.book),
            "may_edit": may_edit,
            "action": parts.Action(_("Import prices"), address) if may_edit else None,
        }


class NewBook(gate.Gated, View):
    """Open a price book."""

    permission = Permission.PRICE_EDIT

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the form."""
        gate.demand(request, Permission.PRICE_EDIT)
        return self._page(request, forms.BookForm(initial={"all_clusters": not PriceBook.objects.exists()}), 200)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Open it and go on to its import, or show what is wrong."""
        gate.demand(request, Permission.PRICE_EDIT)
        form = forms.BookForm(request.POST)
        if form.is_valid():
            try:
                book = services.create_book(**form.values(), by=gate.actor_of(request), at=clock.now())
            except errors.Refused as refused:
                form.put(refused.errors)
            else:
                return redirect("pricing:import", slug=book.slug)
        return self._page(request, form, 422)

    def _page(self, request: HttpRequest, form: forms.BookForm, status: int) -> HttpResponse:
        return _form_page(request, form, _("Add price book"), [BOOKS], reverse("pricing:books"), status)


class ChangeBook(gate.Gated, View):
    """Rename a book, change whom it serves or how it splits nodes."""

    permission = Permission.PRICE_EDIT

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Show the form."""
        book = _editable(request, slug)
        return self._page(request, book, forms.BookForm.of(book), 200)

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Change it, or show what is wrong."""
        book = _editable(request, slug)
        form = forms.BookForm(request.POST, is_demo=book.is_demo)
        if form.is_valid():
            try:
                services.change_book(book=book, **form.values(), by=gate.actor_of(request), at=clock.now())
            except errors.Refused as refused:
                form.put(refused.errors)
            else:
                messages.success(request, _("The price book is changed. Hours it touches are counted again."))
                return redirect("pricing:book", slug=slug)
        return self._page(request, book, form, 422)

    def _page(self, request: HttpRequest, book: PriceBook, form: forms.BookForm, status: int) -> HttpResponse:
        address = book.get_absolute_url()
        crumbs = [BOOKS, parts.Crumb(book.name, address)]
        return _form_page(request, form, _("Change %s") % book.name, crumbs, address, status)


def _form_page(
    request: HttpRequest, form: forms.BookForm, title: str, crumbs: list[parts.Crumb], cancel: str, status: int
) -> HttpResponse:
    context = {"title": title, "crumbs": crumbs, "form": form, "cancel": cancel}
    return render(request, "billing/pricing/edit.html", context, status=status)


class Import(gate.Gated, View):
    """Import a file of prices: give it, look at what it does, agree."""

    permission = Permission.PRICE_EDIT

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Show the form."""
        return self._page(request, _editable(request, slug), forms.ImportForm(), 200)

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Preview a file; with the token of a preview, import it."""
        book = _editable(request, slug)
        form = forms.ImportForm(request.POST, request.FILES)
        status = 422
        if form.is_valid():
            try:
                return self._carry_out(request, book, form)
            except errors.Refused as refused:
                form.put(refused.errors)
                status = refused.status
        return self._page(request, book, form, status)

    def _carry_out(self, request: HttpRequest, book: PriceBook, form: forms.ImportForm) -> HttpResponse:
        data, unit, token = form.content(), form.cleaned_data["unit"], form.cleaned_data["token"]
        if not token:
            return self._preview(request, book, data, unit)
        plan = services.import_csv(
            book=book, data=data, unit=unit, token=token, by=gate.actor_of(request), at=clock.now()
        )
        messages.success(
            request,
            _("%(added)d rates added, %(ended)d ended. Open hours they touch are counted again.")
            % {"added": len(plan.added), "ended": len(plan.cut)},
        )
        return redirect("pricing:book", slug=book.slug)

    def _preview(self, request: HttpRequest, book: PriceBook, data: bytes, unit: str) -> HttpResponse:
        found = services.preview_csv(book=book, data=data, unit=unit, at=clock.now())
        address = reverse("pricing:import", args=[book.slug])
        context = {
            "title": _("Import prices: preview"),
            "about": _("Nothing is imported yet."),
            "crumbs": [BOOKS, parts.Crumb(book.name, book.get_absolute_url()), parts.Crumb(_("Import"), address)],
            "book": book,
            "text": data.decode("utf-8-sig"),
            "unit": unit,
            "token": found.token,
            "again": address,
            **presenting.preview(found, book),
        }
        return render(request, "billing/pricing/preview.html", context)

    def _page(self, request: HttpRequest, book: PriceBook, form: forms.ImportForm, status: int) -> HttpResponse:
        context = {
            "title": _("Import prices"),
            "about": _("A CSV file of dated rates. You see what it does before anything is saved."),
            "crumbs": [BOOKS, parts.Crumb(book.name, book.get_absolute_url())],
            "book": book,
            "form": _without_token(form),
            "cancel": book.get_absolute_url(),
            "header": ",".join(sheet.HEADER),
        }
        return render(request, "billing/pricing/import.html", context, status=status)


def _without_token(form: forms.ImportForm) -> forms.ImportForm:
    """Whatever is sent from the first page is to be previewed."""
    del form.fields["token"]
    return form


@require_GET
@gate.requires(Permission.PRICE_VIEW)
def starter_file(request: HttpRequest) -> HttpResponse:
    """Give prices to begin with as a file; they are never applied unasked."""
    response = HttpResponse(starter.as_csv(settings.CURRENCY), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="paddock-starter-prices.csv"'
    return response
