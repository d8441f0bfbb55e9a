"""Messages against real servers: once, in order, again, and never held up by another target."""

import hashlib
import hmac
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection, transaction
from django.test import TestCase
from pytest_django import Settings

from portal.core import clock
from portal.jobs import runner
from portal.jobs.models import Job
from portal.outbox import schedule, selectors, services, targets, wire
from portal.outbox.models import Attempt, Message, State, TargetState
from tests.fakes.fixtures import WEBHOOK_SECRET
from tests.fakes.mail import MailSink, Received
from tests.fakes.outbox import deliver
from tests.fakes.syslog import SyslogSink
from tests.fakes.tls import Certificates
from tests.fakes.webhook import WebhookSink
from tests.portal.outbox.conftest import Clock

ROOT = Path(__file__).resolve().parents[3]


def mail(present: Clock, key: str = "one", *to: str, subject: str = "Hello") -> Message:
    """Write a mail."""
    return services.mail(to=to or ("ann@example.org",), subject=subject, text="Text é\n.\n", key=key, at=present.at)


def event(present: Clock, key: str = "one", lane: str = "") -> Message:
    """Write an event."""
    return services.webhook(event="project.created", body={"key": key}, key=key, lane=lane, at=present.at)


def line(present: Clock, key: str) -> Message:
    """Write an audit line."""
    return services.stream(target="audit", lines=[f'{{"n":"{key}"}}'], key=key, at=present.at)


def states() -> dict[str, str]:
    """Every message's state by key."""
    return dict(Message.objects.values_list("key", "state"))


pytestmark = pytest.mark.django_db


def test_a_mail_arrives_once(present: Clock, mail_sink: MailSink) -> None:
    written = mail(present, "invite:7", "ann@example.org", "bob@example.org", subject="Willkommen, Bjørn")
    assert mail(present, "invite:7", "eve@example.org").pk == written.pk
    deliver()
    deliver()
    (arrived,) = mail_sink.messages
    assert arrived.recipients == ("ann@example.org", "bob@example.org")
    assert (arrived.subject, arrived.text) == ("Willkommen, Bjørn", "Text é\n.\n")
    assert arrived.sender == "paddock@example.org"
    assert arrived.mail["To"] == "ann@example.org, bob@example.org"
    assert arrived.mail["Message-ID"].startswith("<")
    assert arrived.mail["Auto-Submitted"] == "auto-generated"
    found = Message.objects.get()
    assert (found.state, found.attempts, found.sent_at, found.left) == (State.SENT, 1, present.at, [])
    assert Attempt.objects.get().ok


def test_a_delivery_is_asked_for_on_commit(present: Clock, mail_sink: MailSink) -> None:
    with TestCase.captureOnCommitCallbacks(execute=True):
        for key in "abc":
            mail(present, key)
        assert not Job.objects.exists()
    assert Job.objects.filter(kind="portal.outbox.deliver", key="mail").count() == 1


def test_what_is_rolled_back_never_leaves(present: Clock, mail_sink: MailSink) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        mail(present)
        raise RuntimeError
    deliver()
    assert (mail_sink.messages, Message.objects.count()) == ([], 0)


def test_an_event_is_signed(present: Clock, webhook_sink: WebhookSink) -> None:
    written = event(present)
    deliver("webhook")
    (posted,) = webhook_sink.requests
    stamp = posted.headers["paddock-timestamp"]
    known = hmac.new(WEBHOOK_SECRET.encode(), f"{stamp}.".encode() + posted.body, hashlib.sha256).hexdigest()
    assert posted.headers["paddock-signature"] == f"sha256={known}"
    assert posted.headers["paddock-id"] == str(written.pk)
    assert stamp == str(int(present.at.timestamp()))
    assert json.loads(posted.body) == {
        "id": str(written.pk),
        "event": "project.created",
        "at": "2026-03-01T12:00:00Z",
        "data": {"key": "one"},
    }


def test_audit_lines_arrive_in_order_over_one_connection(present: Clock, syslog_sink: SyslogSink) -> None:
    for number in range(50):
        line(present, f"{number:02}")
    deliver("stream")
    bodies = [record.rpartition(" ")[2] for record in syslog_sink.wait_for(50)]
    assert bodies == [f'{{"n":"{number:02}"}}' for number in range(50)]
    assert syslog_sink.connections == 1
    assert syslog_sink.records[0] == '<109>1 2026-03-01T12:00:00Z - paddock - audit - {"n":"00"}'


