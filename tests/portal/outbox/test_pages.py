"""The pages and api/v1 of the outbox: states, rights, bad input, and secrets that show nowhere."""

import logging
import os
import subprocess
import sys
import time
import uuid
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from portal.accounts.models import User
from portal.audit.models import Event
from portal.core.actors import Subject
from portal.jobs.models import Job
from portal.outbox import services, targets
from portal.outbox.models import Message, State
from tests.architecture.addresses import body
from tests.fakes.mail import PASSWORD, MailSink
from tests.fakes.outbox import deliver
from tests.fakes.webhook import WebhookSink
from tests.people import client_of, person
from tests.portal.outbox.conftest import Clock

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[3]
CANARY = "canary/secret+Zq7Wd3-16"
ABOUT = Subject("project", "7", "Shop", "/projects/shop/")


def mail(present: Clock, key: str = "k", to: str = "ann@example.org", subject: str = "Your access ends") -> Message:
    """Write a mail."""
    return services.mail(to=[to], subject=subject, text="It ends <b>tomorrow</b>.", key=key, at=present.at, on=ABOUT)


def html(client: Client, url: str) -> str:
    """The page's text."""
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_empty_outbox_says_so_and_names_what_is_missing(ann: User) -> None:
    page = html(client_of(ann), "/outbox/")
    assert 'data-empty="no_data"' in page
    assert "No target is configured for: Mail, Webhook, Audit stream." in page
    assert "/outbox/targets/" in page


def test_without_a_target_the_page_shows_what_would_have_gone_out(ann: User, present: Clock) -> None:
    written = mail(present)
    client = client_of(ann)
    assert "No target" in html(client, "/outbox/")
    page = html(client, f"/outbox/{written.pk}/")
    assert "It ends &lt;b&gt;tomorrow&lt;/b&gt;." in page
    assert "No target is configured: set PADDOCK_MAIL_URL." in page
    assert 'href="/projects/shop/"' in page
    assert "Set PADDOCK_MAIL_URL" in html(client, "/outbox/targets/")


def test_a_failing_target_is_told_with_its_error_and_retried_by_hand(
    ann: User, present: Clock, mail_sink: MailSink
) -> None:
    mail_sink.refuse(421)
    written = mail(present)
    deliver()
    client = client_of(ann)
    page = html(client, f"/outbox/{written.pk}/")
    assert "421 not now" in page
    assert "Try now" in page
    assert "Failing since" in html(client, "/outbox/")
    mail_sink.refuse(0)
    assert client.post(f"/outbox/{written.pk}/retry/").status_code == 302
    deliver()
    assert len(mail_sink.messages) == 1
    assert "handed" not in html(client, f"/outbox/{written.pk}/")
    assert client.post(f"/outbox/{written.pk}/retry/").status_code == 409
    event = Event.objects.get(kind="outbox.message.retry")
    assert (event.on_id, event.before) == (str(written.pk), {"state": "failed"})
    assert "Try now" not in html(client, f"/outbox/{written.pk}/")


def test_no_page_and_no_writer_speaks_to_a_target(ann: User, present: Clock, mail_sink: MailSink) -> None:
    mail_sink.freeze()
    client = client_of(ann)
    began = time.monotonic()
    for number in range(50):
        mail(present, f"k{number}")
    written = Message.objects.first()
    assert written is not None
    for url in ("/", "/outbox/", "/outbox/targets/", f"/outbox/{written.pk}/"):
        html(client, url)
    assert client.post("/outbox/targets/test/", {"kind": "mail", "to": "ann@example.org"}).status_code == 302
    assert time.monotonic() - began < 5
    assert mail_sink.connections == 0


def test_retry_without_a_target_says_what_to_set(ann: User, present: Clock) -> None:
    written = mail(present)
    answer = client_of(ann).post(f"/outbox/{written.pk}/retry/")
    assert (answer.status_code, b"PADDOCK_MAIL_URL" in answer.content) == (409, True)


