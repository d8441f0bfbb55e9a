"""What strangers may ask for: whom to tell of a weakness, and where browsers send reports."""

import json

import pytest
from django.test import Client
from pytest_django import Settings

from portal.accounts.models import Session
from portal.home import outside

REPORT = json.dumps({"csp-report": {"effective-directive": "img-src"}})
KIND = "application/csp-report"


@pytest.mark.parametrize("contact", ["", "javascript:alert(1)", "security@example.org", "mailto:a@b.example x"])
def test_without_a_contact_there_is_no_file(db: None, settings: Settings, contact: str) -> None:
    settings.SECURITY_CONTACT = contact
    assert Client().get("/.well-known/security.txt").status_code == 404


def test_the_file_names_contact_and_end(db: None, settings: Settings) -> None:
    settings.SECURITY_CONTACT = "mailto:security@example.org"
    answer = Client().get("/.well-known/security.txt")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert "Contact: mailto:security@example.org\n" in answer.content.decode()
    assert "Expires: 20" in answer.content.decode()


def test_reports_are_limited(db: None) -> None:
    client = Client(enforce_csrf_checks=True)
    answers = [client.post("/csp-report/", REPORT, content_type=KIND).status_code for _each in range(35)]
    assert answers == [204] * outside.PER_NETWORK.per + [429] * 5
    assert Client(REMOTE_ADDR="192.0.2.1").post("/csp-report/", REPORT, content_type=KIND).status_code == 204
    assert not Session.objects.exists()


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '{"csp-report": 1}', "[" * 10_000])
def test_what_is_no_report_is_refused(db: None, body: str) -> None:
    assert Client().post("/csp-report/", body, content_type=KIND).status_code == 400


def test_the_sign_in_page_leaves_no_session(db: None) -> None:
    client = Client(enforce_csrf_checks=True)
    page = client.get("/sign-in/")
    assert not Session.objects.exists()
    cookie = next(iter(page.cookies.values()))
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (True, "Lax", "/", "")
    assert client.post("/sign-in/", {"username": "x", "password": "y"}).status_code == 403
    token = page.content.decode().split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    given = {"username": "x", "password": "y", "csrfmiddlewaretoken": token}
    assert client.post("/sign-in/", given).status_code == 422
    assert Client(enforce_csrf_checks=True).post("/sign-in/", given).status_code == 403, "another browser's token"
