"""The form of a role of the installation's own."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.access import words
from portal.access.permissions import Permission
from portal.access.scopes import ScopeKind
from portal.accounts.bindings.role_services import Draft
from portal.accounts.models import CustomRole


class RoleForm(forms.Form):
    """A name, where it can be given, and each permission by name."""

    name = forms.CharField(label=_("Name"), max_length=80, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    description = forms.CharField(label=_("Description"), max_length=300, required=False)
    kinds = forms.MultipleChoiceField(
        label=_("Can be given on"),
        choices=[(kind.value, words.SCOPES[kind]) for kind in ScopeKind],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    permissions = forms.MultipleChoiceField(
        label=_("Permissions"),
        choices=[(one.value, words.word(one)) for one in Permission],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )

    @staticmethod
    def initial_of(role: CustomRole) -> dict[str, Any]:
        """Return a role as the form shows it."""
        return {
            "name": role.name,
            "description": role.description,
            "kinds": role.scope_kinds,
            "permissions": role.permissions,
        }

    def draft(self) -> Draft:
        """Return what a valid form says."""
        data = self.cleaned_data
        return Draft(
            " ".join(data["name"].split()),
            data["description"],
            frozenset(map(ScopeKind, data["kinds"])),
            frozenset(map(Permission, data["permissions"])),
        )