def test_lines_of_one_message_are_records_of_their_own(present: Clock, syslog_sink: SyslogSink) -> None:
    """Lengths are octets, and no line can end early or be two."""
    lines = ['{"n":"ümlaut"}', '{"n":"two\nlines"}', '{"n":"last"}']
    (first, second) = (
        services.stream(target="audit", lines=some, key="batch", at=present.at) for some in (lines, ["other"])
    )
    assert first.pk == second.pk, "asked for twice it is one message"
    deliver("stream")
    bodies = [record.partition(" audit - ")[2] for record in syslog_sink.wait_for(3)]
    assert bodies == ['{"n":"ümlaut"}', '{"n":"two lines"}', '{"n":"last"}']
    assert Attempt.objects.count() == 1


def test_a_collector_that_closed_is_connected_to_again(present: Clock, syslog_sink: SyslogSink) -> None:
    line(present, "first")
    deliver("stream")
    syslog_sink.wait_for(1)
    syslog_sink.drop()
    line(present, "second")
    deliver("stream")
    assert len(syslog_sink.wait_for(2)) == 2


def test_audit_lines_over_https(present: Clock, webhook_sink: WebhookSink, settings: Settings) -> None:
    secret = webhook_sink.url.replace("https://", "https://siem:canary-pw@")
    settings.OUTBOX_STREAM = targets.parse_stream(secret)
    written = line(present, "one")
    deliver("stream")
    (posted,) = webhook_sink.requests
    assert posted.body == b'{"n":"one"}\n'
    assert posted.headers["paddock-id"] == str(written.pk)
    assert posted.headers["authorization"] == "Basic c2llbTpjYW5hcnktcHc="


def test_an_hour_of_errors_and_then_once(present: Clock, webhook_sink: WebhookSink) -> None:
    webhook_sink.status = 500
    event(present)
    for _minute in range(60):
        schedule.deliver_due(present.at)
        for job in Job.objects.filter(kind="portal.outbox.deliver", state="waiting"):
            deliver(job.key)
        present.move(minutes=1)
    tried = len(webhook_sink.requests)
    assert 4 <= tried <= 8
    assert Message.objects.get().state == State.FAILED
    assert "500" in Message.objects.get().error
    webhook_sink.status = 200
    webhook_sink.requests.clear()
    for _hour in range(4):
        present.move(hours=1)
        deliver("webhook")
    assert len(webhook_sink.requests) == 1
    assert Message.objects.get().state == State.SENT
    assert Attempt.objects.filter(ok=False).count() == tried


def test_after_a_day_a_message_is_dead_until_somebody_asks(present: Clock, mail_sink: MailSink) -> None:
    mail_sink.refuse(451)
    mail(present)
    for _step in range(50):
        deliver()
        present.move(minutes=40)
    found = Message.objects.get()
    assert (found.state, found.next_at) == (State.DEAD, None)
    assert found.error.startswith("451 not now")
    mail_sink.refuse(0)
    deliver()
    assert mail_sink.messages == []


def test_order_is_kept_in_a_lane_and_others_go_on(present: Clock, mail_sink: MailSink) -> None:
    mail_sink.refuse_addresses.add("ann@example.org")
    for key in ("a1", "a2", "a3"):
        mail(present, key, "ann@example.org", subject=key)
    mail(present, "b1", "bob@example.org", subject="b1")
    deliver()
    assert [one.subject for one in mail_sink.messages] == ["b1"]
    assert states() == {"a1": "failed", "a2": "waiting", "a3": "waiting", "b1": "sent"}
    mail_sink.refuse_addresses.clear()
    deliver()
    assert len(mail_sink.messages) == 1, "not before the back-off ends"
    present.move(minutes=1)
    deliver()
    assert [one.subject for one in mail_sink.messages] == ["b1", "a1", "a2", "a3"]


def test_events_without_a_lane_wait_for_no_other(present: Clock, webhook_sink: WebhookSink) -> None:
    event(present, "x1", "project-x")
    event(present, "x2", "project-x")
    event(present, "free")
    webhook_sink.status = 400
    deliver("webhook")
    assert states() == {"x1": "failed", "x2": "waiting", "free": "failed"}


