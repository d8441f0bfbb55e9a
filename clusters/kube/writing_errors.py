"""What a cluster says to a change that it refuses, read from the `Status` it answers with.

A refused change did not happen. What may have happened is `errors.OutcomeUnknown`, and nothing else is.
Words of the server stand in attributes of their own (`message`, `causes`), cut to a bounded length, so that a page
can show them as somebody else's words; `text` holds names and numbers only.
"""

import re
from dataclasses import dataclass

import msgspec

from clusters.kube import errors
from clusters.kube.conversation import Answer

LONGEST = 500
MOST = 100


@dataclass(frozen=True, slots=True)
class FieldConflict:
    """`field` as the server writes it (`.spec.hard`); `manager` is who else applied or changed it."""

    manager: str
    field: str


@dataclass(frozen=True, slots=True)
class FieldCause:
    """`reason` is a word of the API (FieldValueInvalid, FieldValueRequired, …)."""

    field: str
    reason: str
    message: str


class Conflict(errors.KubeError):
    """Other managers own fields that were applied with another value, and force was not asked for."""

    code = "conflict"
    remedy = "Look at who manages these fields; take them over by force only where Paddock is to decide."

    def __init__(self, fields: tuple[FieldConflict, ...]) -> None:
        owners = ", ".join(sorted({each.manager for each in fields}))
        super().__init__(f"{len(fields)} field(s) belong to another manager: {owners}.")
        self.fields = fields


class Stale(errors.KubeError):
    """`which` is "version" (changed since it was read) or "uid" (deleted since, perhaps made again)."""

    code = "stale"
    remedy = "Nothing to do: the next pass reads the object again."

    def __init__(self, which: str) -> None:
        texts = {"version": "The object has been changed since it was read.", "uid": "The object is another one."}
        super().__init__(texts[which] + " (409)")
        self.which = which


class AlreadyExists(errors.KubeError):
    """`deleting`: the one that exists is on its way out."""

    code = "already_exists"
    remedy = "Look at the object that has the name."

    def __init__(self, *, deleting: bool) -> None:
        super().__init__("The name is still taken by an object being deleted." if deleting else "The name is taken.")
        self.deleting = deleting


class NotAllowed(errors.Forbidden):
    """Which right is missing. `namespace` is "" at the cluster scope; `verb` and `resource` are "" where unnamed.

    `escalates`: the rights are missing that the object would give to others.
    """

    def __init__(
        self, path: str, *, verb: str = "", resource: str = "", group: str = "", namespace: str = "", escalates: bool
    ) -> None:
        super().__init__(path)
        self.verb, self.resource, self.group, self.namespace = verb, resource, group, namespace
        self.escalates = escalates
        if escalates:
            self.text = "The credential may not give rights that it does not hold itself (403)."
        elif verb:
            where = f"in the namespace {namespace}" if namespace else "in the whole cluster"
            what = f"{resource}.{group}" if group else resource
            self.text = f"The credential may not {verb} {what} {where} (403)."


class Missing(errors.NotFound):
    """`what`: "object", "namespace", "role" (that a binding names) or "kind" (that the server does not serve)."""

    def __init__(self, path: str, *, what: str, name: str) -> None:
        super().__init__(path)
        self.what, self.name = what, name
        if what != "kind":
            self.text = f"The {what} {name} does not exist (404)."
            self.remedy = "Nothing to do: the next pass looks again."


class Invalid(errors.KubeError):
    code = "invalid"
    remedy = "Correct the fields named."

    def __init__(self, causes: tuple[FieldCause, ...]) -> None:
        fields = ", ".join(dict.fromkeys(cause.field for cause in causes if cause.field))
        super().__init__(f"The server found the object invalid{': ' if fields else ''}{fields} (422).")
        self.causes = causes


class QuotaExceeded(errors.KubeError):
    """The three hold quantities by resource, as the server wrote them; `requested` only what is too much."""

    code = "quota_exceeded"
    remedy = "Ask for less, free some of what is used, or have the quota raised."

    def __init__(self, quota: str, requested: dict[str, str], used: dict[str, str], limited: dict[str, str]) -> None:
        parts = [f"{key} {requested[key]} asked, {used.get(key)} of {limited.get(key)} used" for key in requested]
        super().__init__(f"The quota {quota} does not allow it: {'; '.join(parts)}.")
        self.quota, self.requested, self.used, self.limited = quota, requested, used, limited


