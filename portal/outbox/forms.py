"""The shape of what people type."""

from django import forms
from django.utils.translation import gettext_lazy as _


class TestMailForm(forms.Form):
    """Where a test mail goes."""

    __test__ = False  # the name is not a test's

    to = forms.EmailField(label=_("Send a test mail to"), max_length=254)
