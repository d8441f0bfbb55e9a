"""The shape of what people type about tokens and robots."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from portal.access.permissions import Permission
from portal.access.scopes import ScopeKind
from portal.access.words import listed, word
from portal.accounts.bindings import own_roles
from portal.accounts.models import User
from portal.core.models import slug_validator
from portal.tokens import places
from portal.tokens.models import DEFAULT_LIFE, LONGEST_LIFE
from portal.tokens.places import Place
from portal.tokens.services.tokens import Wanted
from portal.tokens.shown import sentence

LIVES = (1, 7, DEFAULT_LIFE.days, 60, LONGEST_LIFE.days)


def words_of(text: str) -> list[str]:
    """Split what is typed with spaces, commas or lines between."""
    return [word for word in re.split(r"[\s,;]+", text) if word]


def ordered(permissions: Iterable[Permission]) -> list[Permission]:
    """Return permissions in the order of their table."""
    wanted = set(permissions)
    return [one for one in Permission if one in wanted]


class TokenForm(forms.Form):
    """A token. What can be chosen is what is held on the chosen scope."""

    name = forms.CharField(
        label=lazy("Name"),
        max_length=100,
        help_text=lazy("What uses it, such as “nightly report”."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
    scope = forms.ChoiceField(label=lazy("On"), help_text=lazy("It works there, and nowhere else."))
    permissions = forms.MultipleChoiceField(
        label=lazy("It may"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": lazy("Choose what it may do."),
            "invalid_choice": lazy("You do not hold this there: %(value)s."),
        },
    )
    only = forms.CharField(
        label=lazy("Only these"),
        required=False,
        max_length=2000,
        help_text=lazy("Things inside of it, such as project/checkout cluster/oslo. Empty: all of it."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    days = forms.TypedChoiceField(
        label=lazy("Ends"),
        coerce=int,
        choices=[(days, lazy("in 1 day") if days == 1 else lazy("in %d days") % days) for days in LIVES],
        initial=DEFAULT_LIFE.days,
    )
    networks = forms.CharField(
        label=lazy("From these networks"),
        required=False,
        max_length=1000,
        help_text=lazy("As 10.1.0.0/16. Empty: from anywhere."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, data: QueryDict | None, *, offered: Sequence[Place], place: Place | None, **more: Any) -> None:
        """`place` is the chosen one; its rights are on offer, and those that only read are chosen at first."""
        held = ordered(place.permissions) if place else []
        initial = {
            "scope": place.value if place else "",
            "permissions": [one.value for one in held if one.value.endswith(".view")],
            **more.pop("initial", {}),
        }
        super().__init__(data, initial=initial, **more)
        self.place = place
        self.fields["scope"].choices = [(one.value, one.label) for one in offered]  # type: ignore[attr-defined]
        self.fields["permissions"].choices = [(one.value, word(one)) for one in held]  # type: ignore[attr-defined]

    def wanted(self, user: User, at: datetime) -> Wanted:
        """Return what a valid form asks for. Raises `Refused` for things that are not in the scope."""
        assert self.place is not None
        data = self.cleaned_data
        return Wanted(
            name=data["name"],
            scope=self.place.scope,
            permissions=frozenset(Permission(one) for one in data["permissions"]),
            expires_at=at + timedelta(days=data["days"]),
            only=places.inside(user, self.place.scope, words_of(data["only"])),
            networks=words_of(data["networks"]),
        )

    def preview(self, at: datetime) -> str:
        """Return what the token would be, of what is typed so far."""
        chosen = {str(one) for one in self["permissions"].value() or ()}
        days = str(self["days"].value())
        ends = at + timedelta(days=int(days) if days.isdecimal() and int(days) in LIVES else DEFAULT_LIFE.days)
        scope = self.place.label if self.place else _("nothing")
        only = " ".join(words_of(str(self["only"].value() or ""))[: places.MOST_THINGS])
        return sentence(
            permissions=listed(one for one in (self.place.permissions if self.place else ()) if one.value in chosen),
            scope=_("%(scope)s: only %(things)s") % {"scope": scope, "things": only} if only else scope,
            ends_at=ends,
            networks=", ".join(words_of(str(self["networks"].value() or ""))),
        )


class RobotForm(forms.Form):
    """A robot and its first role."""

    name = forms.CharField(label=lazy("Name"), max_length=100, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    slug = forms.CharField(
        label=lazy("Slug"),
        max_length=50,
        validators=[slug_validator],
        help_text=lazy("Its account is called robot-…; it never changes and is never used again."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    home_kind = forms.ChoiceField(
        label=lazy("Belongs to"),
        choices=[(ScopeKind.PROJECT.value, lazy("a project")), (ScopeKind.TEAM.value, lazy("a team"))],
    )
    home = forms.CharField(label=lazy("Which one"), max_length=63, help_text=lazy("Its slug."))
    role = forms.ChoiceField(label=lazy("Role"), help_text=lazy("You must hold each right of it."))
    project = forms.CharField(
        label=lazy("Only on this project"),
        required=False,
        max_length=63,
        help_text=lazy("For a robot of a team: the slug of one of its projects. Empty: on all it belongs to."),
    )
    description = forms.CharField(label=lazy("What it is for"), required=False, max_length=300)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = {role.key: role for kind in (ScopeKind.PROJECT, ScopeKind.TEAM) for role in own_roles.on(kind)}
        self.fields["role"].choices = [(role.key, role.name) for role in found.values()]  # type: ignore[attr-defined]
