"""Looks at a candidate cluster: one check after the other, each with what to do about it.

Where an earlier check fails, the later ones are not made and say so by name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from clusters.kube import distribution, errors, reactor, rights
from clusters.kube.connection import Connection
from clusters.kube.conversation import Conversation, get, page_of, post
from clusters.kube.objects import node
from clusters.kube.objects.metadata import Item, Odd
from clusters.kube.objects.node import NodeTraits
from clusters.kube.objects.table import NODE
from clusters.kube.rights import READ, Right

T = TypeVar("T")

OK, WARN, FAILED, SKIPPED = "ok", "warn", "failed", "skipped"

# How many nodes are looked at for the distribution.
NODES_LOOKED_AT = 50
IDENTITY_PATH = "/api/v1/namespaces/kube-system"
METRICS_GROUP, GATEKEEPER_GROUP = "metrics.k8s.io", "constraints.gatekeeper.sh"

NAME, REACH, TLS, AUTHENTICATION = "name", "reach", "tls", "authentication"
VERSION, IDENTITY, METRICS, GATEKEEPER = "version", "identity", "metrics", "gatekeeper"
TITLES = {
    NAME: "The name resolves",
    REACH: "The server can be reached",
    TLS: "The certificate is right",
    AUTHENTICATION: "The credential is accepted",
    VERSION: "Version and distribution",
    IDENTITY: "Identity of the cluster",
    METRICS: "Metrics API",
    GATEKEEPER: "Gatekeeper",
}


@dataclass(frozen=True, slots=True)
class Check:
    """`key` is one of TITLES or "right.<resource>.<group>"; `state` is ok, warn, failed or skipped."""

    key: str
    title: str
    state: str
    text: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """The facts are "" where a check failed before they were known."""

    checks: list[Check] = field(default_factory=list)
    kube_system_uid: str = ""
    version: str = ""
    distribution: str = ""
    rancher_managed: bool = False

    @property
    def passed(self) -> bool:
        """Nothing failed and nothing had to be skipped; warnings do not stand in the way."""
        return all(check.state in (OK, WARN) for check in self.checks)


class _Version(msgspec.Struct, gc=False):
    git_version: str = msgspec.field(default="", name="gitVersion")


class _Group(msgspec.Struct, gc=False):
    name: str = ""


class _Groups(msgspec.Struct, gc=False):
    groups: list[_Group] | None = None


class _ReviewStatus(msgspec.Struct, gc=False):
    allowed: bool = False


class _Review(msgspec.Struct, gc=False):
    status: _ReviewStatus


_VERSION = msgspec.json.Decoder(_Version)
_GROUPS = msgspec.json.Decoder(_Groups)
_ITEM = msgspec.json.Decoder(Item)
_REVIEW = msgspec.json.Decoder(_Review)


def probe(connection: Connection, *, allow_loopback: bool, deadline: float = 30.0) -> Probe:
    """`deadline` in seconds for all checks together. Never raises for what a server does."""
    first: dict[str, Conversation[object]] = {AUTHENTICATION: _authentication()}
    try:
        reactor.resolve(connection.host, connection.port, allow_loopback=allow_loopback)
    except errors.KubeError as error:
        return Probe(_stopped(NAME, error))
    outcome = reactor.run(connection, first, deadline=min(deadline, 15.0), allow_loopback=allow_loopback)[
        AUTHENTICATION
    ]
    if outcome.error is not None:
        return Probe(_stopped(_stage_of(outcome.error), _known(outcome.error)))
    talks: dict[str, Conversation[object]] = {
        VERSION: _version(),
        "groups": _groups(),
        "nodes": _nodes(),
        IDENTITY: _identity(),
        **{f"right.{right.name}": _missing_verbs(right) for right in READ},
    }
    outcomes = reactor.run(connection, talks, deadline=deadline, allow_loopback=allow_loopback)
    return _probe(outcomes)


# What is asked


def _authentication() -> Conversation[object]:
    """Servers tell their version to anybody, but answer reviews only to those they know."""
    answer = yield from post(rights.ACCESS_REVIEWS, rights.access_review(READ[0], "list"))
    return _decode(_REVIEW, answer.body, "an access review")


def _version() -> Conversation[object]:
    answer = yield from get("/version")
    found = _decode(_VERSION, answer.body, "a version")
    if not found.git_version:
        raise errors.Undecodable("it is not a version")
    return found.git_version


def _groups() -> Conversation[object]:
    answer = yield from get("/apis")
    return frozenset(group.name for group in _decode(_GROUPS, answer.body, "a list of groups").groups or ())


def _nodes() -> Conversation[object]:
    page = yield from page_of(NODE, limit=NODES_LOOKED_AT)
    found = []
    for item in page.items:
        try:
            found.append(node.traits(item))
        except Odd:
            continue
    return found


def _identity() -> Conversation[object]:
    answer = yield from get(IDENTITY_PATH)
    uid = _decode(_ITEM, answer.body, "a namespace").metadata.uid
    if not uid:
        raise errors.Undecodable("it is not a namespace")
    return uid


def _missing_verbs(right: Right) -> Conversation[object]:
    missing = []
    for verb in right.verbs:
        answer = yield from post(rights.ACCESS_REVIEWS, rights.access_review(right, verb))
        if not _decode(_REVIEW, answer.body, "an access review").status.allowed:
            missing.append(verb)
    return missing


def _decode(decoder: msgspec.json.Decoder[T], body: bytes, what: str) -> T:
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, RecursionError):
        raise errors.Undecodable(f"it is not {what}") from None


# What is said

_ORDER = (NAME, REACH, TLS, AUTHENTICATION, VERSION, IDENTITY)
_PASSED_TEXT = {
    NAME: "The name resolves to allowed addresses.",
    REACH: "The server takes connections.",
    TLS: "The certificate was signed by the given authority and is for this name.",
    AUTHENTICATION: "The server knows whose credential it is.",
}


def _stage_of(error: Exception) -> str:
    if isinstance(error, errors.NameNotResolved | errors.AddressRefused):
        return NAME
    if isinstance(error, errors.Unreachable):
        return REACH
    if isinstance(error, errors.TlsFailed):
        return AUTHENTICATION if error.reason == "client_certificate" else TLS
    return AUTHENTICATION


def _stopped(stage: str, error: errors.KubeError) -> list[Check]:
    """Those before `stage` passed, those behind it are skipped."""
    passed = _ORDER[: _ORDER.index(stage)]
    checks = [Check(key, TITLES[key], OK, _PASSED_TEXT[key]) for key in passed]
    checks.append(Check(stage, TITLES[stage], FAILED, error.text, error.remedy))
    later = [key for key in TITLES if key not in passed and key != stage]
    skipped = f"Not looked at, because this failed: {TITLES[stage]}."
    checks += [Check(key, TITLES[key], SKIPPED, skipped) for key in later]
    checks += [Check(f"right.{right.name}", _right_title(right), SKIPPED, skipped) for right in READ]
    return checks


def _probe(outcomes: Mapping[str, reactor.Outcome[object]]) -> Probe:
    version = _value(outcomes, VERSION, "")
    groups: frozenset[str] = _value(outcomes, "groups", frozenset())
    nodes: list[NodeTraits] = _value(outcomes, "nodes", [])
    uid = _value(outcomes, IDENTITY, "")
    found = distribution.detect(version, nodes, groups) if version else None
    checks = [Check(key, TITLES[key], OK, text) for key, text in _PASSED_TEXT.items()]
    checks.append(_simple(outcomes, VERSION, lambda: _version_text(version, found)))
    checks.append(_simple(outcomes, IDENTITY, lambda: f"The namespace kube-system has the uid {uid}."))
    checks += [_right(outcomes, right) for right in READ]
    checks += _addons(outcomes, groups)
    return Probe(checks, uid, version, found.name if found else "", found.rancher_managed if found else False)


def _simple(outcomes: Mapping[str, reactor.Outcome[object]], key: str, text: Callable[[], str]) -> Check:
    error = outcomes[key].error
    if error is None:
        return Check(key, TITLES[key], OK, text())
    known = _known(error)
    return Check(key, TITLES[key], FAILED, known.text, known.remedy)


def _version_text(version: str, found: distribution.Distribution | None) -> str:
    if found is None:
        return version
    rancher = ", managed by Rancher" if found.rancher_managed else ""
    return f"{version}, {distribution.LABELS[found.name]}{rancher}."


def _right_title(right: Right) -> str:
    return f"Right to read {right.name}"


def _right(outcomes: Mapping[str, reactor.Outcome[object]], right: Right) -> Check:
    key, title = f"right.{right.name}", _right_title(right)
    outcome = outcomes[key]
    bad = WARN if right.optional else FAILED
    if outcome.error is not None:
        known = _known(outcome.error)
        return Check(key, title, bad, known.text, known.remedy)
    if outcome.value:
        missing: list[str] = _value(outcomes, key, [])
        return Check(key, title, bad, f"Missing: {', '.join(missing)}.", errors.Forbidden.remedy)
    return Check(key, title, OK, f"Granted: {', '.join(right.verbs)}.")


def _addons(outcomes: Mapping[str, reactor.Outcome[object]], groups: frozenset[str]) -> list[Check]:
    error = outcomes["groups"].error
    if error is not None:
        known = _known(error)
        return [Check(key, TITLES[key], WARN, known.text, known.remedy) for key in (METRICS, GATEKEEPER)]
    return [
        Check(METRICS, TITLES[METRICS], OK, "The cluster reports what its pods use.")
        if METRICS_GROUP in groups
        else Check(
            METRICS,
            TITLES[METRICS],
            WARN,
            "The cluster does not report what its pods use; cost counts what they request.",
            "Install metrics-server.",
        ),
        Check(GATEKEEPER, TITLES[GATEKEEPER], OK, "Gatekeeper is installed.")
        if GATEKEEPER_GROUP in groups
        else Check(
            GATEKEEPER,
            TITLES[GATEKEEPER],
            WARN,
            "Gatekeeper is not installed; policies cannot be applied here.",
            "Install Gatekeeper if policies shall hold in this cluster.",
        ),
    ]


def _known(error: Exception) -> errors.KubeError:
    """A fault of this code is not put down as the cluster's: it is raised."""
    if not isinstance(error, errors.KubeError):
        raise error
    return error


def _value(outcomes: Mapping[str, reactor.Outcome[object]], key: str, missing: Any) -> Any:
    value = outcomes[key].value
    return missing if value is None else value