@pytest.mark.parametrize("kind", ["mail", "webhook"])
def test_a_test_goes_the_way_of_every_message(
    ann: User, present: Clock, mail_sink: MailSink, webhook_sink: WebhookSink, kind: str
) -> None:
    client = client_of(ann)
    answer = client.post("/outbox/targets/test/", {"kind": kind, "to": "ann@example.org"})
    assert answer.status_code == 302
    deliver(kind)
    assert len(mail_sink.messages if kind == "mail" else webhook_sink.requests) == 1
    page = html(client, answer.headers["Location"])
    assert "Sent" in page
    after = Event.objects.get(kind="outbox.test.send").after
    assert after is not None
    assert after["kind"] == kind
    assert "last delivery" in html(client, "/outbox/targets/")


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"kind": "mail", "to": "not an address"}, 422),
        ({"kind": "mail", "to": "a@b.example\r\nBcc: c@d.example"}, 422),
        ({"kind": "mail"}, 422),
        ({"kind": "pigeon", "to": "ann@example.org"}, 422),
        ({}, 422),
        ({"kind": "webhook"}, 409),
    ],
)
def test_bad_tests_are_refused(
    ann: User, present: Clock, mail_sink: MailSink, given: dict[str, str], status: int
) -> None:
    assert client_of(ann).post("/outbox/targets/test/", given).status_code == status
    assert not Message.objects.exists()


def test_filters_narrow_the_list(ann: User, present: Clock, mail_sink: MailSink) -> None:
    mail(present, "one", "ann@example.org", "First subject")
    services.webhook(event="project.created", body={}, key="two", at=present.at)
    client = client_of(ann)
    for query, first, second in (
        ("kind=mail", True, False),
        ("state=no_target", False, True),
        ("target=ann%40", True, False),
        ("target=nobody", False, False),
    ):
        page = html(client, f"/outbox/?{query}")
        assert ("First subject" in page, ">project.created<" in page) == (first, second), query
    assert 'data-empty="filtered"' in html(client, "/outbox/?target=nobody")
    assert client.get("/outbox/?state=lost").status_code == 400
    rows = client.get("/outbox/?format=csv")
    assert b"First subject" in body(rows)


def test_the_api_lists_tells_and_retries(ann: User, present: Clock, mail_sink: MailSink) -> None:
    mail_sink.refuse(550)
    written = mail(present)
    deliver()
    client = client_of(ann)
    listed = client.get("/api/v1/outbox-messages/", {"state": "failed"}).json()["results"]
    assert [row["id"] for row in listed] == [str(written.pk)]
    one = client.get(f"/api/v1/outbox-messages/{written.pk}/").json()
    assert (one["body"], one["tries"][0]["ok"], one["to"]) == ("It ends <b>tomorrow</b>.", False, ["ann@example.org"])
    mail_sink.refuse(0)
    again = client.post(f"/api/v1/outbox-messages/{written.pk}/retry/")
    assert (again.status_code, again.json()["state"]) == (200, "waiting")
    deliver()
    assert client.post(f"/api/v1/outbox-messages/{written.pk}/retry/").status_code == 409
    assert client.get("/api/v1/outbox-messages/?unknown=1").status_code == 400


READING = ("/outbox/", "/outbox/targets/", "/outbox/{id}/", "/api/v1/outbox-messages/", "/api/v1/outbox-messages/{id}/")
WRITING = ("/outbox/{id}/retry/", "/outbox/targets/test/", "/api/v1/outbox-messages/{id}/retry/")


@pytest.mark.parametrize("path", READING + WRITING)
def test_rights(ann: User, bob: User, present: Clock, path: str) -> None:
    written = mail(present)
    url, absent = path.format(id=written.pk), path.format(id=uuid.UUID(int=7))
    auditor = client_of(person("audrey", "auditor"))
    ask = "post" if path in WRITING else "get"
    stranger = getattr(Client(), ask)(url)
    assert stranger.status_code == (401 if path.startswith("/api/") else 302)
    assert getattr(client_of(bob), ask)(url).status_code == 404
    assert body(getattr(client_of(bob), ask)(url)) == body(getattr(client_of(bob), ask)(absent))
    assert getattr(auditor, ask)(url).status_code == (404 if path in WRITING else 200)
    # A test without a target is a fault of the form, another try without one a conflict.
    status = {"/outbox/targets/test/": 422}.get(path, 409) if path in WRITING else 200
    assert getattr(client_of(ann), ask)(url).status_code == status
    if "{id}" in path:
        assert getattr(client_of(ann), ask)(absent).status_code == 404
    assert Message.objects.get().state == State.NO_TARGET


def test_the_auditor_is_offered_nothing_to_do(ann: User, present: Clock, mail_sink: MailSink) -> None:
    mail_sink.refuse(550)
    written = mail(present)
    deliver()
    administrator, auditor = client_of(ann), client_of(person("audrey", "auditor"))
    for address, offer in ((f"/outbox/{written.pk}/", "Try now"), ("/outbox/targets/", "Send a test")):
        assert offer in html(administrator, address)
        assert offer not in html(auditor, address)


