"""Label and field selectors: parsed once per request into a predicate over an object."""

import re
from collections.abc import Callable
from typing import Any

from clusters.simulator.api import kinds, statuses

Body = dict[str, Any]
Test = Callable[[Body], bool]

_NAME = r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?)"
_VALUE = r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?"
_EXISTS = re.compile(rf"(!?)\s*({_NAME})")
_EQUALS = re.compile(rf"({_NAME})\s*(==|=|!=)\s*({_VALUE})")
_SET = re.compile(rf"({_NAME})\s+(in|notin)\s*\(\s*({_VALUE}(?:\s*,\s*{_VALUE})*)\s*\)")
_ORDER = re.compile(rf"({_NAME})\s*([<>])\s*(\d+)")
# A comma inside the parentheses of a set does not end a requirement.
_COMMA = re.compile(r",(?![^(]*\))")


def parse(kind: kinds.Kind, labels: str, fields: str) -> Test | None:
    """None when both selectors are empty; raises StatusError 400."""
    tests = _label_tests(labels) + _field_tests(kind, fields)
    if not tests:
        return None
    return lambda body: all(test(body) for test in tests)


def _label_tests(text: str) -> list[Test]:
    if not text.strip():
        return []
    return [_on_labels(_requirement(part.strip())) for part in _COMMA.split(text)]


def _on_labels(test: Test) -> Test:
    return lambda body: test(body["metadata"].get("labels") or {})


def _requirement(text: str) -> Test:
    if match := _SET.fullmatch(text):
        return _among(match[1], {value.strip() for value in match[3].split(",")}, wanted=match[2] == "in")
    if match := _EQUALS.fullmatch(text):
        return _among(match[1], {match[3]}, wanted=match[2] != "!=")
    if match := _ORDER.fullmatch(text):
        return _ordered(match[1], match[2], int(match[3]))
    if match := _EXISTS.fullmatch(text):
        return _present(match[2], wanted=not match[1])
    raise statuses.bad_request(f"unable to parse requirement: {text!r}")


def _among(name: str, values: set[str], *, wanted: bool) -> Test:
    """A negated requirement holds for an object without the label too."""
    return lambda labels: (labels.get(name) in values) == wanted


def _present(name: str, *, wanted: bool) -> Test:
    return lambda labels: (name in labels) == wanted


def _ordered(name: str, operator: str, bound: int) -> Test:
    def test(labels: Body) -> bool:
        value = str(labels.get(name, ""))
        return value.isdigit() and (int(value) > bound if operator == ">" else int(value) < bound)

    return test


def _field_tests(kind: kinds.Kind, text: str) -> list[Test]:
    return [_field_test(kind, part) for part in text.split(",") if part]


# Fields of an Event that stand elsewhere in it.
_ALIASES = {"source": "source.component"}


def _field_test(kind: kinds.Kind, text: str) -> Test:
    match = re.fullmatch(r"([^=!]+)(==|=|!=)(.*)", text)
    if match is None:
        raise statuses.bad_request(f"invalid selector: {text!r}; can't understand {text!r}")
    path, operator, value = match[1], match[2], match[3]
    if path not in kinds.COMMON_FIELDS and path not in kind.fields:
        raise statuses.bad_request(f"field label not supported: {path}")
    steps = _ALIASES.get(path, path).split(".")
    return lambda body: (_read(body, steps) == value) == (operator != "!=")


def _read(body: Body, steps: list[str]) -> str:
    """The field as text; an absent one is empty, an absent or true or false flag is `true` or `false`."""
    value: Any = body
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    if isinstance(value, bool) or (value is None and steps[-1] == "unschedulable"):
        return "true" if value else "false"
    if value is None and steps[-1] in ("replicas", "successful"):
        return "0"
    return "" if value is None else str(value)
