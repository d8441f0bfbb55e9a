"""Abstract shapes shared by the rooms' tables."""

import uuid
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.core import errors

slug_validator = RegexValidator(
    r"\A[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z",
    _("Use lower-case letters, digits and hyphens: at most 63, beginning and ending with a letter or digit."),
)


class UUIDModel(models.Model):
    """A thing with a page or an authority: its key is made in Python and means nothing."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)

    class Meta:
        abstract = True


class SlugField(models.CharField):  # type: ignore[type-arg]
    """A name for addresses: set once, unique, never used again after deletion."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 63)
        kwargs.setdefault("unique", True)
        kwargs.setdefault("validators", [slug_validator])
        super().__init__(*args, **kwargs)


def validate(instance: models.Model) -> None:
    """Run the model's own validation and uniqueness checks.

    Raises `errors.Refused` with the messages at their fields ("" for those about several fields).
    """
    try:
        instance.full_clean()
    except ValidationError as error:
        found = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
        raise errors.Refused({("" if field == "__all__" else field): texts for field, texts in found.items()}) from None
