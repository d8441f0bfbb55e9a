"""Changes whose answer does not come whole: what is known and what is not."""

import dataclasses
import json
import time

import pytest

from clusters.kube import errors, intake, reactor, writing, writing_errors
from clusters.kube.connection import Connection
from clusters.kube.conversation import Conversation
from clusters.kube.writing import Target, Written
from tests.clusters.kube.certificates import Pair
from tests.clusters.kube.conftest import Serve
from tests.clusters.kube.scripted import Line, Request, Script, answer
from tests.clusters.kube.talks import say

MAP = Target("", "v1", "configmaps", "a", "shop")
WHOLE = answer(b'{"kind":"ConfigMap","metadata":{"uid":"u","resourceVersion":"7"}}')


def changed() -> Conversation[Written]:
    return writing.apply(MAP, {"apiVersion": "v1", "kind": "ConfigMap"}, manager="us")


def failing(connection: Connection, talk: Conversation[object], *, deadline: float = 5.0) -> errors.KubeError:
    with pytest.raises(errors.KubeError) as raised:
        writing.perform(connection, talk, deadline=deadline, allow_loopback=True)
    return raised.value


def cut_after(data: bytes) -> Script:
    def script(_request: Request, line: Line) -> None:
        if data:
            line.say(data)
        line.cut()

    return script


def silent(_request: Request, _line: Line) -> None:
    time.sleep(3)


LOST: dict[str, tuple[Script, type[errors.KubeError]]] = {
    "nothing": (cut_after(b""), errors.CutShort),
    "half a head": (cut_after(WHOLE[:20]), errors.CutShort),
    "half a body": (cut_after(WHOLE[:-5]), errors.CutShort),
    "half a refusal": (cut_after(answer(b'{"kind":"Status"}', status="409 Conflict")[:-3]), errors.CutShort),
    "silence": (silent, errors.DeadlinePassed),
    "no HTTP": (say(b"hello\r\n\r\n"), errors.Undecodable),
    "no JSON": (say(answer(b"<h1>done</h1>", kind="text/html")), errors.Undecodable),
    "no object": (say(answer(b"[1]")), errors.Undecodable),
    "no metadata": (say(answer(b"{}")), errors.Undecodable),
    "too large": (say(answer(b'"' + b"x" * intake.SENT_BYTES + b'"')), errors.TooLarge),
    "a gateway's 502": (
        say(answer(b"<h1>Bad Gateway</h1>", status="502 Bad Gateway", kind="text/html")),
        errors.ServerError,
    ),
    "a time-out of its own": (
        say(answer(b'{"kind":"Status","reason":"Timeout","code":504}', status="504 Gateway Timeout")),
        errors.ServerError,
    ),
}


@pytest.mark.parametrize(("script", "cause"), LOST.values(), ids=LOST)
def test_a_lost_answer_is_neither_done_nor_failed(
    serve: Serve, authority: Pair, script: Script, cause: type[errors.KubeError]
) -> None:
    server = serve(script)
    error = failing(server.connection(authority), changed(), deadline=1.0)
    assert isinstance(error, errors.OutcomeUnknown)
    assert type(error.cause) is cause
    assert len(server.requests) == 1


REFUSED: dict[str, tuple[str, str, type[errors.KubeError]]] = {
    "401": ("401 Unauthorized", "application/json", errors.Unauthorized),
    "429": ("429 Too Many Requests", "application/json", errors.TooManyRequests),
    "a redirect": ("302 Found", "text/html", errors.Rejected),
    "a page instead of a refusal": ("403 Forbidden", "text/html", errors.Forbidden),
    "a refusal without words": ("403 Forbidden", "application/json", writing_errors.Denied),
    "405": ("405 Method Not Allowed", "application/json", writing_errors.Malformed),
    "413": ("413 Content Too Large", "application/json", writing_errors.Malformed),
}


@pytest.mark.parametrize(("status", "kind", "expected"), REFUSED.values(), ids=REFUSED)
def test_a_refusal_is_known_whatever_its_form(
    serve: Serve, authority: Pair, status: str, kind: str, expected: type[errors.KubeError]
) -> None:
    server = serve(say(answer(b"no", status=status, kind=kind)))
    assert type(failing(server.connection(authority), changed())) is expected


def test_what_asks_only_is_never_unknown(serve: Serve, authority: Pair) -> None:
    connection = serve(cut_after(WHOLE[:-5])).connection(authority)
    dry = writing.apply(MAP, {}, manager="us", dry_run=True)
    review = writing.access_review(writing.Question("get", "pods"))
    for talk in (dry, review, writing.read(MAP), writing.rules_review("shop"), writing.delete(MAP, dry_run=True)):
        assert type(failing(connection, talk)) is errors.CutShort


