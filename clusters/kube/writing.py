"""Changes to a cluster, one request each, as conversations: several go side by side through `reactor.run`.

    outcomes = reactor.run(connection, {row.pk: apply(...) for row in rows}, deadline=20, allow_loopback=False)
    written = perform(connection, apply(...), deadline=10, allow_loopback=False)      # one alone; raises

Nothing is tried twice. A refusal is one of `writing_errors` and means that nothing was changed;
`errors.OutcomeUnknown` means that nobody knows; any other error of `errors` came before the change was sent.
With `dry_run` the server does all but store, admission and quota included (a quota's use is not counted).
"""

import enum
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from clusters.kube import errors, reactor, writing_errors
from clusters.kube.connection import Connection
from clusters.kube.conversation import Answer, Conversation, Send, send
from clusters.kube.objects.table import Kind
from clusters.kube.rights import ACCESS_REVIEWS

Body = dict[str, Any]
T = TypeVar("T")

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
RULES_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
# A server takes 3 MiB, and etcd half of that.
LARGEST_BODY = 3 * 1024 * 1024
_BINDINGS = ("rolebindings", "clusterrolebindings")


@dataclass(frozen=True, slots=True)
class Target:
    """One object. `group` is "" for the core group, `namespace` "" for kinds that live in none."""

    group: str
    version: str
    resource: str
    name: str
    namespace: str = ""
    subresource: str = ""

    def __post_init__(self) -> None:
        for part in (self.group, self.version, self.resource, self.name, self.namespace, self.subresource):
            if part in (".", "..") or "/" in part:
                raise ValueError(f"{part!r} is no part of an address")
        if not (self.version and self.resource and self.name):
            raise ValueError("a target needs version, resource and name")

    @classmethod
    def of(cls, kind: Kind, name: str, *, namespace: str = "") -> "Target":
        version = kind.path.split("/")[-2]
        return cls(kind.group, version, kind.resource, name, namespace)

    @property
    def collection(self) -> str:
        base = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        inside = f"/namespaces/{_quoted(self.namespace)}" if self.namespace else ""
        return f"{base}{inside}/{_quoted(self.resource)}"

    @property
    def path(self) -> str:
        below = f"/{_quoted(self.subresource)}" if self.subresource else ""
        return f"{self.collection}/{_quoted(self.name)}{below}"


@dataclass(frozen=True, slots=True)
class Precondition:
    """What must hold when the server makes the change; "" asks nothing.

    A server ignores the version of an applied object that does not exist and makes it: where that must not happen,
    give the uid as well.
    """

    uid: str = ""
    resource_version: str = ""

    def fields(self) -> dict[str, str]:
        given = {"uid": self.uid, "resourceVersion": self.resource_version}
        return {name: value for name, value in given.items() if value}


ANY = Precondition()


class Propagation(enum.StrEnum):
    BACKGROUND = "Background"
    FOREGROUND = "Foreground"
    ORPHAN = "Orphan"


@dataclass(frozen=True, slots=True)
class Written:
    """The object as the server holds it now, or would hold it after a dry run."""

    body: Body
    created: bool

    @property
    def uid(self) -> str:
        return str(self.body["metadata"].get("uid", ""))

    @property
    def resource_version(self) -> str:
        return str(self.body["metadata"].get("resourceVersion", ""))


