"""Whatever somebody with the database does to the audit, reading the chain names the place."""

import json
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from portal.audit import chain, signing, tasks, verification
from portal.audit import services as audit
from portal.audit.models import Check, Event, Head, Link, SigningKey
from portal.core import clock
from portal.core.actors import SYSTEM
from portal.jobs import runner
from portal.jobs.models import Job
from tests.portal.audit.chains import broken, exported, past_the_triggers, rechained, sealed, verified, written

pytestmark = pytest.mark.django_db


def event_at(seq: int) -> int:
    """The id of the event at a place."""
    return Link.objects.get(seq=seq).event_id


def month() -> str:
    return f"{clock.now():%Y-%m}"


@pytest.fixture(autouse=True)
def world() -> None:
    sealed(4, 4, 4)


def test_an_untouched_chain_holds() -> None:
    written(3)
    check = verified(verification.read_heads(exported()))
    assert (check.holds, check.events, check.heads) == (True, 12, 3)


@pytest.mark.parametrize("column", [name for name in chain.COLUMNS if name != "id"])
def test_a_changed_row(column: str) -> None:
    values: dict[str, Any] = {
        "at": datetime(2020, 1, 1, tzinfo=UTC),
        "team_id": "00000000-0000-0000-0000-000000000007",
        "project_id": "00000000-0000-0000-0000-000000000007",
        "before": "{}",
        "after": "{}",
    }
    with past_the_triggers() as cursor:
        cursor.execute(f"UPDATE audit_event SET {column} = %s WHERE id = %s", [values.get(column, "x"), event_at(6)])
    found = broken()
    assert (found["kind"], found["first"], found["last"]) == ("changed", 6, 6)
    assert found["month"] == ("2020-01" if column == "at" else month())


def test_a_removed_row() -> None:
    gone = event_at(6)
    with past_the_triggers() as cursor:
        cursor.execute("DELETE FROM audit_event WHERE id = %s", [gone])
    found = broken()
    assert (found["kind"], found["first"], found["month"], found["event"]) == ("missing", 6, month(), gone)


def test_a_removed_row_and_its_place() -> None:
    with past_the_triggers() as cursor:
        cursor.execute("DELETE FROM audit_event WHERE id = %s", [event_at(6)])
        cursor.execute("DELETE FROM audit_link WHERE seq = 6")
    found = broken()
    assert (found["kind"], found["first"], found["last"], found["month"]) == ("missing", 6, 6, month())


def test_a_row_removed_before_it_was_sealed() -> None:
    written(1)
    gone = Event.objects.latest("id").pk
    with past_the_triggers() as cursor:
        cursor.execute("DELETE FROM audit_event WHERE id = %s", [gone])
    assert (broken()["kind"], broken()["event"]) == ("missing", gone)


def test_a_row_put_in_past_the_sealer() -> None:
    with past_the_triggers():
        written(1)
    inserted = Event.objects.latest("id").pk
    found = broken()
    assert (found["kind"], found["event"], found["month"]) == ("inserted", inserted, month())


def test_a_row_put_into_the_past() -> None:
    Event.objects.create(at=datetime(2026, 2, 3, tzinfo=UTC), kind="demo.load", actor_kind="user", actor_id="7")
    sealed(0)
    found = broken()
    assert (found["kind"], found["first"], found["month"]) == ("inserted", 13, "2026-02")


def test_every_later_hash_written_again() -> None:
    with past_the_triggers() as cursor:
        cursor.execute("UPDATE audit_event SET actor_label = 'eve' WHERE id = %s", [event_at(6)])
        rechained(cursor, 6)
    found = broken()
    assert (found["kind"], found["first"], found["last"], found["month"]) == ("head", 5, 8, month())


def forged_heads(cursor: Any, first: int) -> None:
    """Sign every head again, as whoever has the sealed key and what opens it."""
    key = SigningKey.objects.get()
    for head in Head.objects.filter(seq__gte=first):
        own = Link.objects.get(seq=head.seq).hash
        text = chain.head_text(seq=head.seq, hash_=own, at=head.at, key=str(key.pk))
        cursor.execute(
            "UPDATE audit_head SET hash = %s, signature = %s WHERE seq = %s", [own, signing.sign(key, text), head.seq]
        )


def test_every_later_hash_and_signature_written_again(tmp_path: Path) -> None:
    kept = tmp_path / "heads.jsonl"
    kept.write_text("\n".join(exported()))
    with past_the_triggers() as cursor:
        cursor.execute("UPDATE audit_event SET actor_label = 'eve' WHERE id = %s", [event_at(6)])
        rechained(cursor, 6)
        forged_heads(cursor, 6)
    assert verified().holds, "nothing that stands here tells it"
    with pytest.raises(CommandError, match=rf"Places 5 to 8, {month()}: .* exported"):
        call_command("verify_audit", heads=kept, stdout=StringIO())
    found = broken(verification.read_heads(exported()[:1]) | {7: "f" * 64})
    assert (found["kind"], found["first"], found["last"]) == ("exported", 5, 7)