class QuotaUnmet(errors.KubeError):
    """A quota that counts resources which the containers do not name; `missing` is resource -> containers."""

    code = "quota_unmet"
    remedy = "Give the containers requests and limits, or the namespace defaults by a LimitRange."

    def __init__(self, quota: str, missing: dict[str, tuple[str, ...]]) -> None:
        super().__init__(f"The quota {quota} demands values for {', '.join(missing)}.")
        self.quota, self.missing = quota, missing


class QuotaNotReady(errors.KubeError):
    """The cluster has not counted the use of a new quota yet."""

    code = "quota_not_ready"
    remedy = "Nothing to do: the next pass tries again."

    def __init__(self, quota: str) -> None:
        super().__init__(f"The cluster has not yet counted what the quota {quota} limits.")
        self.quota = quota


class Terminating(errors.KubeError):
    code = "namespace_terminating"
    remedy = "Wait until the namespace is gone, or look for the finalizers that hold it."

    def __init__(self, namespace: str) -> None:
        super().__init__(f"The namespace {namespace} is being deleted and takes nothing new.")
        self.namespace = namespace


class Denied(errors.KubeError):
    """Admission said no. `by` names the webhook or policy, "PodSecurity", "LimitRange", or is ""."""

    code = "denied"
    remedy = "Read what the policy of the cluster says, and change the object or the policy."

    def __init__(self, by: str, message: str) -> None:
        super().__init__(f"The cluster's admission refused it{': ' if by else ''}{by}.")
        self.by, self.message = by, message[:LONGEST]


class Malformed(errors.KubeError):
    """The server did not take the request for one (400, 405, 413, 415 …)."""

    code = "malformed"
    remedy = "Compare the object with what this version of Kubernetes knows."

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"The server could not use the request ({status}).")
        self.status, self.message = status, message[:LONGEST]


class Cause(msgspec.Struct, gc=False):
    reason: str = ""
    message: str = ""
    field: str = ""


class Details(msgspec.Struct, gc=False):
    name: str = ""
    kind: str = ""
    causes: list[Cause] | None = None


