"""Labels of clusters, and the one selector syntax as it meets people's input and the database."""

from collections.abc import Mapping

from django.db.models import BigIntegerField, Case, Q, Value, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.db.models.lookups import GreaterThan, LessThan, Regex
from django.utils.translation import gettext as _

from clusters.kube import label_selector
from clusters.kube.label_selector import BadSelector, Operator, Requirement, Selector
from portal.core import errors

MOST = 50
# Integers of 18 digits fit a bigint; nobody counts further by label.
_NUMBER = r"^[+-]?[0-9]{1,18}$"


def read_selector(text: str, *, field: str) -> Selector:
    """Parse what a person or a client wrote. Raises `Refused` at the field, naming the place of the fault."""
    try:
        return label_selector.parse(text)
    except BadSelector as bad:
        raise errors.Refused.one(field, explained(bad)) from None


def explained(bad: BadSelector) -> str:
    """Say where a selector is wrong, what stands there and what is expected."""
    if not bad.found:
        return _("At the end (character %(at)s): %(why)s.") % {"at": bad.position, "why": bad.why}
    values = {"at": bad.position, "found": bad.found[:60], "why": bad.why}
    return _("At character %(at)s, “%(found)s”: %(why)s.") % values


def condition(selector: Selector, field: str = "labels") -> Q:
    """Return the selector as a condition on a JSON field of labels: it keeps what `selector.matches`."""
    found = Q()
    for requirement in selector.requirements:
        found &= _condition(requirement, field)
    return found


def _condition(requirement: Requirement, field: str) -> Q:
    key, operator = requirement.key, requirement.operator
    # Keys hold dots and slashes, so they are given as values and never as parts of a lookup.
    if operator in (Operator.EXISTS, Operator.ABSENT):
        there = Q(**{f"{field}__has_key": key})
        return there if operator is Operator.EXISTS else ~there
    if operator in (Operator.IN, Operator.NOT_IN):
        among = Q()
        for value in requirement.values:
            among |= Q(**{f"{field}__contains": {key: value}})
        return among if operator is Operator.IN else ~among
    return _compared(requirement, field)


def _compared(requirement: Requirement, field: str) -> Q:
    text = KeyTextTransform(requirement.key, field)
    number = Case(When(Regex(text, _NUMBER), then=Cast(text, BigIntegerField())), default=Value(None))
    compare = GreaterThan if requirement.operator is Operator.MORE else LessThan
    return Q(compare(number, int(requirement.values[0])))


def demand(labels: Mapping[str, str]) -> dict[str, str]:
    """Return labels in the order of their keys. Raises `Refused` at "labels", naming the label."""
    faults = []
    for key, value in labels.items():
        if why := label_selector.fault_of_key(key) or label_selector.fault_of_value(value):
            faults.append(_("%(label)s: %(why)s.") % {"label": f"{key}={value}"[:120], "why": why})
    if len(labels) > MOST:
        faults.append(_("A cluster has at most %(most)s labels.") % {"most": MOST})
    if faults:
        raise errors.Refused({"labels": faults})
    return dict(sorted(labels.items()))


def from_text(text: str) -> dict[str, str]:
    """Read labels as a person types them, `key=value` a line. Raises `Refused` at "labels", naming the line."""
    found: dict[str, str] = {}
    faults = []
    for number, line in enumerate(text.splitlines(), start=1):
        key, equals, value = (part.strip() for part in line.partition("="))
        if not line.strip():
            continue
        if not equals:
            faults.append(_("Line %(number)s: write key=value.") % {"number": number})
        elif key in found:
            faults.append(_("Line %(number)s: %(key)s is there already.") % {"number": number, "key": key[:60]})
        else:
            found[key] = value
    if faults:
        raise errors.Refused({"labels": faults})
    return demand(found)


def as_text(labels: Mapping[str, str]) -> str:
    """Write labels as `from_text` reads them."""
    return "\n".join(f"{key}={value}" for key, value in sorted(labels.items()))
