"""The shape of what people type about clusters."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from clusters.registry import labels
from portal.core import errors

# More than is accepted, so that a file that is too large is refused by its reader, with the reason.
LONGEST_PASTE = 8 * 1024 * 1024


class AddClusterForm(forms.Form):
    """A name and a kubeconfig, pasted or uploaded. What is in it is judged by the reader, not here."""

    name = forms.CharField(
        label=_("Name"),
        max_length=200,
        help_text=_("What the cluster is called in Paddock, such as prod-eu1."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
    pasted = forms.CharField(
        label=_("Kubeconfig"),
        error_messages={"required": _("Paste the kubeconfig, or choose a file.")},
        strip=False,
        max_length=LONGEST_PASTE,
        help_text=_("With server, certificate-authority-data, and a token or client certificate. Never shown again."),
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "autocomplete": "off"}),
    )
    uploaded = forms.FileField(label=_("or a file"), required=False, allow_empty_file=True)

    def __init__(self, data: Any = None, files: Any = None) -> None:
        super().__init__(data, files)
        self.fields["pasted"].required = not (files and files.get("uploaded"))

    def clean(self) -> dict[str, Any]:
        """One of the two, not both."""
        cleaned = super().clean() or {}
        if cleaned.get("pasted") and cleaned.get("uploaded"):
            raise ValidationError({"pasted": _("Paste the kubeconfig or choose a file, not both.")})
        return cleaned

    def kubeconfig(self) -> bytes:
        """Return what was given, as bytes."""
        uploaded: UploadedFile[bytes] | None = self.cleaned_data["uploaded"]
        pasted: str = self.cleaned_data["pasted"]
        return bytes(uploaded.read()) if uploaded else pasted.encode()

    def without_paste(self) -> "AddClusterForm":
        """Forget what was pasted: a credential does not travel back to the browser."""
        given = QueryDict(mutable=True)
        given.update({name: text for name, text in self.data.items() if name != "pasted"})
        self.data = given
        return self

    def put(self, errors: dict[str, list[str]]) -> None:
        """Show a refusal at the control that held the input; the paste itself is never sent back."""
        at = {"kubeconfig": "uploaded" if self.cleaned_data.get("uploaded") else "pasted"}
        for field, texts in errors.items():
            wanted = at.get(field, field)
            for text in texts:
                self.add_error(wanted if wanted in self.fields else None, text)


class LabelsForm(forms.Form):
    """Labels, one a line."""

    labels = forms.CharField(
        label=_("Labels"),
        required=False,
        max_length=20_000,
        help_text=_("One a line, as key=value: environment=production, example.org/region=eu."),
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "autocomplete": "off"}),
    )

    def clean_labels(self) -> dict[str, str]:
        """Read the lines."""
        try:
            return labels.from_text(self.cleaned_data["labels"])
        except errors.Refused as refused:
            raise ValidationError(refused.errors["labels"]) from None


class TokenForm(forms.Form):
    """The token of a service account."""

    token = forms.CharField(
        label=_("Token"),
        max_length=20_000,
        help_text=_("What the command prints. Kept sealed, never shown again."),
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )


class DetachForm(forms.Form):
    """The cluster's name, typed."""

    name = forms.CharField(
        label=_("Type the name of the cluster"), max_length=100, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )

    def __init__(self, *args: Any, expected: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.expected = expected

    def clean_name(self) -> str:
        """Compare."""
        if self.cleaned_data["name"].strip() != self.expected:
            raise ValidationError(_("This is not the name of the cluster."))
        return self.expected