@dataclass(frozen=True, slots=True)
class Deleted:
    """`gone` is false while the object waits: for `finalizers`, a pod's grace, or a namespace's contents."""

    uid: str
    gone: bool
    finalizers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Token:
    token: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Question:
    """`resource` may hold a subresource ("pods/log"). "" means any namespace or any name."""

    verb: str
    resource: str
    group: str = ""
    namespace: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Access:
    """`reason` is the server's, for experts."""

    allowed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of RBAC; `names` empty means all objects. "*" stands for all."""

    verbs: tuple[str, ...]
    groups: tuple[str, ...]
    resources: tuple[str, ...]
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """`incomplete`: an authorizer of the cluster cannot list its rules, so more may be allowed than is told."""

    rules: tuple[Rule, ...]
    incomplete: bool


def perform(connection: Connection, talk: Conversation[T], *, deadline: float, allow_loopback: bool) -> T:
    """One conversation alone; raises its error. `deadline` in seconds."""
    return reactor.run(connection, {0: talk}, deadline=deadline, allow_loopback=allow_loopback)[0].demand()


def apply(
    target: Target,
    body: Mapping[str, Any],
    *,
    manager: str,
    force: bool = False,
    dry_run: bool = False,
    only_if: Precondition = ANY,
) -> Conversation[Written]:
    """Server-side apply: makes or changes the object so that `manager` wants exactly `body` of it.

    Fields that the manager applied before and no longer names are removed. `force` takes fields from others.
    """
    query = {"fieldManager": manager, "force": str(force).lower()}
    return _written("PATCH", target, target.path, _placed(body, target, only_if), query, APPLY, dry_run)


def create(target: Target, body: Mapping[str, Any], *, manager: str, dry_run: bool = False) -> Conversation[Written]:
    query = {"fieldManager": manager}
    return _written("POST", target, target.collection, _placed(body, target, ANY), query, "application/json", dry_run)


def merge_patch(
    target: Target, change: Mapping[str, Any], *, manager: str, dry_run: bool = False, only_if: Precondition = ANY
) -> Conversation[Written]:
    """JSON merge patch (RFC 7396): null removes, lists are replaced whole."""
    metadata = dict(change.get("metadata", {})) | only_if.fields()
    body = {**change, "metadata": metadata} if metadata else dict(change)
    return _written("PATCH", target, target.path, body, {"fieldManager": manager}, MERGE, dry_run)


def delete(
    target: Target,
    *,
    propagation: Propagation = Propagation.BACKGROUND,
    only_if: Precondition = ANY,
    dry_run: bool = False,
) -> Conversation[Deleted]:
    """Raises Missing where it is gone already."""
    options: Body = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation.value}
    if conditions := only_if.fields():
        options["preconditions"] = conditions
    if dry_run:
        options["dryRun"] = ["All"]
    asked = writing_errors.Asked(target.path, target.name, changes=not dry_run)
    request = Send("DELETE", target.path, _encoded(options), changes=not dry_run)
    _, body = yield from _asked(request, asked)
    if body.get("kind") == "Status":
        return Deleted(str(_inside(body, "details").get("uid", "")), gone=True)
    metadata = _inside(body, "metadata")
    finalizers = tuple(map(str, metadata.get("finalizers") or ()))
    return Deleted(str(metadata.get("uid", "")), "deletionTimestamp" not in metadata, finalizers)


def create_token(namespace: str, account: str, *, seconds: int, audiences: Sequence[str] = ()) -> Conversation[Token]:
    """A token of a service account. The server may grant another life than asked for: see `expires_at`."""
    spec: Body = {"expirationSeconds": seconds} | ({"audiences": list(audiences)} if audiences else {})
    target = Target("", "v1", "serviceaccounts", account, namespace, "token")
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
    asked = writing_errors.Asked(target.path, account)
    _, body = yield from _asked(Send("POST", target.path, _encoded(review)), asked, "status")
    status = _inside(body, "status")
    try:
        return Token(str(status["token"]), datetime.fromisoformat(str(status["expirationTimestamp"])))
    except (KeyError, ValueError):
        raise errors.Undecodable("it holds no token") from None


def read(target: Target) -> Conversation[Body | None]:
    """The object now, None when it does not exist; for instance after OutcomeUnknown."""
    asked = writing_errors.Asked(target.path, target.name, changes=False)
    try:
        _, body = yield from _asked(Send("GET", target.path, changes=False), asked)
    except writing_errors.Missing as missing:
        if missing.what == "kind":
            raise
        return None
    return body


def find(target: Target) -> Conversation[Body | None]:
    """The object now, None when it does not exist: like `read`, with the right to list alone."""
    asked = writing_errors.Asked(target.path, target.name, changes=False)
    query = urlencode({"fieldSelector": f"metadata.name={target.name}"})
    _, body = yield from _asked(Send("GET", f"{target.collection}?{query}", changes=False), asked)
    items = body.get("items") or ()
    named = [one for one in items if isinstance(one, dict) and _inside(one, "metadata").get("name") == target.name]
    return named[0] if named else None


def access_review(question: Question) -> Conversation[Access]:
    """May the credential do this?"""
    resource, _, subresource = question.resource.partition("/")
    given = {
        "verb": question.verb,
        "group": question.group,
        "resource": resource,
        "subresource": subresource,
        "namespace": question.namespace,
        "name": question.name,
    }
    attributes = {name: value for name, value in given.items() if value}
    status = yield from _reviewed(ACCESS_REVIEWS, "SelfSubjectAccessReview", {"resourceAttributes": attributes})
    return Access(status.get("allowed") is True, str(status.get("reason", ""))[: writing_errors.LONGEST])


def rules_review(namespace: str) -> Conversation[Rules]:
    """All the credential may do in a namespace, what it may do everywhere included."""
    status = yield from _reviewed(RULES_REVIEWS, "SelfSubjectRulesReview", {"namespace": namespace})
    try:
        rules = msgspec.convert(status.get("resourceRules") or [], list[_Rule])
    except msgspec.ValidationError:
        raise errors.Undecodable("it holds no rules") from None
    found = (
        Rule(tuple(rule.verbs), tuple(rule.api_groups), tuple(rule.resources), tuple(rule.resource_names))
        for rule in rules
    )
    return Rules(tuple(found), bool(status.get("incomplete")))


class _Rule(msgspec.Struct, rename="camel"):
    verbs: list[str] = []
    api_groups: list[str] = []
    resources: list[str] = []
    resource_names: list[str] = []


def _written(
    method: str,
    target: Target,
    path: str,
    body: Mapping[str, Any],
    query: Mapping[str, str],
    content_type: str,
    dry_run: bool,
) -> Conversation[Written]:
    full = {**query, "fieldValidation": "Strict"} | ({"dryRun": "All"} if dry_run else {})
    request = Send(method, f"{path}?{urlencode(full)}", _encoded(body), content_type, changes=not dry_run)
    binding = target.resource in _BINDINGS
    asked = writing_errors.Asked(path, target.name, binding=binding, changes=not dry_run)
    answer, found = yield from _asked(request, asked)
    return Written(found, created=answer.status == 201)


def _reviewed(path: str, kind: str, spec: Body) -> Conversation[Body]:
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec}
    asked = writing_errors.Asked(path, "", changes=False)
    _, found = yield from _asked(Send("POST", path, _encoded(body), changes=False), asked, "status")
    return _inside(found, "status")


def _asked(request: Send, asked: writing_errors.Asked, part: str = "metadata") -> Conversation[tuple[Answer, Body]]:
    """The answer and its object, which has `part`."""
    answer = yield from send(request)
    if answer.status >= 400:
        raise writing_errors.refusal(answer, asked)
    try:
        found: Body = msgspec.json.decode(answer.body, type=Body)
        _inside(found, part)
    except (msgspec.MsgspecError, RecursionError, errors.Undecodable):
        odd = errors.Undecodable("it is not the object asked for")
        raise errors.OutcomeUnknown(odd) if request.changes else odd from None
    return answer, found


def _inside(body: Body, name: str) -> Body:
    found = body.get(name)
    if not isinstance(found, dict):
        raise errors.Undecodable(f"it has no {name}")
    return found


def _placed(body: Mapping[str, Any], target: Target, only_if: Precondition) -> Body:
    """The body under the target's name, and with the precondition where a patch looks for it."""
    metadata = dict(body.get("metadata", {})) | {"name": target.name} | only_if.fields()
    if target.namespace:
        metadata["namespace"] = target.namespace
    return {**body, "metadata": metadata}


def _encoded(body: Mapping[str, Any]) -> bytes:
    found = json.dumps(body, separators=(",", ":")).encode()
    if len(found) > LARGEST_BODY:
        raise ValueError(f"the object is larger than {LARGEST_BODY} bytes")
    return found


def _quoted(part: str) -> str:
    return quote(part, safe=":")
