"""Who may do what: the rules of a user, checked for each request and told by the two self reviews."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from clusters.simulator.api import kinds, statuses

Body = dict[str, Any]

ANONYMOUS = "system:anonymous"
PUBLIC_PATHS = ("/version", "/readyz", "/livez", "/healthz")
DISCOVERY_PATHS = ("/api", "/apis", "/openapi")


@dataclass(frozen=True, slots=True)
class Rule:
    """ "*" in any of the first three stands for all; without `names` it holds for objects of every name."""

    verbs: tuple[str, ...]
    groups: tuple[str, ...]
    resources: tuple[str, ...]
    names: tuple[str, ...] = ()

    def covers(self, verb: str, group: str, resource: str, name: str = "") -> bool:
        if self.names and name not in self.names:
            return False
        wanted = ((self.verbs, verb), (self.groups, group), (self.resources, resource))
        return all("*" in allowed or value in allowed for allowed, value in wanted)

    def body(self) -> Body:
        found = {"verbs": list(self.verbs), "apiGroups": list(self.groups), "resources": list(self.resources)}
        return found | ({"resourceNames": list(self.names)} if self.names else {})


ADMIN_RULES = (Rule(("*",), ("*",), ("*",)),)
SELF_REVIEW = Rule(("create",), (kinds.AUTHORIZATION,), tuple(kinds.REVIEWS))


def read_rules() -> tuple[Rule, ...]:
    """What a reader of the estate is given: the built-in kinds, metrics and Gatekeeper, never Secrets."""
    per_group = [
        Rule(kinds.READ_VERBS, (group,), tuple(kind.plural for kind in kinds.BUILT_IN if kind.group == group))
        for group in dict.fromkeys(kind.group for kind in kinds.BUILT_IN)
    ]
    whole = [Rule(kinds.READ_VERBS, (group,), ("*",)) for group in (kinds.METRICS, kinds.TEMPLATES, kinds.CONSTRAINTS)]
    return (*per_group, *whole)


@dataclass(frozen=True, slots=True)
class User:
    """`denied` takes away from `rules`; who has signed in may review their own rights besides."""

    name: str
    rules: tuple[Rule, ...]
    denied: tuple[Rule, ...] = ()
    groups: tuple[str, ...] = ()

    def may(self, verb: str, group: str, resource: str, name: str = "") -> bool:
        if self.name != ANONYMOUS and SELF_REVIEW.covers(verb, group, resource):
            return True
        if any(rule.covers(verb, group, resource) for rule in self.denied):
            return False
        return any(rule.covers(verb, group, resource, name) for rule in self.rules)

    def may_open(self, path: str, verb: str) -> bool:
        """`verb` is the method in lower case: only administrators do more than get a path."""
        if any(rule.covers("*", "*", "*") for rule in self.rules):
            return True
        signed_in = self.name != ANONYMOUS
        return verb == "get" and (path in PUBLIC_PATHS or (signed_in and path.startswith(DISCOVERY_PATHS)))


# A user with all that the cluster's bindings give in a namespace.
Seen = Callable[[User, str], User]


@dataclass(frozen=True, slots=True)
class Action:
    """A verb on a resource; `name` and `namespace` may be empty."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""


def check(user: User, action: Action) -> None:
    """Raises StatusError 403."""
    if not user.may(action.verb, action.group, action.resource, action.name):
        raise forbidden(user, action)


def forbidden(user: User, action: Action) -> statuses.StatusError:
    where = f'in the namespace "{action.namespace}"' if action.namespace else "at the cluster scope"
    plural = action.resource.partition("/")[0]
    what = plural + (f".{action.group}" if action.group else "")
    named = f' "{action.name}"' if action.name else ""
    message = (
        f'{what}{named} is forbidden: User "{user.name}" cannot {action.verb} resource "{action.resource}"'
        f' in API group "{action.group}" {where}'
    )
    details = {"name": action.name, "group": action.group, "kind": plural}
    return statuses.StatusError(403, message, details={key: value for key, value in details.items() if value})


def check_path(user: User, path: str, verb: str) -> None:
    """Raises StatusError 403."""
    if not user.may_open(path, verb):
        message = f'forbidden: User "{user.name}" cannot {verb} path "{path}"'
        raise statuses.StatusError(403, message, details={})


def access_review(user: User, body: Any, seen: Seen) -> Body:
    """The answer to a SelfSubjectAccessReview; raises StatusError 400 and 422."""
    spec = _spec(body, "SelfSubjectAccessReview")
    wanted, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if (wanted is None) == (path is None):
        message = "spec: exactly one of nonResourceAttributes or resourceAttributes"
        raise statuses.invalid("SelfSubjectAccessReview", kinds.AUTHORIZATION, f"{message} must be specified")
    if wanted is not None:
        verb, group, name = (str(wanted.get(part, "")) for part in ("verb", "group", "name"))
        resource = "/".join(str(wanted[part]) for part in ("resource", "subresource") if wanted.get(part))
        allowed = seen(user, str(wanted.get("namespace", ""))).may(verb, group, resource, name)
    else:
        asked = path or {}
        allowed = user.may_open(str(asked.get("path", "")), str(asked.get("verb", "")))
    return dict(body) | {"status": {"allowed": allowed}}


def rules_review(user: User, body: Any, seen: Seen) -> Body:
    """The answer to a SelfSubjectRulesReview; raises StatusError 400."""
    namespace = _spec(body, "SelfSubjectRulesReview").get("namespace")
    if not namespace:
        raise statuses.bad_request("no namespace on request")
    user = seen(user, str(namespace))
    rules = [left.body() for rule in user.rules for left in _left(rule, user.denied)]
    paths = [{"verbs": ["get"], "nonResourceURLs": [*PUBLIC_PATHS, "/api", "/api/*", "/apis", "/apis/*"]}]
    status = {"resourceRules": [SELF_REVIEW.body(), *rules], "nonResourceRules": paths, "incomplete": False}
    return dict(body) | {"status": status}


def _left(rule: Rule, denied: Sequence[Rule]) -> list[Rule]:
    """The rule less what is denied: as it stands where nothing is, else one rule for each resource."""
    pairs = [(group, resource) for group in rule.groups for resource in rule.resources]
    left = []
    for group, resource in pairs:
        verbs = tuple(verb for verb in rule.verbs if not any(no.covers(verb, group, resource) for no in denied))
        left.append(Rule(verbs, (group,), (resource,), rule.names))
    if all(one.verbs == rule.verbs for one in left):
        return [rule]
    return [one for one in left if one.verbs]


def _spec(body: Any, kind: str) -> Body:
    if not isinstance(body, dict) or not isinstance(body.get("spec"), dict):
        raise statuses.bad_request(f"the body is not a {kind}")
    spec: Body = body["spec"]
    return spec