class Status(msgspec.Struct, gc=False):
    message: str = ""
    reason: str = ""
    details: Details | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a refusal answers: the path and the name it was about, and whether it was about a binding."""

    path: str
    name: str
    binding: bool = False
    changes: bool = True


_STATUS = msgspec.json.Decoder(Status)


def refusal(answer: Answer, asked: Asked) -> errors.KubeError:
    """The error that a status of 400 or more stands for."""
    try:
        said = _STATUS.decode(answer.body)
    except (msgspec.MsgspecError, RecursionError):
        said = Status()
    code = answer.status
    if code >= 500:
        return _server_error(code, said, asked)
    if (denied := _denied(said.message)) is not None:
        return denied
    readers = {403: _forbidden, 404: _missing, 409: _conflict, 422: _invalid}
    reader = readers.get(code)
    return reader(said, asked) if reader else Malformed(code, said.message)


def _server_error(code: int, said: Status, asked: Asked) -> errors.KubeError:
    # A server that cannot apply a field it does not know answers 500; nothing was written.
    if match := _UNTYPED.match(said.message):
        return Invalid((FieldCause(match[1], "FieldUnknown", "field not declared in schema"),))
    if match := _WEBHOOK_DOWN.match(said.message):
        return Denied(match[1], "the webhook did not answer")
    error = errors.ServerError(code)
    return errors.OutcomeUnknown(error) if asked.changes else error


_UNTYPED = re.compile(r"failed to create typed patch object \(.*?\): (\S+): field not declared in schema")
_WEBHOOK_DOWN = re.compile(r'Internal error occurred: failed calling webhook "([^"]+)"')
_WEBHOOK = re.compile(r'admission webhook "([^"]+)" denied the request:? ?(.*)', re.DOTALL)
_POLICY = re.compile(r".*?ValidatingAdmissionPolicy '([^']+)' with binding '[^']*' denied request: (.*)", re.DOTALL)
_POD_SECURITY = re.compile(r'\S+ "[^"]*" is forbidden: (violates PodSecurity .*)', re.DOTALL)
_LIMIT_RANGE = re.compile(
    r'\S+ "[^"]*" is forbidden: (\[?(?:maximum|minimum) .* per (?:Container|Pod|Pers).*)', re.DOTALL
)


def _denied(message: str) -> Denied | None:
    for pattern in (_WEBHOOK, _POLICY):
        if match := pattern.match(message):
            return Denied(match[1][:LONGEST], match[2])
    for pattern, by in ((_POD_SECURITY, "PodSecurity"), (_LIMIT_RANGE, "LimitRange")):
        if match := pattern.match(message):
            return Denied(by, match[1])
    return None


_EXCEEDED = re.compile(r'\S+ "[^"]*" is forbidden: exceeded quota: (\S+), requested: (.*), used: (.*), limited: (.*)')
_UNMET = re.compile(r'\S+ "[^"]*" is forbidden: failed quota: (\S+): must specify (.*)')
_UNCOUNTED = re.compile(r'\S+ "[^"]*" is forbidden: status unknown for quota: (\S+), resources: .*')
_RIGHT = re.compile(
    r'.*User "(?:[^"\\]|\\.)*" cannot (\S+) resource "([^"]+)" in API group "([^"]*)"'
    r' (?:in the namespace "([^"]+)"|at the cluster scope)',
    re.DOTALL,
)
_ESCALATES = " is attempting to grant RBAC permissions not currently held"


def said(message: str) -> errors.KubeError | None:
    """What admission means by these words, wherever they are found (an Event carries them too); None for others."""
    if (denied := _denied(message)) is not None:
        return denied
    return _quota(message)


def _quota(message: str) -> errors.KubeError | None:
    if match := _EXCEEDED.fullmatch(message):
        return QuotaExceeded(match[1], *(_amounts(match[number]) for number in (2, 3, 4)))
    if match := _UNMET.fullmatch(message):
        return QuotaUnmet(match[1], _unmet(match[2]))
    if match := _UNCOUNTED.fullmatch(message):
        return QuotaNotReady(match[1].rstrip(","))
    return None


def _forbidden(said: Status, asked: Asked) -> errors.KubeError:
    message = said.message
    if any(cause.reason == "NamespaceTerminating" for cause in _causes(said)):
        return Terminating(asked.path.partition("/namespaces/")[2].partition("/")[0])
    if (quota := _quota(message)) is not None:
        return quota
    if _ESCALATES in message:
        return NotAllowed(asked.path, escalates=True)
    if match := _RIGHT.match(message):
        verb, resource, group, namespace = match.groups(default="")
        return NotAllowed(asked.path, verb=verb, resource=resource, group=group, namespace=namespace, escalates=False)
    return Denied("", message)


def _amounts(text: str) -> dict[str, str]:
    """`requests.cpu=2,pods=1`."""
    pairs = [part.partition("=") for part in text.split(",")[:MOST]]
    return {key: amount for key, _, amount in pairs}


def _unmet(text: str) -> dict[str, tuple[str, ...]]:
    """`limits.memory for: app,side; requests.cpu for: app`."""
    parts = [part.partition(" for: ") for part in text.split("; ")[:MOST]]
    return {key: tuple(names.split(",")) for key, _, names in parts}


def _missing(said: Status, asked: Asked) -> errors.KubeError:
    details = said.details or Details()
    if not details.name:
        return Missing(asked.path, what="kind", name="")
    if details.kind == "namespaces" and details.name != asked.name:
        return Missing(asked.path, what="namespace", name=details.name)
    what = "role" if asked.binding and details.name != asked.name else "object"
    return Missing(asked.path, what=what, name=details.name)


_OTHER_LIFE: tuple[str, ...] = ("uid mismatch", "the UID in the precondition")


def _conflict(said: Status, asked: Asked) -> errors.KubeError:
    if said.reason == "AlreadyExists":
        return AlreadyExists(deleting=said.message.startswith("object is being deleted"))
    fields = [each for each in _causes(said) if each.reason == "FieldManagerConflict"]
    if fields:
        return Conflict(tuple(FieldConflict(_manager(each.message), each.field[:LONGEST]) for each in fields))
    return Stale("uid" if any(mark in said.message for mark in _OTHER_LIFE) else "version")


_MANAGER: re.Pattern[str] = re.compile(r'conflict with "((?:[^"\\]|\\.)*)"')


def _manager(message: str) -> str:
    match = _MANAGER.match(message)
    return match[1][:LONGEST] if match else ""


def _invalid(said: Status, asked: Asked) -> errors.KubeError:
    causes = dict.fromkeys(
        FieldCause(each.field[:LONGEST], each.reason[:LONGEST], each.message[:LONGEST]) for each in _causes(said)
    )
    # The uid of an applied or patched object is a precondition in all but its status.
    if any(each.field == "metadata.uid" and "field is immutable" in each.message for each in causes):
        return Stale("uid")
    return Invalid(tuple(causes))


def _causes(said: Status) -> list[Cause]:
    return (said.details.causes or [])[:MOST] if said.details else []
