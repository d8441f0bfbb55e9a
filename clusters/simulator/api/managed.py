"""Who manages which field: sets of fields as `fieldsV1` writes them, and server-side apply on top of them.

A set is a nested dict: `f:NAME` for a field, `k:{…}` for an item of a list that is merged by keys, `v:…` for an item
of a list that is a set; an empty dict is a whole value. Which lists are merged is known by their names, which do
for the kinds served here.
"""

import copy
import json
from dataclasses import dataclass
from typing import Any

from clusters.simulator.api import statuses

Body = dict[str, Any]
Fields = dict[str, Any]
Path = tuple[str, ...]

APPLY, UPDATE = "Apply", "Update"
_KEYS: dict[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "imagePullSecrets": ("name",),
    "ownerReferences": ("uid",),
    "conditions": ("type",),
}
_SETS = frozenset({"finalizers"})
_WHOLE = frozenset(
    {"roleRef", "selector", "podSelector", "namespaceSelector", "scopeSelector", "nodeSelector", "resourceClaims"}
)
_NOBODYS = frozenset(
    {"name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"}
    | {"generateName", "deletionTimestamp", "deletionGracePeriodSeconds"}
)
_ABSENT = object()


@dataclass(frozen=True)
class Manager:
    """One entry of managedFields: the same name may apply and update, and do either below `status`."""

    name: str
    operation: str
    subresource: str = ""


Managers = dict[Manager, tuple[Fields, str]]


@dataclass(frozen=True)
class FieldConflict:
    manager: Manager
    path: str


def fields_of(body: Body) -> Fields:
    """Every field of an object that somebody can manage."""
    found = _fields({name: value for name, value in body.items() if name not in ("apiVersion", "kind", "metadata")})
    metadata = _fields({name: value for name, value in body.get("metadata", {}).items() if name not in _NOBODYS})
    return found | ({"f:metadata": metadata} if metadata else {})


def _fields(value: Body) -> Fields:
    return {f"f:{name}": _below(name, inner) for name, inner in value.items() if inner is not None}


def _below(name: str, value: Any) -> Fields:
    if isinstance(value, dict) and name not in _WHOLE:
        return _fields(value)
    if isinstance(value, list) and name in _KEYS and all(isinstance(item, dict) for item in value):
        return {_item_key(name, item): {".": {}} | _fields(item) for item in value}
    if isinstance(value, list) and name in _SETS:
        return {f"v:{json.dumps(item)}": {} for item in value}
    return {}


def _item_key(name: str, item: Body) -> str:
    return "k:" + json.dumps({key: item.get(key) for key in _KEYS[name]}, separators=(",", ":"))


def leaves(fields: Fields, before: Path = ()) -> set[Path]:
    found: set[Path] = set()
    for step, inner in fields.items():
        found |= leaves(inner, (*before, step)) if inner else {(*before, step)}
    return found


def _from_leaves(paths: set[Path]) -> Fields:
    found: Fields = {}
    for path in sorted(paths):
        place = found
        for step in path:
            place = place.setdefault(step, {})
    return found


def managers_of(body: Body) -> Managers:
    entries = body["metadata"].get("managedFields") or []
    return {
        Manager(entry["manager"], entry["operation"], entry.get("subresource", "")): (entry["fieldsV1"], entry["time"])
        for entry in entries
        if "fieldsV1" in entry
    }


def _entries(managers: Managers, api_version: str) -> list[Body]:
    return [
        {
            "manager": manager.name,
            "operation": manager.operation,
            "apiVersion": api_version,
            "time": time,
            "fieldsType": "FieldsV1",
            "fieldsV1": fields,
        }
        | ({"subresource": manager.subresource} if manager.subresource else {})
        for manager, (fields, time) in managers.items()
        if fields
    ]


def note(body: Body, managers: Managers, api_version: str) -> None:
    """Writes the managers into the object."""
    body["metadata"]["managedFields"] = _entries(managers, api_version)


def updated(before: Body | None, after: Body, who: Manager, at: str) -> Managers:
    """Who manages what after an update: what has changed is `who`'s alone, what is gone is nobody's."""
    managers = managers_of(before) if before else {}
    old, new = leaves(fields_of(before)) if before else set(), leaves(fields_of(after))
    changed = {path for path in new if before is None or _value(before, path) != _value(after, path)}
    lost = changed | (old - new)
    kept = {manager: (_from_leaves(leaves(fields) - lost), time) for manager, (fields, time) in managers.items()}
    if changed:
        own = leaves(kept.get(who, ({}, ""))[0])
        kept[who] = (_from_leaves(own | changed), at)
    return {manager: entry for manager, entry in kept.items() if entry[0]}


