"""Whether an object as it was last read holds what is wanted of it: one comparer per kind. Pure.

`seen` has the columns of the kind's inventory table. Only what a body names is compared: other fields are others'.
A label of the mark counts for every kind.
"""

from collections.abc import Callable, Mapping
from typing import Any

from clusters.kube import quantities

Values = Mapping[str, Any]


def holds(kind: str, body: Values, seen: Values) -> bool:
    """Tell whether the object holds the body. Raises `KeyError` for a kind that is never written."""
    return _labels_hold(body, seen) and COMPARERS[kind](body, seen)


def _labels_hold(body: Values, seen: Values) -> bool:
    labels = seen["labels"] or {}
    return all(labels.get(key) == value for key, value in body.get("metadata", {}).get("labels", {}).items())


def _labels_alone(body: Values, seen: Values) -> bool:
    return True


def _binding(body: Values, seen: Values) -> bool:
    role = body["roleRef"]
    return (role["kind"], role["name"]) == (seen["role_kind"], seen["role_name"]) and _subjects(
        body.get("subjects", ())
    ) == _subjects(seen["subjects"])


def _subjects(given: Any) -> list[tuple[str, str, str]]:
    return sorted((one.get("kind", ""), one.get("name", ""), one.get("namespace", "")) for one in given)


def _quota(body: Values, seen: Values) -> bool:
    return _amounts(body.get("spec", {}).get("hard", {})) == _amounts(seen["hard"])


def _limit_range(body: Values, seen: Values) -> bool:
    wanted = [_limit(one) for one in body.get("spec", {}).get("limits", ())]
    found = [_limit(one) for one in seen["limits"]]
    # A server adds to a container's limits what it works out (a default request is the default limit).
    return len(wanted) == len(found) and all(any(_within(one, other) for other in found) for one in wanted)


def _limit(one: Values) -> dict[str, Any]:
    return {key: _amounts(value) if isinstance(value, dict) else value for key, value in one.items()}


def _within(wanted: Values, found: Values) -> bool:
    return all(
        {**found.get(key, {}), **value} == found.get(key, {}) if isinstance(value, dict) else found.get(key) == value
        for key, value in wanted.items()
    )


def _network_policy(body: Values, seen: Values) -> bool:
    """The inventory keeps counts; who changes a rule without changing their number is found in the kept body."""
    wanted, whole = body.get("spec", {}), seen.get("body")
    if whole is not None:
        spec = whole.get("spec", {})
        return all(spec.get(key, type(value)()) == value for key, value in wanted.items())
    return (len(wanted.get("ingress", ())), len(wanted.get("egress", ()))) == (
        seen["ingress_rules"],
        seen["egress_rules"],
    )


def _amounts(given: Values) -> dict[str, Any]:
    return {key: _amount(value) for key, value in given.items()}


def _amount(value: object) -> object:
    try:
        return quantities.parse(str(value))
    except ValueError:
        return str(value)


# Only what the people of a namespace cannot write themselves is ever written.
COMPARERS: Mapping[str, Callable[[Values, Values], bool]] = {
    "namespace": _labels_alone,
    "role_binding": _binding,
    "quota": _quota,
    "limit_range": _limit_range,
    "network_policy": _network_policy,
}
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "namespace": (),
    "role_binding": ("role_kind", "role_name", "subjects"),
    "quota": ("hard",),
    "limit_range": ("limits",),
    "network_policy": ("ingress_rules", "egress_rules"),
}