def test_recipients_that_took_it_get_it_once(present: Clock, mail_sink: MailSink) -> None:
    mail_sink.refuse_addresses.add("bob@example.org")
    mail(present, "k", "ann@example.org", "bob@example.org")
    deliver()
    found = Message.objects.get()
    assert (found.state, found.left) == (State.FAILED, ["bob@example.org"])
    assert "bob@example.org: 550" in found.error
    mail_sink.refuse_addresses.clear()
    present.move(minutes=1)
    deliver()
    assert [one.recipients for one in mail_sink.messages] == [("ann@example.org",), ("bob@example.org",)]
    assert Message.objects.get().state == State.SENT


def test_a_frozen_relay_holds_up_nobody(
    present: Clock, impatient: None, mail_sink: MailSink, webhook_sink: WebhookSink
) -> None:
    mail_sink.freeze()
    for number in range(20):
        mail(present, f"m{number}", f"p{number}@example.org")
        event(present, f"e{number}")
    began = time.monotonic()
    deliver("mail")
    assert time.monotonic() - began < 5, "one attempt is enough to know"
    assert mail_sink.connections == 1
    deliver("webhook")
    assert len(webhook_sink.requests) == 20
    resting = TargetState.objects.get(kind="mail")
    assert resting.rests_until == present.at + timedelta(seconds=30)
    assert selectors.kinds_due(present.at) == []
    assert deliver("mail").result == {"resting": 1}
    mail_sink.thaw()
    present.move(seconds=60)
    assert selectors.kinds_due(present.at) == ["mail"]
    deliver("mail")
    assert len({one.recipients for one in mail_sink.messages}) == 20
    healthy = TargetState.objects.get(kind="mail")
    assert (healthy.failures, healthy.failing_since, healthy.ok_at) == (0, None, present.at)


def test_a_relay_that_drips_is_cut(
    present: Clock, mail_sink: MailSink, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire.Deadline.__init__, "__defaults__", (1.0,))
    with _Dripping() as port:
        settings.OUTBOX_MAIL = targets.parse_mail(f"smtp://127.0.0.1:{port}", "paddock@example.org")
        mail(present)
        began = time.monotonic()
        deliver()
        assert time.monotonic() - began < 5
    assert Message.objects.get().state == State.FAILED


class _Dripping:
    """Greets, then answers a letter every 0.2 seconds and never ends its line."""

    def __enter__(self) -> int:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._over = threading.Event()
        threading.Thread(target=self._drip, daemon=True).start()
        return int(self._listener.getsockname()[1])

    def __exit__(self, *_ended: object) -> None:
        self._over.set()
        self._listener.close()

    def _drip(self) -> None:
        one, _address = self._listener.accept()
        with one:
            one.sendall(b"220 slow\r\n250-")
            while not self._over.wait(0.2):
                try:
                    one.sendall(b"x")
                except OSError:
                    return


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("wrong", ["expired", "unknown", "name"])
def test_a_wrong_certificate_is_refused(
    present: Clock, settings: Settings, certificates: Certificates, wrong: str, implicit: bool
) -> None:
    # The certificate names 127.0.0.1.
    host = "127.0.0.2" if wrong == "name" else "127.0.0.1"
    sink = MailSink(certificates.server(expired=wrong == "expired"), implicit=implicit, host=host).start()
    try:
        settings.OUTBOX_MAIL = targets.parse_mail(sink.url, "paddock@example.org")
        settings.OUTBOX_CA = "" if wrong == "unknown" else certificates.ca_pem
        mail(present)
        deliver()
    finally:
        sink.stop()
    found = Message.objects.get()
    assert (found.state, sink.messages) == (State.FAILED, [])
    assert "certificate is not accepted" in found.error


def test_tls_from_the_first_byte(present: Clock, settings: Settings, certificates: Certificates) -> None:
    sink = MailSink(certificates.server(), implicit=True).start()
    try:
        settings.OUTBOX_MAIL = targets.parse_mail(sink.url, "paddock@example.org")
        settings.OUTBOX_CA = certificates.ca_pem
        mail(present)
        deliver()
    finally:
        sink.stop()
    assert len(sink.messages) == 1


