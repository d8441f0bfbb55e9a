"""The shape of what people type about prices."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from billing.pricing import services
from billing.pricing.models import PriceBook, Unit
from clusters.registry.models import Cluster, State

# More than is accepted, so that a file that is too large is refused by its reader, with the reason.
LONGEST_PASTE = 8 * 1024 * 1024


class _Refusable(forms.Form):
    """A form that shows a service's refusal at its fields."""

    moved: dict[str, str] = {}

    def put(self, errors: dict[str, list[str]]) -> None:
        """Show a refusal; what has no field here stands above the form."""
        for field, texts in errors.items():
            wanted = self.moved.get(field, field)
            for text in texts:
                self.add_error(wanted if wanted in self.fields else None, text)


class BookForm(_Refusable):
    """A price book: its name, whom it serves, how it splits the price of a node."""

    name = forms.CharField(label=_("Name"), max_length=100, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    all_clusters = forms.BooleanField(
        label=_("For all clusters"),
        required=False,
        help_text=_("Also those attached later, except where another book names a cluster. One book can be for all."),
    )
    clusters = forms.MultipleChoiceField(
        label=_("For these clusters"), required=False, widget=forms.SelectMultiple(attrs={"size": 6})
    )
    cpu_ratio = forms.DecimalField(
        label=_("Weight of a core"),
        max_digits=24,
        decimal_places=12,
        initial=Decimal("0.031611"),
        help_text=_("Where a node has one price, it is split by these weights. Only their proportion matters."),
    )
    memory_ratio = forms.DecimalField(
        label=_("Weight of a GiB of memory"), max_digits=24, decimal_places=12, initial=Decimal("0.004237")
    )
    gpu_ratio = forms.DecimalField(
        label=_("Weight of a GPU"), max_digits=24, decimal_places=12, initial=Decimal("0.95")
    )

    def __init__(self, *args: Any, is_demo: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._known = Cluster.objects.exclude(state=State.CANDIDATE).filter(is_demo=is_demo).order_by("name")
        choices: Iterable[tuple[str, str]] = [(one.slug, one.name) for one in self._known]
        self.fields["clusters"].choices = choices  # type: ignore[attr-defined]

    @classmethod
    def of(cls, book: PriceBook) -> "BookForm":
        """Return the form filled with a book."""
        initial = {
            "name": book.name,
            "all_clusters": book.all_clusters,
            "clusters": list(book.serves.values_list("cluster__slug", flat=True)),
            "cpu_ratio": book.cpu_ratio.normalize(),
            "memory_ratio": book.memory_ratio.normalize(),
            "gpu_ratio": book.gpu_ratio.normalize(),
        }
        return cls(initial=initial, is_demo=book.is_demo)

    def clean(self) -> dict[str, Any]:
        """A book for all names no clusters."""
        cleaned = super().clean() or {}
        if cleaned.get("all_clusters") and cleaned.get("clusters"):
            raise ValidationError({"clusters": _("Choose clusters, or all of them, not both.")})
        return cleaned

    def values(self) -> dict[str, Any]:
        """Return the arguments of the services."""
        given = self.cleaned_data
        return {
            "name": given["name"],
            "all_clusters": given["all_clusters"],
            "clusters": [one for one in self._known if one.slug in given["clusters"]],
            "ratios": services.Ratios(given["cpu_ratio"], given["memory_ratio"], given["gpu_ratio"]),
        }


class ImportForm(_Refusable):
    """A file of prices, pasted or uploaded. What is in it is judged by its reader, not here."""

    moved = {"data": "pasted"}

    uploaded = forms.FileField(label=_("File"), required=False, allow_empty_file=True)
    pasted = forms.CharField(
        label=_("or its text"),
        required=False,
        strip=False,
        max_length=LONGEST_PASTE,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "autocomplete": "off", "class": "mono"}),
    )
    unit = forms.ChoiceField(
        label=_("Prices without a unit are"),
        required=False,
        choices=[("", _("not there: each row names its unit")), *Unit.choices],
        help_text=_("A month is 730 hours. A file read in the wrong unit is wrong by that factor."),
    )
    token = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """Exactly one of the two."""
        cleaned = super().clean() or {}
        given = [field for field in ("pasted", "uploaded") if cleaned.get(field) is not None and cleaned[field] != ""]
        if len(given) != 1 and not self.errors:
            both, none = _("Choose a file or paste its text, not both."), _("Choose a file, or paste its text.")
            raise ValidationError({"pasted": both if given else none})
        return cleaned

    def content(self) -> bytes:
        """Return what was given, as bytes."""
        uploaded = self.cleaned_data["uploaded"]
        pasted: str = self.cleaned_data["pasted"]
        return bytes(uploaded.read()) if uploaded else pasted.encode()
