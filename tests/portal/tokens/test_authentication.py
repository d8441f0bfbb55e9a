"""How a token is shown, and what is said to a wrong one."""

import io
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.core import signals
from django.core.handlers.wsgi import WSGIHandler
from django.db import close_old_connections
from django.test import Client

from portal.accounts import limits
from portal.accounts.models import User
from portal.audit.models import Event
from portal.core import clock
from portal.core.actors import COMMAND
from portal.tokens import written
from portal.tokens.models import Token
from portal.tokens.services import tokens
from tests.people import client_of
from tests.portal.tokens.conftest import DAY, Estate, ask, give, make, seen

pytestmark = pytest.mark.django_db
PROJECTS = "/api/v1/projects/"


@pytest.fixture
def own(bob: User, estate: Estate) -> tuple[Token, str]:
    """A token of bob on Checkout."""
    give(bob, "project_viewer", estate.shop)
    return make(bob, estate.shop)


def said(answer: Any) -> tuple[int, dict[str, Any], str]:
    """What a refusal says, without the request's id."""
    body = answer.json()
    body.pop("instance")
    return answer.status_code, body, answer.headers["WWW-Authenticate"]


def test_the_text_is_known_to_scanners(own: tuple[Token, str]) -> None:
    token, text = own
    assert text.startswith(f"pdk_{token.public_id}_")
    assert len(text) == len("pdk_") + 12 + 1 + 43
    read = written.read(text)
    assert read is not None
    assert read.public_id == token.public_id
    assert read.digest == token.digest
    assert text.rpartition("_")[2] not in repr(read)


def test_wrong_ones_are_answered_alike(own: tuple[Token, str], bob: User, estate: Estate) -> None:
    token, text = own
    revoked, revoked_text = make(bob, estate.shop, name="revoked")
    tokens.revoke(token=revoked, by=COMMAND, at=clock.now())
    _fenced, fenced_text = make(bob, estate.shop, networks=["192.0.2.0/24"], name="fenced")
    late, late_text = make(bob, estate.shop, name="late")
    Token.objects.filter(pk=late.pk).update(
        created_at=late.created_at - 31 * DAY, expires_at=late.expires_at - 31 * DAY
    )
    wrong = {
        "unknown": written.write("0" * 12, text.split("_", 2)[2]),
        "another secret": text[:-1] + ("A" if text[-1] != "A" else "B"),
        "another's secret": written.write(token.public_id, revoked_text.split("_", 2)[2]),
        "revoked": revoked_text,
        "expired": late_text,
        "network": fenced_text,
        "cut": text[:-1],
        "longer": text + "A",
        "nothing": "",
        "no token": "hello",
    }
    answers = {why: said(ask(shown)) for why, shown in wrong.items()}
    assert {json.dumps(answer) for answer in answers.values()} == {json.dumps(answers["unknown"])}
    assert answers["unknown"][0] == 401
    assert "Bearer" in answers["unknown"][2]


def test_a_wrong_token_beats_a_right_session(own: tuple[Token, str], bob: User) -> None:
    browser = client_of(bob)
    assert browser.get(PROJECTS).status_code == 200
    assert browser.get(PROJECTS, headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_a_session_adds_nothing_to_a_token(own: tuple[Token, str], ann: User, estate: Estate) -> None:
    _token, text = own
    answer = client_of(ann).get(PROJECTS, headers={"Authorization": f"Bearer {text}"})
    assert {row["slug"] for row in answer.json()["results"]} == {"checkout"}
    personal = client_of(ann).get("/api/v1/tokens/", headers={"Authorization": f"Bearer {text}"})
    assert personal.status_code == 403
    assert personal.json()["title"] == "sign_in_again"


def test_another_scheme_is_not_ours(bob: User) -> None:
    answer = Client().get(PROJECTS, headers={"Authorization": "Basic Ym9iOmJvYg=="})
    assert answer.status_code == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_read_in_any_case(own: tuple[Token, str], scheme: str) -> None:
    assert Client().get(PROJECTS, headers={"Authorization": f"{scheme}  {own[1]}"}).status_code == 200


@pytest.mark.parametrize("name", ["token", "access_token", "api_key", "Authorization", "anything"])
def test_a_token_in_the_address_is_bad(own: tuple[Token, str], name: str, capfd: pytest.CaptureFixture[str]) -> None:
    answer = Client().get(PROJECTS, {name: own[1]})
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["title"] == "bad_authorization"
    assert own[1] not in answer.content.decode()
    assert own[1] not in "".join(capfd.readouterr())
    with_header = Client().get(PROJECTS, {name: own[1]}, headers={"Authorization": f"Bearer {own[1]}"})
    assert with_header.status_code == 400


def test_authorization_twice_is_bad(own: tuple[Token, str]) -> None:
    """Servers hand a repeated header over as one, joined by a comma."""
    for joined in (f"Bearer {own[1]},Bearer {own[1]}", f"Bearer {own[1]}, Basic x", f"Basic x,Bearer {own[1]}", ","):
        assert Client().get(PROJECTS, headers={"Authorization": joined}).status_code == 400, joined


def wsgi(**environ: str) -> tuple[str, bytes]:
    """Ask the application as a server does."""
    given: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": PROJECTS,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost",
        "REMOTE_ADDR": "10.1.2.3",
        "wsgi.input": io.BytesIO(),
        "wsgi.url_scheme": "http",
        "wsgi.errors": io.StringIO(),
    }
    told: list[str] = []

    def begin(status: str, _headers: Any, _info: Any = None, /) -> Callable[[bytes], object]:
        told.append(status)
        return bytes

    application = WSGIHandler()
    # The connection is the test's, with its transaction.
    for signal in (signals.request_started, signals.request_finished):
        signal.disconnect(close_old_connections)
    try:
        answer = application({**given, **environ}, begin)
        whole = b"".join(answer)
        answer.close()
    finally:
        for signal in (signals.request_started, signals.request_finished):
            signal.connect(close_old_connections)
    return told[0], whole