def test_the_stream_of_events_names_the_very_row() -> None:
    pins = {link.seq: link.hash for link in Link.objects.all()}
    with past_the_triggers() as cursor:
        cursor.execute("UPDATE audit_event SET actor_label = 'eve' WHERE id = %s", [event_at(6)])
        rechained(cursor, 6)
        forged_heads(cursor, 6)
    found = broken(pins)
    assert (found["kind"], found["first"], found["last"]) == ("exported", 6, 6)


def test_an_end_that_was_cut_off() -> None:
    pins = verification.read_heads(exported())
    last = [event_at(seq) for seq in range(9, 13)]
    with past_the_triggers() as cursor:
        cursor.execute("DELETE FROM audit_event WHERE id = ANY (%s)", [last])
        cursor.execute("DELETE FROM audit_link WHERE seq > 8")
    assert (broken()["kind"], broken()["first"], broken()["last"]) == ("cut", 9, 12)
    with past_the_triggers() as cursor:
        cursor.execute("DELETE FROM audit_head WHERE seq > 8")
    assert verified().holds
    assert (broken(pins)["kind"], broken(pins)["first"], broken(pins)["last"]) == ("cut", 9, 12)


def test_a_key_nobody_introduced() -> None:
    strange = signing._make(clock.now())
    with past_the_triggers() as cursor:
        cursor.execute("UPDATE audit_key SET created_at = created_at + interval '9 s' WHERE id = %s", [strange.pk])
    sealed(2)
    found = broken()
    assert (found["kind"], found["first"], found["last"]) == ("key", 13, 14)


def test_a_job_reads_in_slices_and_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "SLICE_SECONDS", -1.0)
    monkeypatch.setattr(verification, "BATCH", 5)
    check = audit.ask_for_check(by=SYSTEM, at=clock.now())
    assert audit.ask_for_check(by=SYSTEM, at=clock.now()).pk == check.pk, "one at a time"
    seen = []
    while job := Job.objects.open().filter(kind="portal.audit.verify").first():
        runner.run(job.pk)
        job.refresh_from_db()
        check.refresh_from_db()
        seen.append((job.state, job.done, job.total, check.events, check.finished_at is not None))
    assert seen == [
        ("succeeded", 5, 12, 5, False),
        ("succeeded", 10, 12, 10, False),
        ("succeeded", 12, 12, 12, False),
        ("succeeded", 0, None, 12, True),
    ]
    check.refresh_from_db()
    assert check.holds


def test_a_break_is_told_to_the_audit() -> None:
    with past_the_triggers() as cursor:
        cursor.execute("UPDATE audit_event SET kind = 'x' WHERE id = %s", [event_at(2)])
    assert not verified().holds
    event = Event.objects.get(kind="audit.chain.break")
    assert event.after is not None
    assert (event.after["first"], event.after["kind"]) == (2, "changed")


def test_the_command_says_what_it_read() -> None:
    said = StringIO()
    call_command("verify_audit", stdout=said)
    assert "holds up to place 12: 12 events, 3 signed heads" in said.getvalue()
    assert Check.objects.get().asked_by == "manage.py"


@pytest.mark.parametrize("text", ["", "x", "[]", '{"seq": 1}', '{"seq": "a", "hash": "b"}', '{"seq": 1, "hash": "b"}'])
def test_a_file_that_holds_no_heads(tmp_path: Path, text: str) -> None:
    file = tmp_path / "heads"
    file.write_text(text)
    with pytest.raises(CommandError, match="heads"):
        call_command("verify_audit", heads=file)
    with pytest.raises(CommandError):
        call_command("verify_audit", heads=tmp_path / "none")


def test_two_exports_that_contradict_each_other() -> None:
    lines = [json.dumps({"seq": 4, "hash": letter * 64}) for letter in "ab"]
    with pytest.raises(verification.BadHeads):
        verification.read_heads(lines)


def test_a_key_put_in_the_place_of_the_one_that_was_exported(tmp_path: Path) -> None:
    kept = tmp_path / "heads.jsonl"
    kept.write_text("\n".join(exported()))
    sealed(3)
    real, strange = SigningKey.objects.get(), signing._make(clock.now())
    with past_the_triggers() as cursor:
        # What was sealed after the export is written anew, and every head signed by a key of one's own.
        cursor.execute("UPDATE audit_event SET actor_label = 'eve' WHERE id = %s", [event_at(14)])
        rechained(cursor, 14)
        for head in Head.objects.all():
            own = Link.objects.get(seq=head.seq).hash
            text = chain.head_text(seq=head.seq, hash_=own, at=head.at, key=str(strange.pk))
            values = [own, str(strange.pk), signing.sign(strange, text), head.seq]
            cursor.execute("UPDATE audit_head SET hash = %s, key_id = %s, signature = %s WHERE seq = %s", values)
        cursor.execute("DELETE FROM audit_key WHERE id = %s", [real.pk])
    assert verified().holds, "nothing that stands here tells it"
    with pytest.raises(CommandError, match="Places 1 to 15, .* none of the keys here"):
        call_command("verify_audit", heads=kept, stdout=StringIO())
