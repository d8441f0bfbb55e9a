"""The sealer: an unbroken chain whoever writes, nothing lost, one at a time."""

import json
import threading
from collections.abc import Callable

import pytest
from django.conf import LazySettings
from django.db import connection, transaction

from portal.audit import chain, sealing, signing
from portal.audit import services as audit
from portal.audit.models import Event, Head, Link, SigningKey, Unsealed
from portal.core import clock
from portal.core.actors import COMMAND, SYSTEM
from portal.outbox import services as outbox
from portal.outbox.models import Message
from portal.outbox.targets import parse_stream
from tests.portal.audit.chains import ON, sealed, verified, written


def test_the_hash_covers_every_column() -> None:
    assert set(chain.COLUMNS) == {field.attname for field in Event._meta.concrete_fields}


@pytest.mark.django_db
def test_a_chain_of_numbers_and_a_signed_head() -> None:
    sealed(3, 2)
    links = list(Link.objects.order_by("seq"))
    assert [link.seq for link in links] == [1, 2, 3, 4, 5]
    assert [link.previous for link in links] == [chain.GENESIS, *(link.hash for link in links[:-1])]
    assert list(Head.objects.order_by("seq").values_list("seq", "events")) == [(3, 3), (5, 2)]
    assert not Unsealed.objects.exists()
    head, key = Head.objects.latest("seq"), SigningKey.objects.get()
    text = chain.head_text(seq=head.seq, hash_=head.hash, at=head.at, key=str(key.pk))
    assert signing.is_signed(key.public, text, head.signature)
    assert not signing.is_signed(key.public, text + b"!", head.signature)
    assert len(key.private.split(".")) == 4, "the private key is sealed"
    assert verified().holds


@pytest.mark.django_db(transaction=True)
def test_what_commits_late_is_sealed_late_and_not_lost() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        try:
            with transaction.atomic():
                audit.record("demo.remove", by=SYSTEM, on=ON)
                begun.set()
                go_on.wait(10)
        finally:
            connection.close()

    writer = threading.Thread(target=slow)
    writer.start()
    begun.wait(10)
    sealed(2)
    assert Link.objects.count() == 2
    go_on.set()
    writer.join()
    sealed(0)
    late = Event.objects.get(kind="demo.remove")
    assert late.pk == Event.objects.earliest("id").pk
    assert Link.objects.get(event_id=late.pk).seq == 3
    assert verified().holds


def guarded(work: Callable[[], None], problems: list[BaseException]) -> threading.Thread:
    """A thread of its own connection whose error is kept."""

    def run() -> None:
        try:
            work()
        except BaseException as error:
            problems.append(error)
        finally:
            connection.close()

    return threading.Thread(target=run)


def write_ten() -> None:
    for _ in range(10):
        with transaction.atomic():
            written(2)


@pytest.mark.django_db(transaction=True)
def test_sixteen_writers_and_three_sealers() -> None:
    problems: list[BaseException] = []
    done = threading.Event()

    def seal() -> None:
        while not done.is_set():
            sealing.seal(at=clock.now(), most=7)

    writers = [guarded(write_ten, problems) for _ in range(16)]
    sealers = [guarded(seal, problems) for _ in range(3)]
    for thread in (*sealers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in sealers:
        thread.join()
    sealed(0)
    assert problems == []
    assert Link.objects.count() == Event.objects.count() == 320
    assert verified().holds


@pytest.mark.django_db
def test_a_new_key_is_introduced_by_the_old_one() -> None:
    sealed(1)
    key = audit.rotate_key(by=COMMAND, at=clock.now())
    sealed(1)
    assert Head.objects.latest("seq").key_id == key.pk
    assert verified().holds


@pytest.mark.django_db
def test_lines_leave_through_the_outbox(settings: LazySettings) -> None:
    sealed(1)
    (head,) = Message.objects.filter(kind="stream")
    assert json.loads(head.body)["hash"] == Link.objects.get().hash
    settings.OUTBOX_STREAM = parse_stream("syslog+tls://logs.example:6514")
    audit.record("demo.load", by=SYSTEM, on=ON, after={"text": "two  spaces, an ümlaut and a “quote”"})
    sealed(0)
    *_before, event, head = Message.objects.filter(kind="stream").order_by("number")
    link = Link.objects.latest("seq")
    line = json.loads(event.body)
    assert (line["seq"], line["hash"], json.loads(head.body)["seq"]) == (2, link.hash, 2)
    row = Event.objects.filter(pk=link.event_id).values(*chain.COLUMNS).get()
    assert line["event"] == chain.plain(row), "what is received is what was hashed"


@pytest.mark.django_db
def test_events_leave_many_to_a_message_in_order(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "LINES_BYTES", 20_000)
    settings.OUTBOX_STREAM = parse_stream("syslog+tls://logs.example:6514")
    for number in range(40):
        audit.record("demo.load", by=SYSTEM, on=ON, after={"text": f"{number} " + "long words " * 100})
    sealed(0)
    *events, head = Message.objects.filter(kind="stream").order_by("number")
    sizes = [len(one.body.encode()) for one in events]
    assert 3 <= len(events) < 10
    assert max(sizes) <= outbox.LINES_BYTES
    lines = [json.loads(line) for one in events for line in one.body.split("\n")]
    assert [line["seq"] for line in lines] == list(range(1, 41))
    assert [line["hash"] for line in lines] == list(Link.objects.order_by("seq").values_list("hash", flat=True))
    assert (json.loads(head.body)["audit"], json.loads(head.body)["seq"]) == ("head", 40)