def test_a_raw_environment_is_read_the_same(own: tuple[Token, str]) -> None:
    assert wsgi(HTTP_AUTHORIZATION=f"Bearer {own[1]}")[0].startswith("200")
    assert wsgi(HTTP_AUTHORIZATION=f"Bearer {own[1]},Bearer {own[1]}")[0].startswith("400")
    assert wsgi(HTTP_AUTHORIZATION="Bearer x")[0].startswith("401")
    assert wsgi(QUERY_STRING=f"a={own[1]}")[0].startswith("400")


def test_tokens_do_not_open_pages(own: tuple[Token, str]) -> None:
    for path in ("/projects/", "/profile/tokens/", "/projects/checkout/"):
        answer = Client().get(path, headers={"Authorization": f"Bearer {own[1]}"})
        assert answer.status_code == 302, path
        assert answer.headers["Location"].startswith("/sign-in/")


def test_a_token_needs_no_form_token(ann: User, estate: Estate) -> None:
    from_program = Client(enforce_csrf_checks=True)
    _token, text = make(ann, None, ["team.edit", "team.view"])  # type: ignore[list-item]
    sent = {"name": "Delivery"}
    answer = from_program.post(
        "/api/v1/teams/", sent, content_type="application/json", headers={"Authorization": f"Bearer {text}"}
    )
    assert answer.status_code == 201, answer.content


@pytest.mark.parametrize(
    ("address", "networks", "status"),
    [
        ("10.1.2.3", ["10.1.0.0/16"], 200),
        ("10.2.2.3", ["10.1.0.0/16"], 401),
        ("10.2.2.3", ["10.1.0.0/16", "10.2.2.3"], 200),
        ("2001:db8::7", ["2001:db8::/32"], 200),
        ("2001:db9::7", ["2001:db8::/32"], 401),
        ("::ffff:10.1.2.3", ["10.1.0.0/16"], 200),
        ("::ffff:10.2.2.3", ["10.1.0.0/16"], 401),
        ("", ["10.1.0.0/16"], 401),
    ],
)
def test_networks(bob: User, estate: Estate, address: str, networks: list[str], status: int) -> None:
    give(bob, "project_viewer", estate.shop)
    _token, text = make(bob, estate.shop, networks=networks)
    assert ask(text, address=address).status_code == status


@pytest.mark.parametrize(
    "header",
    [
        {"X-Forwarded-For": "10.1.2.3"},
        {"X-Forwarded-For": "10.1.2.3, 10.1.2.3"},
        {"X-Real-IP": "10.1.2.3"},
        {"Forwarded": "for=10.1.2.3"},
        {"X-Client-IP": "10.1.2.3"},
    ],
)
def test_what_a_caller_says_of_its_address_is_not_believed(bob: User, estate: Estate, header: dict[str, str]) -> None:
    give(bob, "project_viewer", estate.shop)
    _token, text = make(bob, estate.shop, networks=["10.1.0.0/16"])
    told = {"Authorization": f"Bearer {text}", **header}
    assert Client().get(PROJECTS, headers=told, REMOTE_ADDR="203.0.113.9").status_code == 401


