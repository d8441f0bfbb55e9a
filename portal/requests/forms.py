"""The shape of requests and decisions."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from portal.access.scopes import ScopeKind
from portal.accounts.bindings import own_roles
from portal.core import errors

DAYS = [("1", _("1 day")), ("7", _("1 week")), ("30", _("30 days")), ("90", _("90 days")), ("", _("without end"))]
KINDS = [
    (ScopeKind.PROJECT.value, _("a project")),
    (ScopeKind.TEAM.value, _("a team")),
    (ScopeKind.CLUSTER.value, _("a cluster")),
    (ScopeKind.EVERYTHING.value, _("everything")),
]


def _days(value: str) -> int | None:
    return int(value) if value else None


def duration() -> forms.TypedChoiceField:
    """A field for how long a role is held."""
    return forms.TypedChoiceField(
        label=_("For how long"), choices=DAYS, coerce=_days, empty_value=None, required=False, initial="30"
    )


class AskForm(forms.Form):
    """A role on a thing, found in the list of those that are listed or by its exact slug."""

    kind = forms.ChoiceField(label=_("On"), choices=KINDS)
    thing = forms.CharField(
        label=_("Which one"),
        required=False,
        max_length=63,
        help_text=_("Choose a listed project, or type the exact slug."),
        widget=forms.TextInput(attrs={"list": "listed-things", "autocomplete": "off"}),
    )
    role = forms.ChoiceField(label=_("Role"))
    days = duration()
    reason = forms.CharField(label=_("What for"), max_length=500)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = [(role.key, role.name) for role in own_roles.every()]  # type: ignore[attr-defined]
        self.fields["role"].initial = "project_viewer"


class ApproveForm(forms.Form):
    """For how long."""

    days = duration()
    note = forms.CharField(label=_("Note"), max_length=500, required=False)


class RejectForm(forms.Form):
    """Why not."""

    note = forms.CharField(label=_("Why not"), max_length=500, required=False)


def demand(form: forms.Form) -> dict[str, Any]:
    """Return what a form without a page of its own was given. Raises `Refused` with the messages at their fields."""
    if not form.is_valid():
        raise errors.Refused({field: [str(text) for text in texts] for field, texts in form.errors.items()})
    return form.cleaned_data


def listed_things() -> list[tuple[str, str]]:
    """Return slug and name of what its owners let everybody find (`LISTED_THINGS`)."""
    found: list[tuple[str, str]] = import_string(settings.LISTED_THINGS)()
    return found
