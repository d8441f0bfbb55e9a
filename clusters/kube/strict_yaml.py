"""A small part of YAML, and JSON, into dicts, lists and strings.

Works on the parser's events, so nothing is built before it is allowed: no aliases, anchors, tags, merge keys
or repeated keys, one document, bounded size, depth and number of nodes. Every plain value stays text: a token
that looks like a number or a date is still that token.
"""

import json
from collections.abc import Iterator
from typing import Any, TypeAlias

import yaml

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 16
MAX_NODES = 2_000

Node: TypeAlias = "dict[str, Node] | list[Node] | str | None"

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


class Refused(ValueError):
    pass


def load(data: bytes, *, nodes: int = MAX_NODES) -> Node:
    """Raises Refused with a text for people. `nodes` bounds the number of YAML events."""
    if len(data) > MAX_BYTES:
        raise Refused(f"is larger than {MAX_BYTES // 1024} KiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("is not UTF-8 text") from None
    return _json(text) if text.lstrip().startswith("{") else _yaml(text, nodes)


def _json(text: str) -> Node:
    try:
        found = json.loads(text, object_pairs_hook=_pairs, parse_int=str, parse_float=str, parse_constant=str)
    except RecursionError:
        raise Refused("is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise Refused(f"is not valid JSON (line {error.lineno})") from None
    return _as_text(found, MAX_DEPTH)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise Refused(f"names {key!r} twice in one place")
        found[key] = value
    return found


def _as_text(value: Any, depth: int) -> Node:
    if depth < 0:
        raise Refused("is nested too deeply")
    if isinstance(value, dict):
        return {key: _as_text(each, depth - 1) for key, each in value.items()}
    if isinstance(value, list):
        return [_as_text(each, depth - 1) for each in value]
    if isinstance(value, bool):
        return str(value).lower()
    return value if value is None else str(value)


def _yaml(text: str, nodes: int) -> Node:
    try:
        events = _counted(yaml.parse(text, Loader=_LOADER), nodes)
        for event in events:
            if isinstance(event, yaml.NodeEvent):
                found = _node(event, events, MAX_DEPTH)
                break
        else:
            return None
        if any(isinstance(event, yaml.DocumentStartEvent) for event in events):
            raise Refused("holds more than one document")
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise Refused("is not valid YAML" + (f" (line {mark.line + 1})" if mark else "")) from None
    return found


def _counted(events: Iterator[yaml.Event], most: int) -> Iterator[yaml.Event]:
    for number, event in enumerate(events):
        if number > most:
            raise Refused("holds too many values")
        yield event


def _node(event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Node:
    if depth < 0:
        raise Refused("is nested too deeply")
    if isinstance(event, yaml.AliasEvent):
        raise Refused("uses a YAML alias")
    if getattr(event, "anchor", None) is not None:
        raise Refused("uses a YAML anchor")
    if getattr(event, "tag", None) is not None:
        raise Refused("uses a YAML tag")
    if isinstance(event, yaml.ScalarEvent):
        plain = event.implicit[0]
        return None if plain and event.value in _NULLS else str(event.value)
    if isinstance(event, yaml.SequenceStartEvent):
        return _sequence(events, depth)
    return _mapping(events, depth)


def _sequence(events: Iterator[yaml.Event], depth: int) -> list[Node]:
    found: list[Node] = []
    for event in events:
        if isinstance(event, yaml.SequenceEndEvent):
            break
        found.append(_node(event, events, depth - 1))
    return found


def _mapping(events: Iterator[yaml.Event], depth: int) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for event in events:
        if isinstance(event, yaml.MappingEndEvent):
            break
        key = _node(event, events, depth - 1)
        if not isinstance(key, str):
            raise Refused("has a key that is not text")
        if key == "<<":
            raise Refused("uses a YAML merge key")
        if key in found:
            raise Refused(f"names {key!r} twice in one place")
        found[key] = _node(next(events), events, depth - 1)
    return found


# The parser in C is the one a large upload cannot keep busy; the one in Python is its equal in all else.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
