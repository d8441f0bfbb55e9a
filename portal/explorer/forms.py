"""The shape of questions."""

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.access import words
from portal.access.permissions import Permission
from portal.access.scopes import ScopeKind

KINDS = [
    (ScopeKind.PROJECT.value, _("a project")),
    (ScopeKind.TEAM.value, _("a team")),
    (ScopeKind.CLUSTER.value, _("a cluster")),
    (ScopeKind.EVERYTHING.value, _("everything")),
]


class QuestionForm(forms.Form):
    """Who, what, where."""

    person = forms.CharField(
        label=_("Person"), required=False, max_length=150, help_text=_("A user name; empty: everybody who may.")
    )
    permission = forms.ChoiceField(
        label=_("May"),
        choices=[(one.value, words.word(one)) for one in Permission],
        initial=Permission.PROJECT_VIEW.value,
    )
    kind = forms.ChoiceField(label=_("On"), choices=KINDS, initial=ScopeKind.PROJECT.value)
    thing = forms.CharField(
        label=_("Which one"), required=False, max_length=63, help_text=_("Its slug; empty for everything.")
    )


class LookForm(forms.Form):
    """Why somebody is looked at."""

    reason = forms.CharField(
        label=_("Reason"), max_length=300, help_text=_("It stands in the audit, and the person sees it.")
    )
