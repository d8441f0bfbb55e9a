"""RBAC: the rights that roles and bindings in the cluster give, and the guard against giving what one has not."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from clusters.simulator.api import kinds, reviews, statuses, store

Body = dict[str, Any]

GROUP = kinds.RBAC
ROLES = ("roles", "clusterroles")
BINDINGS = ("rolebindings", "clusterrolebindings")


class Rights:
    """Reads the bindings anew for each question: who may do what changes with the next request."""

    def __init__(self, catalogue: kinds.Catalogue, objects: store.Store) -> None:
        self._catalogue = catalogue
        self._objects = objects

    def seen(self, user: reviews.User, namespace: str) -> reviews.User:
        """The user with all that bindings give, in the whole cluster and in this namespace."""
        return replace(user, rules=(*user.rules, *self._bound(user, namespace)))

    def _bound(self, user: reviews.User, namespace: str) -> Iterator[reviews.Rule]:
        for binding in self._all("clusterrolebindings"):
            if _names(binding, user, ""):
                yield from self.role_rules(binding["roleRef"], "")
        if not namespace:
            return
        for binding in self._all("rolebindings"):
            if binding["metadata"].get("namespace") == namespace and _names(binding, user, namespace):
                yield from self.role_rules(binding["roleRef"], namespace)

    def role_rules(self, reference: Body, namespace: str) -> tuple[reviews.Rule, ...]:
        """Nothing for a role that does not exist."""
        role = self.role(reference, namespace)
        return tuple(rules_of(role)) if role else ()

    def role(self, reference: Body, namespace: str) -> Body | None:
        plural, where = ("roles", namespace) if reference.get("kind") == "Role" else ("clusterroles", "")
        collection = self._objects.collection(self._kind(plural))
        entry = collection.entries.get(store.object_key(where, str(reference.get("name", ""))))
        return entry.body if entry else None

    def check_gift(self, user: reviews.User, kind: kinds.Kind, body: Body) -> None:
        """Raises StatusError 403 where a role or binding would give more than its writer holds."""
        if kind.group != GROUP:
            return
        namespace, name = str(body["metadata"].get("namespace", "")), str(body["metadata"]["name"])
        holder = self.seen(user, namespace)
        if kind.plural in ROLES:
            if not holder.may("escalate", GROUP, kind.plural, name):
                _check_held(holder, kind, name, [*rules_of(body)])
        elif kind.plural in BINDINGS:
            self._check_bind(holder, kind, body, namespace)

    def _check_bind(self, holder: reviews.User, kind: kinds.Kind, body: Body, namespace: str) -> None:
        reference = body["roleRef"]
        plural = "roles" if reference.get("kind") == "Role" else "clusterroles"
        role_name = str(reference["name"])
        if holder.may("bind", GROUP, plural, role_name):
            return
        role = self.role(reference, namespace)
        if role is None:
            raise statuses.not_found(kind, role_name)
        _check_held(holder, kind, str(body["metadata"]["name"]), [*rules_of(role)])

    def _all(self, plural: str) -> list[Body]:
        return [entry.body for entry in self._objects.collection(self._kind(plural)).entries.values()]

    def _kind(self, plural: str) -> kinds.Kind:
        kind = self._catalogue.by_key(f"{plural}.{GROUP}")
        assert kind is not None
        return kind


def rules_of(role: Body) -> Iterator[reviews.Rule]:
    for rule in role.get("rules") or []:
        if rule.get("resources"):
            groups, names = rule.get("apiGroups") or (), rule.get("resourceNames") or ()
            yield reviews.Rule(tuple(rule.get("verbs") or ()), tuple(groups), tuple(rule["resources"]), tuple(names))


def _names(binding: Body, user: reviews.User, namespace: str) -> bool:
    return any(_is(subject, user, namespace) for subject in binding.get("subjects") or [])


def _is(subject: Body, user: reviews.User, namespace: str) -> bool:
    kind, name = subject.get("kind"), subject.get("name")
    if kind == "Group":
        return name in user.groups
    if kind == "ServiceAccount":
        return user.name == f"system:serviceaccount:{subject.get('namespace') or namespace}:{name}"
    return kind == "User" and name == user.name


def _check_held(holder: reviews.User, kind: kinds.Kind, name: str, wanted: Sequence[reviews.Rule]) -> None:
    missing = [rule for rule in wanted if not _holds(holder, rule)]
    if not missing:
        return
    groups = " ".join(f'"{group}"' for group in holder.groups)
    lines = "\n".join(_shown(rule) for rule in missing)
    why = f'user "{holder.name}" (groups=[{groups}]) is attempting to grant RBAC permissions not currently held:\n'
    raise statuses.forbidden(kind, name, why + lines)


def _holds(holder: reviews.User, wanted: reviews.Rule) -> bool:
    """Each single right of the rule is covered by one rule of the holder's."""
    return all(
        holder.may(verb, group, resource, name)
        for verb in wanted.verbs
        for group in wanted.groups
        for resource in wanted.resources
        for name in wanted.names or ("",)
    )


def _shown(rule: reviews.Rule) -> str:
    parts = {"APIGroups": rule.groups, "Resources": rule.resources, "ResourceNames": rule.names, "Verbs": rule.verbs}
    quoted = {name: " ".join(f'"{each}"' for each in values) for name, values in parts.items() if values}
    return "{" + ", ".join(f"{name}:[{text}]" for name, text in quoted.items()) + "}"