def test_stored_payloads_stay_text(ann: User, present: Clock, mail_sink: MailSink) -> None:
    evil = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
    services.mail(to=[evil], subject=evil, text=evil, key=evil, at=present.at)
    services.webhook(event=evil[:50], body={evil: evil}, key="hook", at=present.at)
    client = client_of(ann)
    pages = [html(client, "/outbox/"), *(html(client, f"/outbox/{one.pk}/") for one in Message.objects.all())]
    assert all("&lt;script&gt;alert(1)" in page for page in pages)
    assert not any("<script>alert" in page or "<img src=x" in page for page in pages)


@pytest.mark.parametrize("broken", ["refuses", "unreachable", "signs in wrongly"])
def test_no_secret_of_a_target_shows_anywhere(
    ann: User,
    present: Clock,
    settings: Settings,
    mail_sink: MailSink,
    webhook_sink: WebhookSink,
    caplog: pytest.LogCaptureFixture,
    broken: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    secret_url = webhook_sink.url
    settings.OUTBOX_STREAM = targets.parse_stream(f"https://siem:{quote(CANARY, safe='')}@127.0.0.1:1/{quote(CANARY)}")
    if broken == "refuses":
        mail_sink.refuse(550)  # the sink repeats the password in its answer
        webhook_sink.status = 500
    else:
        wrong = mail_sink.url.replace(quote(PASSWORD), quote(CANARY, safe=""))
        if broken == "unreachable":
            wrong = wrong.replace(str(mail_sink.port), "1")
            secret_url = f"https://127.0.0.1:1/{quote(CANARY)}"
        settings.OUTBOX_MAIL = targets.parse_mail(wrong, "paddock@example.org")
    settings.OUTBOX_WEBHOOK = targets.parse_webhook(secret_url, CANARY)
    mail(present)
    services.webhook(event="project.created", body={}, key="two", at=present.at)
    services.stream(target="audit", lines=["{}"], key="three", at=present.at)
    for kind in ("mail", "webhook", "stream"):
        deliver(kind)
    client = client_of(ann)
    urls = ["/outbox/", "/outbox/?format=csv", "/outbox/targets/", "/audit/", "/api/v1/outbox-messages/"]
    for one in Message.objects.all():
        urls += [f"/outbox/{one.pk}/", f"/api/v1/outbox-messages/{one.pk}/"]
        assert one.error or one.state == State.SENT
        client.post(f"/outbox/{one.pk}/retry/")
    urls += [f"/jobs/{job.pk}/" for job in Job.objects.all()]
    ours = [record.getMessage() for record in caplog.records if record.name != "mail.log"]  # of the sink
    told = [body(client.get(url)).decode() for url in urls] + [*ours, stored()]
    for secret in (CANARY, quote(CANARY), quote(CANARY, safe=""), PASSWORD, "a-secret-path-7Hq"):
        assert [text for text in told if secret in text] == []


def stored() -> str:
    """Every row of the room's tables, and of the jobs and the audit."""
    found = []
    with connection.cursor() as cursor:
        for table in ("outbox_message", "outbox_attempt", "outbox_target", "job", "audit_event"):
            cursor.execute(f'SELECT to_jsonb(t)::text FROM "{table}" AS t')
            found += [row[0] for row in cursor.fetchall()]
    return "\n".join(found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PADDOCK_MAIL_URL", f"smtp://user:{quote(CANARY, safe='')}@mail.example.org"),
        ("PADDOCK_WEBHOOK_URL", f"http://hooks.example.org/{quote(CANARY)}"),
        ("PADDOCK_AUDIT_STREAM_URL", f"syslog://{quote(CANARY, safe='')}"),
        ("PADDOCK_OUTBOX_CA", CANARY),
    ],
)
def test_a_wrong_setting_stops_the_start_with_its_name_alone(name: str, value: str) -> None:
    environment = {**os.environ, name: value, "PADDOCK_MAIL_FROM": "paddock@example.org"}
    started = subprocess.run(
        [sys.executable, "-c", "import django; django.setup()"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert started.returncode == 1
    assert f"{name} cannot be used: " in started.stderr
    assert not any(form in started.stderr for form in (CANARY, quote(CANARY), quote(CANARY, safe="")))
