"""What a server checks before it stores an object: names, labels, and a few fields of the kinds served here."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from clusters.simulator.api import kinds, statuses

Body = dict[str, Any]

RBAC = "rbac.authorization.k8s.io"
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_QUALIFIED = re.compile(r"(?:[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_DATA_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_LABEL_NAMED = frozenset({"namespaces", "services"})
_SUBJECTS = ("ServiceAccount", "User", "Group")


# What objects of a kind hold besides kind, apiVersion and metadata. Deeper fields are not checked.
_KNOWN: dict[str, frozenset[str]] = {
    "configmaps": frozenset({"data", "binaryData", "immutable"}),
    "secrets": frozenset({"data", "stringData", "immutable", "type"}),
    "serviceaccounts": frozenset({"secrets", "imagePullSecrets", "automountServiceAccountToken"}),
    "roles": frozenset({"rules"}),
    "clusterroles": frozenset({"rules", "aggregationRule"}),
    "rolebindings": frozenset({"roleRef", "subjects"}),
    "clusterrolebindings": frozenset({"roleRef", "subjects"}),
}
_KNOWN |= {
    plural: frozenset({"spec", "status"})
    for plural in ("namespaces", "resourcequotas", "limitranges", "networkpolicies", "pods", "deployments")
}
_ALWAYS = frozenset({"kind", "apiVersion", "metadata"})


def unknown_field(kind: kinds.Kind, body: Body) -> str:
    """The first field at the top of an object that its kind does not have; "" where there is none."""
    known = _KNOWN.get(kind.plural)
    return "" if known is None else next((name for name in body if name not in known | _ALWAYS), "")


@dataclass(frozen=True)
class Cause:
    """`reason` is a word of the API."""

    field: str
    reason: str
    message: str


def check(kind: kinds.Kind, body: Body, before: Body | None) -> None:
    """Raises StatusError 422 with every cause."""
    causes = [*_names(kind, body), *_labels(body), *_fields(kind, body)]
    if before is not None:
        causes += _fixed(kind, body, before)
    refuse(kind, str(body["metadata"].get("name", "")), causes)


def refuse(kind: kinds.Kind, name: str, causes: list[Cause]) -> None:
    """Raises StatusError 422 where there is a cause."""
    if not causes:
        return
    texts = [f"{cause.field}: {cause.message}" for cause in causes]
    shown = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    about = f"{kind.name}.{kind.group}" if kind.group else kind.name
    details: Body = {"name": name, "group": kind.group, "kind": kind.name}
    kept = {key: value for key, value in details.items() if value}
    kept["causes"] = [{"reason": each.reason, "message": each.message, "field": each.field} for each in causes]
    raise statuses.StatusError(422, f'{about} "{name}" is invalid: {shown}', details=kept)


def _invalid(field: str, value: object, why: str) -> Cause:
    return Cause(field, "FieldValueInvalid", f'Invalid value: "{value}": {why}')


def _names(kind: kinds.Kind, body: Body) -> Iterator[Cause]:
    name = str(body["metadata"].get("name", ""))
    if not name:
        yield Cause("metadata.name", "FieldValueRequired", "Required value: name or generateName is required")
    elif kind.group == RBAC:
        if name in (".", "..") or "/" in name or "%" in name:
            yield _invalid("metadata.name", name, "may not be '.' or '..' nor contain '/' or '%'")
    elif not (_LABEL if kind.plural in _LABEL_NAMED else _SUBDOMAIN).fullmatch(name):
        yield _invalid("metadata.name", name, "a lowercase RFC 1123 name must consist of lower case characters")


def _labels(body: Body) -> Iterator[Cause]:
    for key, value in (body["metadata"].get("labels") or {}).items():
        if not _QUALIFIED.fullmatch(str(key)):
            yield _invalid("metadata.labels", key, "name part must consist of alphanumeric characters")
        if not _VALUE.fullmatch(str(value)):
            yield _invalid("metadata.labels", value, "a valid label must consist of alphanumeric characters")


def _fields(kind: kinds.Kind, body: Body) -> Iterator[Cause]:
    if kind.key in ("configmaps", "secrets"):
        for key in body.get("data") or {}:
            if not _DATA_KEY.fullmatch(str(key)):
                yield _invalid(f"data[{key}]", key, "a valid config key must consist of alphanumeric characters")
    elif kind.group == RBAC and kind.plural.endswith("bindings"):
        yield from _binding(body)
    elif kind.key == "pods" and not body.get("spec", {}).get("containers"):
        yield Cause("spec.containers", "FieldValueRequired", "Required value")


def _binding(body: Body) -> Iterator[Cause]:
    if not body.get("roleRef", {}).get("name"):
        yield Cause("roleRef.name", "FieldValueRequired", "Required value")
    for position, subject in enumerate(body.get("subjects") or []):
        if subject.get("kind") not in _SUBJECTS:
            known = ", ".join(f'"{each}"' for each in _SUBJECTS)
            message = f'Unsupported value: "{subject.get("kind")}": supported values: {known}'
            yield Cause(f"subjects[{position}].kind", "FieldValueNotSupported", message)
        if not subject.get("name"):
            yield Cause(f"subjects[{position}].name", "FieldValueRequired", "Required value")


def _fixed(kind: kinds.Kind, body: Body, before: Body) -> list[Cause]:
    """What an object keeps for life."""
    causes = []
    if body["metadata"].get("uid") != before["metadata"].get("uid"):
        causes.append(_invalid("metadata.uid", body["metadata"].get("uid"), "field is immutable"))
    if kind.group == RBAC and body.get("roleRef") != before.get("roleRef"):
        causes.append(_invalid("roleRef", body.get("roleRef"), "cannot change roleRef"))
    if before["metadata"].get("deletionTimestamp"):
        known = before["metadata"].get("finalizers") or []
        if new := [each for each in body["metadata"].get("finalizers") or [] if each not in known]:
            message = f"Forbidden: no new finalizers can be added if the object is being deleted, found new {new}"
            causes.append(Cause("metadata.finalizers", "FieldValueForbidden", message))
    return causes
