"""What is typed on the pages of providers."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.access import roles, scopes
from portal.accounts.models import Provider
from portal.accounts.models.providers import ANYBODY, GROUPS, PEOPLE
from portal.accounts.outside.admission import Rule

_LINES = forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "class": "mono"})


class AdmitsForm(forms.Form):
    """Who may sign in."""

    admits = forms.ChoiceField(
        label=_("Who may sign in"),
        choices=[
            (ANYBODY, _("Anybody it knows")),
            (GROUPS, _("Members of the groups below, also through groups in them")),
            (PEOPLE, _("The people below")),
        ],
    )
    groups = forms.CharField(
        label=_("Groups"),
        required=False,
        max_length=20_000,
        widget=_LINES,
        help_text=_("One a line: the name, or the place where two groups have the same name."),
    )
    people = forms.CharField(
        label=_("People"),
        required=False,
        max_length=200_000,
        widget=_LINES,
        help_text=_("One user name of the provider a line. The first sign-in ties a name to the account."),
    )

    def lines(self) -> dict[str, Any]:
        """Return what the rule is read from."""
        data = self.cleaned_data
        return {
            "admits": data["admits"],
            "groups": data["groups"].splitlines(),
            "people": data["people"].splitlines(),
        }


def initial(rule: Rule) -> dict[str, str]:
    """Return a rule as it is typed."""
    return {
        "admits": rule.admits,
        "groups": "\n".join(group.path or group.name for group in rule.groups),
        "people": "\n".join(rule.people),
    }


class TrialForm(forms.Form):
    """An account to try out; browsers are asked not to fill in or keep it."""

    username = forms.CharField(
        label=_("User name"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=500,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )


class AgeForm(forms.Form):
    """How old what is known of groups may be."""

    hours = forms.IntegerField(
        label=_("Rights by groups hold for"),
        min_value=1,
        max_value=168,
        help_text=_("Hours after the groups were last read; then they are suspended until they are read again."),
    )


class DeleteForm(forms.Form):
    """Whether roles given to its groups go as well."""

    with_bindings = forms.BooleanField(label=_("Take away the roles given to its groups"), required=False)


class PatternForm(forms.Form):
    """A pattern of group names."""

    provider = forms.ModelChoiceField(label=_("Provider"), queryset=Provider.objects.order_by("name"), empty_label=None)
    pattern = forms.CharField(
        label=_("Pattern"),
        max_length=200,
        help_text=_("One * stands for the slug: team-*-admins."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scope_kind = forms.ChoiceField(
        label=_("The slug is that of"), choices=[("team", _("a team")), ("project", _("a project"))]
    )
    role = forms.ChoiceField(
        label=_("Role to propose"),
        choices=[
            (role.key, role.name)
            for role in roles.ROLES.values()
            if role.scopes & {scopes.ScopeKind.TEAM, scopes.ScopeKind.PROJECT}
        ],
    )