def test_what_never_left_is_not_unknown(serve: Serve, authority: Pair) -> None:
    connection = serve(say(WHOLE)).connection(authority)
    nobody = dataclasses.replace(connection, server="https://127.0.0.1:1")
    assert type(failing(nobody, changed())) is errors.Unreachable
    distrusted = dataclasses.replace(connection, ca_data=b"")
    assert isinstance(failing(distrusted, changed()), errors.TlsFailed)


def test_a_kept_connection_that_closes_is_not_written_to_again(serve: Serve, authority: Pair) -> None:
    """A read is asked again on a new connection; a change never is, for it may have been heard."""

    def script(request: Request, line: Line) -> None:
        if request.method == "GET":
            line.say(WHOLE)
        else:
            line.cut()

    def talk() -> Conversation[None]:
        yield from writing.read(MAP)
        yield from changed()

    server = serve(script)
    assert isinstance(failing(server.connection(authority), talk()), errors.OutcomeUnknown)
    assert [request.method for request in server.requests] == ["GET", "PATCH"]


def test_one_lost_answer_disturbs_no_other(serve: Serve, authority: Pair) -> None:
    def script(request: Request, line: Line) -> None:
        if "/lost" in request.path:
            line.cut()
        line.say(WHOLE)

    talks = {
        name: writing.apply(Target("", "v1", "configmaps", name, "shop"), {}, manager="us")
        for name in ("first", "lost", "third")
    }
    outcomes = reactor.run(serve(script).connection(authority), talks, deadline=5, allow_loopback=True)
    assert {name: type(outcome.error) for name, outcome in outcomes.items()} == {
        "first": type(None),
        "lost": errors.OutcomeUnknown,
        "third": type(None),
    }


def test_what_is_sent(serve: Serve, authority: Pair) -> None:
    server = serve(say(WHOLE))
    connection = server.connection(authority)
    target = Target("rbac.authorization.k8s.io", "v1", "rolebindings", "paddock:a b", "shop")
    only_if = writing.Precondition("u", "6")
    talk = writing.apply(target, {"kind": "RoleBinding"}, manager="us & co", force=True, only_if=only_if)
    written = writing.perform(connection, talk, deadline=5, allow_loopback=True)
    assert (written.uid, written.resource_version, written.created) == ("u", "7", False)
    (request,) = server.requests
    path = "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings/paddock:a%20b"
    assert request.target == f"{path}?fieldManager=us+%26+co&force=true&fieldValidation=Strict"
    assert (request.method, request.headers["content-type"]) == ("PATCH", writing.APPLY)
    assert json.loads(request.body)["metadata"] == {
        "name": "paddock:a b",
        "namespace": "shop",
        "uid": "u",
        "resourceVersion": "6",
    }


def test_words_of_the_server_are_bounded(serve: Serve, authority: Pair) -> None:
    causes = [{"reason": "FieldValueInvalid", "field": "f" * 2000, "message": f"{n}" * 2000} for n in range(300)]
    body = json.dumps({"kind": "Status", "code": 422, "details": {"causes": causes}}).encode()
    error = failing(serve(say(answer(body, status="422 Unprocessable Entity"))).connection(authority), changed())
    assert isinstance(error, writing_errors.Invalid)
    assert len(error.causes) <= writing_errors.MOST
    assert all(len(cause.field) + len(cause.message) <= 2 * writing_errors.LONGEST for cause in error.causes)
    denied = json.dumps({"message": 'admission webhook "w.test" denied the request: ' + "no" * 9000}).encode()
    error = failing(serve(say(answer(denied, status="403 Forbidden"))).connection(authority), changed())
    assert isinstance(error, writing_errors.Denied)
    assert (error.by, len(error.message)) == ("w.test", writing_errors.LONGEST)
    assert "nono" not in error.text


@pytest.mark.parametrize("name", ["..", "a/b", ""])
def test_a_name_cannot_leave_its_place(name: str) -> None:
    with pytest.raises(ValueError, match="part|needs"):
        Target("", "v1", "configmaps", name, "shop")


def test_an_object_of_any_size_is_refused_before_it_is_sent() -> None:
    with pytest.raises(ValueError, match="larger"):
        next(writing.apply(MAP, {"data": {"x": "x" * writing.LARGEST_BODY}}, manager="us"))