@pytest.mark.parametrize("kind", ["webhook", "stream"])
def test_an_unknown_authority_is_refused(
    present: Clock, settings: Settings, webhook_sink: WebhookSink, syslog_sink: SyslogSink, kind: str
) -> None:
    settings.OUTBOX_CA = ""
    event(present) if kind == "webhook" else line(present, "one")
    deliver(kind)
    assert Message.objects.get().state == State.FAILED
    assert "certificate" in Message.objects.get().error
    assert (webhook_sink.requests, syslog_sink.records) == ([], [])


def test_a_webhook_inside_is_refused_unless_allowed(
    present: Clock, settings: Settings, webhook_sink: WebhookSink
) -> None:
    settings.OUTGOING_ALLOWED = []
    event(present)
    deliver("webhook")
    assert "private network" in Message.objects.get().error
    assert webhook_sink.requests == []


def test_a_cut_after_the_mail_was_taken_sends_the_same_mail_again(present: Clock, mail_sink: MailSink) -> None:
    mail_sink.cut()
    mail(present)
    deliver()
    assert Message.objects.get().state == State.FAILED
    present.move(minutes=5)
    deliver()
    one, other = mail_sink.messages
    assert one.mail["Message-ID"] == other.mail["Message-ID"]
    assert one.mail["Date"] == other.mail["Date"]
    assert Message.objects.get().state == State.SENT


def test_headers_cannot_be_added(present: Clock, mail_sink: MailSink) -> None:
    evil = "x\r\nBcc: eve@example.org\r\n\r\nHi\x00\u2028Cc: eve@example.org"
    services.mail(
        to=["ann@example.org", "bob@example.org\r\nBcc: eve@example.org", "RCPT TO:<eve@example.org>"],
        subject=evil,
        text="\r\n.\r\nMAIL FROM:<eve@example.org>\r\nBcc: eve@example.org",
        key=evil,
        at=present.at,
    )
    deliver()
    (arrived,) = mail_sink.messages
    assert arrived.recipients == ("ann@example.org",)
    assert arrived.mail["To"] == "ann@example.org"
    assert arrived.subject == "x Bcc: eve@example.org Hi Cc: eve@example.org"
    assert arrived.mail["Bcc"] is None
    assert arrived.mail["Cc"] is None
    assert "MAIL FROM:<eve@example.org>" in arrived.text
    found = Message.objects.get()
    assert (found.state, "\n" in found.subject) == (State.SENT, False)


def test_a_mail_to_nobody_is_a_row_that_says_so(present: Clock, mail_sink: MailSink) -> None:
    none = services.mail(to=[], subject="s", text="t", key="none", at=present.at)
    bad = services.mail(to=["not an address"], subject="s", text="t", key="bad", at=present.at)
    deliver()
    assert (none.state, bad.state, mail_sink.messages) == (State.NO_TARGET, State.NO_TARGET, [])
    assert "not an address" in bad.error


def test_without_a_target_nothing_fails_and_everything_is_kept(present: Clock) -> None:
    for written in (
        mail(present),
        event(present),
        line(present, "one"),
    ):
        assert written.state == State.NO_TARGET
        assert written.body
    assert not Job.objects.exists()
    schedule.deliver_due(present.at)
    assert not Job.objects.exists()


def test_a_target_taken_away_leaves_rows_without_target(
    present: Clock, mail_sink: MailSink, settings: Settings
) -> None:
    mail(present)
    settings.OUTBOX_MAIL = None
    assert deliver().result == {"no_target": 1}
    assert states() == {"one": "no_target"}


def test_what_is_too_large_is_cut_and_not_sent(present: Clock, webhook_sink: WebhookSink) -> None:
    services.webhook(event="big", body={"text": "x" * 2**20}, key="big", at=present.at)
    assert states() == {"big": "dead"}


def test_a_message_that_cannot_be_written_holds_up_no_other(present: Clock, webhook_sink: WebhookSink) -> None:
    services.webhook(event="täuschend", body={}, key="a", at=present.at)
    event(present, "b")
    deliver("webhook")
    assert states() == {"a": "failed", "b": "sent"}


def test_a_template_cannot_be_given_lines(present: Clock) -> None:
    written = services.mail_from_template(
        "outbox_test", {"who": "Eve <b>&\n\nGo to https://evil.example"}, to=["ann@example.org"], key="k", at=present.at
    )
    assert written.subject == "Test mail from Paddock"
    assert "Eve <b>& Go to https://evil.example asked Paddock" in written.body


