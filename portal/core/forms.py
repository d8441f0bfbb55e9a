"""What every form does with a rule's refusal."""

from collections.abc import Mapping

from django import forms

from portal.core import errors


def put_errors(form: forms.BaseForm, refused: errors.Refused, moved: Mapping[str, str] | None = None) -> None:
    """Show a rule's messages at the form's fields; those about something else go to the summary.

    `moved` names the fields of the form that hold what the rule calls otherwise.
    """
    for field, texts in refused.errors.items():
        wanted = (moved or {}).get(field, field)
        for text in texts:
            form.add_error(wanted if wanted in form.fields else None, text)
