"""The shape of what people type."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.accounts.models import Provider


class SignInForm(forms.Form):
    """User name and password; pasting and password managers work."""

    username = forms.CharField(
        label=_("User name"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=500,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    where = forms.ChoiceField(label=_("Account of"), required=False)

    def __init__(self, *args: Any, directories: Sequence[Provider] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # With one directory its accounts and the local ones go by name alone.
        if len(directories) < 2:
            del self.fields["where"]
        else:
            choices = [("", _("any of them")), *((one.key, one.name) for one in directories), ("local", _("Paddock"))]
            self.fields["where"].choices = choices  # type: ignore[attr-defined]


def _code(**more: Any) -> forms.CharField:
    attributes = {"autocomplete": "one-time-code", "inputmode": "numeric", **more}
    return forms.CharField(
        label=_("Code"),
        max_length=40,
        help_text=_("Six digits of your authenticator, or a recovery code."),
        widget=forms.TextInput(attrs=attributes),
    )


class CodeForm(forms.Form):
    """A code of the second factor."""

    code = _code(autofocus=True)


class ConfirmForm(forms.Form):
    """The password once more, and the second factor of who has one."""

    current = forms.CharField(
        label=_("Password"),
        max_length=500,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )
    code = _code()

    def __init__(self, *args: Any, asks_code: bool, asks_password: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not asks_code:
            del self.fields["code"]
        if not asks_password:
            del self.fields["current"]


class NewPasswordForm(forms.Form):
    """A password of one's own choice; typed once, since it can be shown while typing.

    The present one is asked for, so that an unwatched session is not enough; not where it was used a moment ago.
    """

    current = forms.CharField(
        label=_("Present password"),
        max_length=500,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    password = forms.CharField(
        label=_("New password"),
        max_length=500,
        strip=False,
        help_text=_("At least 12 characters, and not a common one."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, asks_current: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not asks_current:
            del self.fields["current"]


class ProfileForm(forms.Form):
    """What others read of a person, and where mail goes."""

    display_name = forms.CharField(label=_("Name"), max_length=200, required=False)
    email = forms.EmailField(
        label=_("Mail address"), required=False, help_text=_("For requests, ends of roles and tokens. Never a way in.")
    )


class NewPersonForm(forms.Form):
    """A local account."""

    username = forms.CharField(
        label=_("User name"),
        max_length=150,
        help_text=_("Letters, digits and . @ + - _. It never changes."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    display_name = forms.CharField(label=_("Name"), max_length=200, required=False)
    email = forms.EmailField(label=_("Mail address"), required=False)
