"""Roles and their bindings, in a namespace and in the whole cluster; lists as the server writes them."""

from typing import Any

import msgspec

from clusters.kube.objects.metadata import NULL, Item, decoded


class Binding(Item, gc=False, rename="camel"):
    role_ref: msgspec.Raw = NULL
    subjects: msgspec.Raw = NULL


class Role(Item, gc=False, rename="camel"):
    rules: msgspec.Raw = NULL
    aggregation_rule: msgspec.Raw = NULL


class RoleReference(msgspec.Struct, gc=False):
    kind: str | None = None
    name: str | None = None


class Subject(msgspec.Struct, gc=False, rename="camel", omit_defaults=True):
    """A User or Group by name, or a ServiceAccount by namespace and name."""

    kind: str | None = None
    api_group: str | None = None
    name: str | None = None
    namespace: str | None = None


class Rule(msgspec.Struct, gc=False, rename="camel", omit_defaults=True):
    verbs: list[str] | None = None
    api_groups: list[str] | None = None
    resources: list[str] | None = None
    resource_names: list[str] | None = None
    non_resource_urls: list[str] | None = msgspec.field(default=None, name="nonResourceURLs")


class BindingRow(msgspec.Struct, gc=False, frozen=True):
    """`role_kind` is Role or ClusterRole; `subjects` are {kind, apiGroup, name, namespace}."""

    role_kind: str
    role_name: str
    subjects: tuple[dict[str, Any], ...]


class RoleRow(msgspec.Struct, gc=False, frozen=True):
    """`rules` are {verbs, apiGroups, resources, resourceNames, nonResourceURLs}."""

    rules: tuple[dict[str, Any], ...]


class ClusterRoleRow(msgspec.Struct, gc=False, frozen=True):
    """`aggregated`: the server puts the rules together out of other ClusterRoles."""

    rules: tuple[dict[str, Any], ...]
    aggregated: bool


_REFERENCE = msgspec.json.Decoder(RoleReference | None)
_SUBJECTS = msgspec.json.Decoder(list[Subject] | None)
_RULES = msgspec.json.Decoder(list[Rule] | None)


def extract_binding(item: Binding) -> BindingRow:
    reference = decoded(_REFERENCE, item.role_ref) or RoleReference()
    subjects = decoded(_SUBJECTS, item.subjects) or []
    return BindingRow(
        role_kind=reference.kind or "",
        role_name=reference.name or "",
        subjects=tuple(msgspec.to_builtins(subject) for subject in subjects),
    )


def extract_role(item: Role) -> RoleRow:
    return RoleRow(rules=_rules(item))


def extract_cluster_role(item: Role) -> ClusterRoleRow:
    return ClusterRoleRow(rules=_rules(item), aggregated=bytes(item.aggregation_rule) != b"null")


def _rules(item: Role) -> tuple[dict[str, Any], ...]:
    return tuple(msgspec.to_builtins(rule) for rule in decoded(_RULES, item.rules) or ())
