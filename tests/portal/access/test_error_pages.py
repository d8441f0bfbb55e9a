"""Each error page says what is, what to do, and has a way back; none shows what it is made of."""

import pytest
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from psycopg2 import errors as postgres
from pytest_django import Settings

from portal.access import middleware, views
from portal.accounts.models import User
from portal.core import errors
from tests.people import PASSWORD, client_of


def raised(request: HttpRequest, error: Exception, cause: Exception | None = None) -> tuple[int, str, str]:
    """What is answered while `error` is on its way: status, text, Retry-After."""
    try:
        raise error from cause
    except (DatabaseError, InterfaceError):
        answer = views.server_error(request)
    assert isinstance(answer, HttpResponse)
    return answer.status_code, answer.content.decode(), answer.headers.get("Retry-After", "")


@pytest.mark.parametrize(
    ("error", "cause", "status"),
    [
        (OperationalError("refused"), None, 503),
        (InterfaceError("connection already closed"), None, 503),
        (OperationalError("shut down"), postgres.AdminShutdown(), 503),
        (DatabaseError("odd"), None, 500),
    ],
)
def test_a_database_that_is_away_is_no_fault(error: Exception, cause: Exception | None, status: int) -> None:
    answered, text, after = raised(RequestFactory().get("/"), error, cause)
    assert answered == status
    assert ("Try again" in text) is True
    assert after == ("15" if status == 503 else "")
    assert str(error) not in text


def test_the_api_says_the_same_as_a_problem() -> None:
    status, text, after = raised(RequestFactory().get("/api/v1/clusters/"), OperationalError("refused"))
    assert (status, after) == (503, "15")
    assert '"title": "away"' in text


@pytest.mark.django_db
def test_a_page_without_a_database(ann: User, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection is gone before anything of the page is read, even who asks."""
    client = client_of(ann)
    client.raise_request_exception = False

    def away(*_args: object, **_more: object) -> None:
        raise OperationalError("could not connect to server")

    monkeypatch.setattr("django.db.backends.utils.CursorWrapper.execute", away)
    answer = client.get("/")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "15"
    assert answer.headers["X-Request-Id"] in answer.content.decode()


@pytest.mark.django_db
def test_too_many_sign_ins_say_when_to_come_back(ann: User) -> None:
    client = Client()
    answers = [client.post("/sign-in/", {"username": "ann", "password": "wrong"}) for _number in range(11)]
    assert [one.status_code for one in answers] == [422] * 10 + [429]
    assert answers[-1].headers["Retry-After"] == "60"
    assert "Too many tries" in answers[-1].content.decode()
    assert client.post("/sign-in/", {"username": "ann", "password": PASSWORD}).status_code == 429


@pytest.mark.django_db
def test_too_much_outside_of_a_form_has_a_page(rf: RequestFactory, ann: User) -> None:
    request = rf.get("/")
    request.user = ann
    error = errors.TooMany.after(90, "", "You asked for a lot.")
    answer = middleware.Refusals(lambda _request: HttpResponse()).process_exception(request, error)
    assert answer is not None
    text = answer.content.decode()
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "90"
    assert "Try again in 2 minutes" in text
    assert 'href="/"' in text


@pytest.mark.django_db
def test_a_session_that_ended_leads_back_to_where_one_was() -> None:
    client = Client()
    answer = client.get("/clusters/?q=x", follow=True)
    text = answer.content.decode()
    assert "go on where you were" in text
    assert 'name="next" value="/clusters/?q=x"' in text
    assert "go on where you were" not in client.get("/sign-in/").content.decode()