def applied(
    live: Body, wanted: Body, who: Manager, *, force: bool, at: str
) -> tuple[Body, Managers, list[FieldConflict]]:
    """The object after `who` applied `wanted`; with conflicts, and without force, it is not to be stored."""
    managers = managers_of(live)
    asked = leaves(fields_of(wanted))
    had = leaves(managers.get(who, ({}, ""))[0])
    conflicts: list[FieldConflict] = []
    after: Managers = {}
    for manager, (fields, time) in managers.items():
        theirs = leaves(fields)
        taken = set() if manager == who else _taken(live, wanted, theirs, asked)
        conflicts += [FieldConflict(manager, _shown(path)) for path in sorted(taken)]
        after[manager] = (_from_leaves(theirs - taken), time) if taken else (fields, time)
    others = {path for manager, (fields, _) in after.items() if manager != who for path in leaves(fields)}
    body = _merged(live, {name: value for name, value in wanted.items() if name not in ("kind", "apiVersion")})
    for path in sorted(had - asked - others, key=len, reverse=True):
        _remove(body, path)
    same = had == asked and who in after
    after[who] = (_from_leaves(asked), after[who][1] if same else at)
    return body, {manager: entry for manager, entry in after.items() if entry[0]}, [] if force else conflicts


def _taken(live: Body, wanted: Body, theirs: set[Path], asked: set[Path]) -> set[Path]:
    return {path for path in theirs & asked if path[-1] != "." and _value(live, path) != _value(wanted, path)}


def _value(body: Any, path: Path) -> Any:
    """What stands at a path; a private mark where nothing does."""
    value = body
    for position, step in enumerate(path):
        mark, rest = step[:2], step[2:]
        if mark == "f:":
            value = value.get(rest, _ABSENT) if isinstance(value, dict) else _ABSENT
        elif mark == "k:":
            value = next((item for item in value if _matches(item, json.loads(rest))), _ABSENT)
        elif mark == "v:":
            value = rest if json.loads(rest) in value else _ABSENT
        elif step == ".":
            return path[position - 1]
        if value is _ABSENT:
            return _ABSENT
    return value


def _matches(item: Any, keys: Body) -> bool:
    return isinstance(item, dict) and all(item.get(name) == value for name, value in keys.items())


def _merged(live: Body, wanted: Body) -> Body:
    found = dict(live)
    for name, value in wanted.items():
        found[name] = _merged_value(name, live.get(name), value)
    return found


def _merged_value(name: str, old: Any, new: Any) -> Any:
    if isinstance(new, dict) and isinstance(old, dict) and name not in _WHOLE:
        return _merged(old, new)
    if isinstance(new, list) and isinstance(old, list) and name in _KEYS:
        return _merged_items(name, old, new)
    if isinstance(new, list) and isinstance(old, list) and name in _SETS:
        return [*old, *(item for item in new if item not in old)]
    return copy.deepcopy(new)


def _merged_items(name: str, old: list[Any], new: list[Any]) -> list[Any]:
    """In the order applied; what others added comes behind."""
    by_key = {_item_key(name, item): item for item in old}
    found = [_merged(by_key.pop(_item_key(name, item), {}), item) for item in new]
    return [*found, *by_key.values()]


def _remove(body: Any, path: Path) -> None:
    """Takes away what stands at a path, and with it a map or a list that it leaves empty."""
    step, rest = path[0], path[1:]
    mark, name = step[:2], step[2:]
    if mark == "f:" and isinstance(body, dict) and name in body:
        if rest:
            body[name] = copy.copy(body[name])
            _remove(body[name], rest)
        if not rest or body[name] in ({}, []):
            del body[name]
    elif isinstance(body, list) and mark == "k:":
        _remove_item(body, json.loads(name), rest)
    elif isinstance(body, list) and mark == "v:":
        body[:] = [item for item in body if item != json.loads(name)]


def _remove_item(items: list[Any], keys: Body, rest: Path) -> None:
    for position, item in enumerate(items):
        if _matches(item, keys):
            if not rest or rest == (".",):
                del items[position]
                return
            items[position] = copy.copy(item)
            _remove(items[position], rest)
            return


def refused(found: list[FieldConflict], version: str) -> statuses.StatusError:
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f"conflict with {_named(each.manager, version)}",
            "field": each.path,
        }
        for each in found
    ]
    if len(found) == 1:
        text = f"Apply failed with 1 conflict: {causes[0]['message']}: {found[0].path}"
    else:
        parts: dict[str, list[str]] = {}
        for each in found:
            parts.setdefault(_named(each.manager, version), []).append(f"- {each.path}")
        lines = [line for name, paths in parts.items() for line in (f"conflicts with {name}:", *paths)]
        text = f"Apply failed with {len(found)} conflicts: " + "\n".join(lines)
    return statuses.StatusError(409, text, details={"causes": causes})


def _named(manager: Manager, version: str) -> str:
    below = f' with subresource "{manager.subresource}"' if manager.subresource else ""
    using = "" if manager.operation == APPLY else f" using {version}"
    return f"{json.dumps(manager.name)}{below}{using}"


def _shown(path: Path) -> str:
    """`.spec.containers[name="app"].image`, as conflicts name it."""
    text = ""
    for step in path:
        mark, rest = step[:2], step[2:]
        if mark == "f:":
            text += f".{rest}"
        elif mark == "k:":
            text += "[" + ",".join(f"{name}={json.dumps(value)}" for name, value in json.loads(rest).items()) + "]"
        elif mark == "v:":
            text += f"[={rest}]"
    return text