def test_links_are_built_from_the_setting(present: Clock, settings: Settings) -> None:
    settings.BASE_URL = "https://paddock.example.org"
    written = services.mail_from_template("outbox_test", {"who": "Ann"}, to=["a@example.org"], key="k", at=present.at)
    assert "https://paddock.example.org/outbox/" in written.body


def test_old_messages_are_forgotten(present: Clock, mail_sink: MailSink) -> None:
    mail(present, "sent")
    deliver()
    mail(present, "dead")
    Message.objects.filter(key="dead").update(state=State.DEAD, ended_at=present.at, next_at=None)
    mail(present, "open", "bob@example.org")
    present.move(days=29)
    assert services.prune(at=present.at) == 0
    assert services.prune(at=present.move(days=2)) == 1
    assert set(states()) == {"dead", "open"}
    assert services.prune(at=present.move(days=60)) == 1
    assert set(states()) == {"open"}


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_once(present: Clock, mail_sink: MailSink) -> None:
    for number in range(30):
        mail(present, f"k{number}", f"p{number}@example.org")
    job = Job.objects.get(kind="portal.outbox.deliver", key="mail")
    outcomes: list[str] = []

    def work() -> None:
        try:
            outcomes.append(runner.run(job.pk))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert sorted(one.recipients for one in mail_sink.messages) == sorted(
        (f"p{number}@example.org",) for number in range(30)
    )
    assert sorted(outcomes) == ["not due", "not due", "not due", "succeeded"]


@pytest.mark.django_db(transaction=True)
def test_a_worker_whose_lease_was_lost_claims_nothing(present: Clock, mail_sink: MailSink) -> None:
    """A second job takes over while the first one sends: what the first one holds is not sent again."""
    mail(present, "first", "ann@example.org")
    mail(present, "second", "bob@example.org")
    job = Job.objects.get(kind="portal.outbox.deliver", key="mail")

    def take_over(received: Received) -> None:
        if received.recipients == ("ann@example.org",):
            Job.objects.filter(pk=job.pk).update(fence=99)
            connection.close()

    mail_sink.on_message = take_over
    assert runner.run(job.pk) == "lease lost"
    assert states() == {"first": "sent", "second": "waiting"}
    Job.objects.filter(pk=job.pk).update(state="dead")
    deliver()
    assert [one.recipients[0] for one in mail_sink.messages] == ["ann@example.org", "bob@example.org"]


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_between_sending_and_writing(mail_sink: MailSink, settings: Settings) -> None:
    """A real process, ended while the relay still holds its answer: the mail comes again, with the same id."""
    present = Clock()
    present.at = clock.now()
    mail(present)
    job = Job.objects.get(kind="portal.outbox.deliver", key="mail")
    program = f"""
import django; django.setup()
from uuid import UUID
from portal.jobs import runner
runner.run(UUID({str(job.pk)!r}))
"""
    worker = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=_environment(mail_sink, settings))
    mail_sink.on_message = lambda _received: os.kill(worker.pid, signal.SIGKILL)
    assert worker.wait(30) == -signal.SIGKILL
    mail_sink.on_message = None
    found = Message.objects.get()
    assert (found.state, found.attempts, Attempt.objects.get().ok) == (State.WAITING, 1, None)
    Job.objects.filter(pk=job.pk).update(state="dead")
    deliver()
    assert len(mail_sink.messages) == 1, "the claim still stands"
    Message.objects.update(claimed_until=present.at - timedelta(seconds=1))
    deliver()
    one, other = mail_sink.messages
    assert one.mail["Message-ID"] == other.mail["Message-ID"]
    assert Message.objects.get().state == State.SENT


def _environment(sink: MailSink, settings: Settings) -> dict[str, str]:
    url = urlsplit(os.environ["DATABASE_URL"])
    return {
        **os.environ,
        "DATABASE_URL": url._replace(path="/" + str(connection.settings_dict["NAME"])).geturl(),
        "PADDOCK_MAIL_URL": sink.url,
        "PADDOCK_MAIL_FROM": "paddock@example.org",
        "PADDOCK_OUTBOX_CA": settings.OUTBOX_CA,
    }