@pytest.mark.parametrize(
    ("peer", "forwarded", "status"),
    [
        ("192.0.2.1", "10.1.2.3", 200),
        ("192.0.2.1", "203.0.113.9, 10.1.2.3", 200),
        ("192.0.2.1", "10.1.2.3, 203.0.113.9", 401),
        ("192.0.2.1", "", 401),
        ("192.0.2.1", "10.1.2.3, nonsense", 400),
        ("203.0.113.9", "10.1.2.3", 401),
    ],
)
def test_a_trusted_proxy_is_believed_for_its_last_word(
    bob: User, estate: Estate, settings: Any, peer: str, forwarded: str, status: int
) -> None:
    """The caller can write the beginning of X-Forwarded-For, never its end."""
    settings.TRUSTED_PROXIES, settings.TRUSTED_NETWORKS = 1, "192.0.2.0/24"
    give(bob, "project_viewer", estate.shop)
    _token, text = make(bob, estate.shop, networks=["10.1.0.0/16"])
    told = {"Authorization": f"Bearer {text}", "X-Forwarded-For": forwarded}
    assert Client().get(PROJECTS, headers=told, REMOTE_ADDR=peer).status_code == status


def test_the_last_use_is_written_once_a_minute(own: tuple[Token, str], monkeypatch: pytest.MonkeyPatch) -> None:
    token, text = own
    begun = clock.now()
    monkeypatch.setattr(clock, "now", lambda: begun)
    assert ask(text).status_code == 200
    token.refresh_from_db()
    assert token.last_used_at == begun
    assert token.last_address == "10.1.2.3"
    for seconds, written_at in ((30, 0), (59, 0), (61, 61)):
        monkeypatch.setattr(clock, "now", lambda seconds=seconds: begun + DAY / 86400 * seconds)
        ask(text, address="10.1.2.4")
        token.refresh_from_db()
        assert token.last_used_at == begun + DAY / 86400 * written_at


def test_a_new_network_is_an_event(own: tuple[Token, str]) -> None:
    _token, text = own
    for address in ("10.1.2.3", "10.1.2.99", "10.9.9.9", "10.1.2.3"):
        ask(text, address=address)
    found = Event.objects.filter(kind="tokens.token.network")
    assert sorted(one.after["network"] for one in found if one.after) == ["10.1.2.0/24", "10.9.9.0/24"]


def test_a_right_token_that_is_refused_is_an_event(bob: User, estate: Estate) -> None:
    give(bob, "project_viewer", estate.shop)
    _token, text = make(bob, estate.shop, networks=["192.0.2.0/24"])
    for _turn in range(3):
        ask(text, address="203.0.113.9")
    (event,) = Event.objects.filter(kind="tokens.token.refuse")
    assert event.after == {"why": "network", "network": "203.0.113.0/24"}
    ask("pdk_000000000000_" + "A" * 43)
    assert Event.objects.filter(kind="tokens.token.refuse").count() == 1


def test_what_a_token_does_says_so_in_the_audit(ann: User, estate: Estate) -> None:
    token, text = make(ann, None, ["team.edit", "team.view"])  # type: ignore[list-item]
    Client().post(
        "/api/v1/teams/",
        {"name": "Delivery"},
        content_type="application/json",
        headers={"Authorization": f"Bearer {text}"},
    )
    event = Event.objects.get(kind="projects.team.create", on_label="Delivery")
    assert event.actor_label == "ann"
    assert event.token == str(token.pk)


def test_too_many_wrong_ones_are_slowed_and_the_right_one_is_not(own: tuple[Token, str]) -> None:
    wrong = "pdk_000000000000_" + "A" * 43
    answers = [ask(wrong).status_code for _turn in range(limits.WRONG_TOKENS.per + 3)]
    assert set(answers[: limits.WRONG_TOKENS.per]) == {401}
    assert answers[-1] == 429
    assert int(ask(wrong).headers["Retry-After"]) > 0
    assert seen(own[1]) == {"checkout"}
    assert ask(wrong, address="203.0.113.9").status_code == 401


def test_unknown_and_wrong_take_the_same_time(own: tuple[Token, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The median of many: what differs is less than what a network adds."""
    monkeypatch.setattr(limits, "spend", lambda *_given: True)
    wrong = own[1][:-4] + "AAAA"
    unknown = written.write("0" * 12, own[1].split("_", 2)[2])
    taken: dict[str, list[float]] = {wrong: [], unknown: []}
    for turn in range(60):
        for text in (wrong, unknown) if turn % 2 else (unknown, wrong):
            begun = time.perf_counter()
            assert ask(text).status_code == 401
            taken[text].append(time.perf_counter() - begun)
    first, second = (statistics.median(times[5:]) for times in taken.values())
    assert abs(first - second) < 0.25 * max(first, second)


def test_the_number_of_queries_tells_nothing(own: tuple[Token, str], django_assert_num_queries: Any) -> None:
    unknown = written.write("0" * 12, own[1].split("_", 2)[2])
    wrong = own[1][:-4] + "AAAA"
    with django_assert_num_queries(2):
        ask(unknown)
    with django_assert_num_queries(2):
        ask(wrong)
    with django_assert_num_queries(2):
        ask("hello")
