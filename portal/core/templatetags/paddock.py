"""Formatting in templates, for single figures. Lists do not come through here: their cells are finished
strings.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.forms import BoundField, Form
from django.template import Context
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from portal.core import clock, formats
from portal.core.listing import cells
from portal.core.listing import health as data_health

register = template.Library()


@register.filter
def money(value: Decimal | None, currency: str = "") -> str:
    """Two places and the currency."""
    return formats.ABSENT if value is None else formats.money(value, currency)


@register.filter
def money_exact(value: Decimal | None, currency: str = "") -> str:
    """Every stored place, for titles."""
    return "" if value is None else formats.money_exact(value, currency)


@register.filter
def cpu(millicores: int | Decimal | None) -> str:
    """`1.5 cores`."""
    return formats.ABSENT if millicores is None else formats.cpu(millicores)


@register.filter
def gib(size: int | Decimal | None) -> str:
    """`3.2 GiB`."""
    return formats.ABSENT if size is None else formats.size(size)


@register.filter
def number(value: formats.Figure | None) -> str:
    """Grouped thousands."""
    return formats.ABSENT if value is None else formats.number(value)


@register.filter
def percent(ratio: formats.Figure | None) -> str:
    """`42.5 %` of a ratio."""
    return formats.ABSENT if ratio is None else formats.percent(ratio)


@register.filter
def duration(seconds: formats.Figure | None) -> str:
    """`5m30s`."""
    return formats.ABSENT if seconds is None else formats.duration(seconds)


def _at(context: Context) -> datetime:
    at = context.get("at")
    return at if isinstance(at, datetime) else clock.now()


@register.simple_tag(takes_context=True)
def when(context: Context, instant: datetime | None, absent: str = "") -> SafeString:
    """A relative time with the absolute one on hover; None becomes a dash and the word `absent`."""
    if instant is None:
        return cells.absent_html(absent or gettext("unknown"))
    return cells.time_html(instant, _at(context))


@register.simple_tag(takes_context=True)
def missing_sources(context: Context, health: data_health.Health) -> str:
    """`2 of 5 clusters not reachable since 12:04 UTC`, empty while all answer."""
    return data_health.missing_text(health, _at(context))


@register.filter
def form_errors(form: Form) -> list[dict[str, str]]:
    """The entries of the error summary of a Django form, each with the control it leads to."""
    found = [{"id": "", "label": "", "text": text} for text in map(str, form.non_field_errors())]
    for field in form:
        found += [
            {"id": field.id_for_label or "", "label": str(field.label), "text": text} for text in map(str, field.errors)
        ]
    return found


@register.filter
def control(field: BoundField) -> SafeString:
    """The control of a Django form field, dressed and tied to its help and error."""
    described = " ".join(
        f"{field.auto_id}-{part}" for part, there in (("help", field.help_text), ("error", field.errors)) if there
    )
    kind = getattr(field.field.widget, "input_type", "")
    css = {"checkbox": "form-check-input", "radio": "form-check-input", "select": "form-select"}.get(
        kind, "form-control"
    )
    attributes: dict[str, str | bool] = {"class": css}
    if described:
        attributes["aria-describedby"] = described
    if field.errors:
        attributes["aria-invalid"] = "true"
    return field.as_widget(attrs=attributes)


@register.filter
def at_most(items: Iterable[Any], number: int) -> list[Any]:
    """The first few; pages open with four figures at most."""
    return list(items)[:number]
