"""Pages that take a password or a code: how they answer what a rule refused."""

from typing import Any

from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.core import errors


def page(
    request: HttpRequest, template: str, context: dict[str, Any], *, form: BaseForm, refused: errors.Refused | None
) -> HttpResponse:
    """Render a form again: 429 with the seconds to wait after too many tries, 422 with other errors, 200 without."""
    status = refused.status if refused else 422 if form.errors else 200
    answer = render(request, template, context, status=status)
    if isinstance(refused, errors.TooMany):
        answer.headers["Retry-After"] = str(refused.seconds)
    return answer
