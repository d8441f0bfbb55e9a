"""Forms that give, change and take away roles: on the pages of projects, teams, people and bindings."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.access import scopes, words
from portal.access.roles import Role
from portal.accounts.bindings import role_bindings, searching
from portal.accounts.bindings.searching import Candidate
from portal.accounts.models import Binding, OutsideGroup, User
from portal.core import errors
from portal.core.actors import Actor
from portal.core.forms import put_errors

NEVER, ON_A_DAY, KEEP = "never", "day", "keep"
# Quick ends, in days.
QUICK = {"1d": 1, "7d": 7, "30d": 30}
ENDS = [
    (NEVER, gettext_lazy("does not end")),
    ("1d", gettext_lazy("in a day")),
    ("7d", gettext_lazy("in a week")),
    ("30d", gettext_lazy("in 30 days")),
    (ON_A_DAY, gettext_lazy("on the day:")),
]


class EndForm(forms.Form):
    """When a role ends: one of a few spans, or a day. A day alone is enough to mean it."""

    end = forms.ChoiceField(label=gettext_lazy("Ends"), choices=ENDS, initial=NEVER, required=False)
    until = forms.DateField(
        label=gettext_lazy("Last day"),
        required=False,
        help_text=gettext_lazy("To the end of that day, in UTC."),
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def expires_at(self, at: datetime, kept: datetime | None = None) -> datetime | None:
        """Return the chosen end, None for none. Raises `Refused` at "until" for a day without date, or in the past."""
        chosen, until = self.cleaned_data["end"] or NEVER, self.cleaned_data["until"]
        if until is not None:
            return _end_of(until, at)
        if chosen == ON_A_DAY:
            raise errors.Refused.one("until", _("Name the day."))
        if chosen == KEEP:
            return kept
        return at + timedelta(days=QUICK[chosen]) if chosen in QUICK else None


class GiveForm(EndForm):
    """Who gets which role, until when, and why."""

    who = forms.CharField(
        label=gettext_lazy("Person or group"),
        max_length=300,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "data-pick-who": "", "autofocus": True}),
    )
    holder = forms.CharField(
        label=gettext_lazy("Who is meant"), max_length=60, required=False, widget=forms.HiddenInput
    )
    # The least there is, so that pressing the button too early gives little.
    role = forms.ChoiceField(label=gettext_lazy("Role"), initial="project_viewer")
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=500, required=False)
    field_order: tuple[str, ...] = ("who", "holder", "role", "end", "until", "reason")

    def __init__(self, *args: Any, roles: Sequence[Role], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = [(role.key, role.name) for role in roles]  # type: ignore[attr-defined]

    def offer(self, candidates: Sequence[Candidate]) -> None:
        """Let one of several be chosen, where the name alone does not say who is meant."""
        self.fields["holder"].widget = forms.Select(choices=[(one.value, one.label) for one in candidates])

    def holder_named(self, by: User) -> User | OutsideGroup:
        """Return whom the form means. Raises `Refused` at "who"; `searching.Ambiguous` offers its candidates."""
        data = self.cleaned_data
        if not data["who"] and not data["holder"]:
            raise errors.Refused.one("who", _("Name a person or a group."))
        return searching.chosen(data["holder"], data["who"], by=by)

    def give(self, *, scope: role_bindings.Scope, by: Actor, granter: User, at: datetime) -> Binding | None:
        """Give what a valid form says; None after a refusal, whose messages then stand at the fields."""
        if not self.is_valid():
            return None
        try:
            holder = self.holder_named(granter)
            return role_bindings.grant(
                user=holder if isinstance(holder, User) else None,
                group=holder if isinstance(holder, OutsideGroup) else None,
                role=self.cleaned_data["role"],
                scope=scope,
                by=by,
                at=at,
                reason=self.cleaned_data["reason"],
                expires_at=self.expires_at(at),
                granted_by=granter,
            )
        except searching.Ambiguous as several:
            self.offer(several.candidates)
            put_errors(self, several)
        except errors.Refused as refused:
            put_errors(self, refused, {"expires_at": "until", "group": "who", "user": "who"})
        return None


class GiveAnywhereForm(GiveForm):
    """The same with the scope, for those who give roles on everything."""

    scope_kind = forms.ChoiceField(
        label=gettext_lazy("On"),
        choices=[(kind.value, words.SCOPES[kind]) for kind in scopes.ScopeKind],
        initial=scopes.ScopeKind.PROJECT.value,
    )
    scope = forms.CharField(
        label=gettext_lazy("Which one"),
        required=False,
        max_length=63,
        help_text=gettext_lazy("Its slug; empty for everything."),
    )
    field_order = ("who", "holder", "role", "scope_kind", "scope", "end", "until", "reason")


class ChangeForm(EndForm):
    """Another role or another end for a binding."""

    role = forms.ChoiceField(label=gettext_lazy("Role"))
    field_order = ("role", "end", "until")

    def __init__(self, *args: Any, roles: Sequence[Role], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = [(role.key, role.name) for role in roles]  # type: ignore[attr-defined]
        self.fields["end"].choices = [(KEEP, _("as it is")), *ENDS]  # type: ignore[attr-defined]
        self.fields["end"].initial = KEEP


def _end_of(day: date, at: datetime) -> datetime:
    if day < at.astimezone(UTC).date():
        raise errors.Refused.one("until", _("This day is over."))
    if day.year > at.year + 50:
        raise errors.Refused.one("until", _("Choose a day within the next 50 years, or no end."))
    return datetime.combine(day, time(23, 59, 59), UTC)
