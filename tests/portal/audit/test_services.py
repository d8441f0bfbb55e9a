"""The audit stands alone and never changes."""

import pytest
from django.db import DatabaseError, transaction

from portal.audit import services as audit
from portal.audit.models import Event
from portal.core.actors import SYSTEM, Subject

pytestmark = pytest.mark.django_db
ON = Subject("thing", "1", "a thing")


def test_an_event_is_never_changed_or_deleted() -> None:
    audit.record("demo.load", by=SYSTEM, on=ON)
    for change in (lambda: Event.objects.update(kind="x"), lambda: Event.objects.all().delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    assert Event.objects.get().kind == "demo.load"


def test_values_named_like_secrets_are_masked() -> None:
    audit.record("demo.load", by=SYSTEM, on=ON, after={"api_token": "abc", "kubeconfig": "yaml", "name": "x"})
    assert Event.objects.get().after == {"api_token": audit.MASK, "kubeconfig": audit.MASK, "name": "x"}


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
