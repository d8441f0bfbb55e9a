"""Recording: with the change, without secrets, and never changed afterwards."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from clusters.projects.services import projects, teams
from portal.audit import services as audit
from portal.audit.models import Checkpoint, Event, Head, Link
from portal.core import clock
from portal.core.actors import COMMAND, SYSTEM, Actor, Subject
from tests.portal.audit.chains import ON, sealed

pytestmark = pytest.mark.django_db


def test_nothing_of_the_audit_is_changed_or_deleted() -> None:
    sealed(2)
    Checkpoint.objects.create(seq=2, hash="0" * 64, cutoff=clock.now(), at=clock.now(), key_id=uuid4(), signature="x")
    for model in (Event, Link, Head, Checkpoint):
        field = "kind" if model is Event else "hash"
        for change in (
            lambda model=model, field=field: model.objects.update(**{field: "x"}),
            model.objects.all().delete,
        ):
            with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
                change()
    assert Event.objects.filter(kind="demo.load").count() == 2


@pytest.mark.parametrize("table", ["audit_event", "audit_link", "audit_head", "audit_checkpoint"])
def test_nothing_of_the_audit_is_emptied(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER {table}_no_truncate")
        with pytest.raises(DatabaseError, match="TRUNCATE is refused"), transaction.atomic():
            cursor.execute(f"TRUNCATE {table}")


def test_a_young_checkpoint_removes_nothing() -> None:
    sealed(2)
    now = clock.now()
    point = Checkpoint.objects.create(seq=2, hash="0" * 64, cutoff=now, at=now, key_id=uuid4(), signature="x")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT audit_prune(%s, 10)", [point.pk])
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('paddock.audit_prune', %s, true)", [str(point.pk)])
        cursor.execute("DELETE FROM audit_event")
    assert Event.objects.count() == 2


def test_an_unlisted_kind_is_a_mistake_in_the_code() -> None:
    with pytest.raises(ValueError, match="kinds.py"):
        audit.record("no.such.kind", by=SYSTEM, on=ON)


def test_an_event_goes_with_its_change() -> None:
    class Undo(Exception):
        pass

    with pytest.raises(Undo), transaction.atomic():
        audit.record("demo.load", by=SYSTEM, on=ON)
        raise Undo
    assert not Event.objects.exists()


def test_who_as_whom_and_by_which_token() -> None:
    by = Actor("user", "7", "ann\u202e\x07", "10.0.0.1", "abc", as_label="bob", token="t-1")
    audit.record("demo.load", by=by, on=Subject("thing", "1", "x" * 400, "/" + "y" * 600))
    event = Event.objects.get()
    assert (event.actor_label, event.as_label, event.token, event.request_id) == ("ann", "bob", "t-1", "abc")
    assert len(event.on_label) == 300
    assert event.on_url == ""


def test_a_project_event_carries_the_team_of_the_time() -> None:
    first, second = (teams.open(name=name, by=COMMAND, at=clock.now()) for name in ("first", "second"))
    project = projects.open(name="shop", team=first, by=COMMAND, at=datetime(2026, 1, 1, tzinfo=UTC))
    projects.move_to_team(project=project, team=second, by=COMMAND, at=clock.now())
    projects.change(project=project, name="store", description="", by=COMMAND)
    projects.close(project=project, by=COMMAND, at=clock.now())
    events = Event.objects.filter(project_id=project.pk).order_by("id")
    assert [event.kind.rpartition(".")[2] for event in events] == ["create", "move", "move", "change", "close"]
    expected = [first.pk, first.pk, second.pk, second.pk, second.pk]
    assert [event.team_id for event in events] == expected
    told = {event.team_id: f"{event.before} {event.after}" for event in events if event.kind == "projects.project.move"}
    assert "second" not in told[first.pk]
    assert "first" not in told[second.pk]
