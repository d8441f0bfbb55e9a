"""One pair of teams with the whole cast, made once for a module; what a test changes is undone."""

from collections.abc import Iterator

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from portal.core import clock
from tests.architecture import cast
from tests.architecture.matrix import Sweep
from tests.factories import rivals


@pytest.fixture(scope="module")
def sweep(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Sweep]:
    """The world and its people, at the world's present."""
    with pytest.MonkeyPatch.context() as patched, django_db_blocker.unblock(), transaction.atomic():
        patched.setattr(clock, "now", lambda: rivals.AT)
        world = rivals.world()
        yield Sweep(world, cast.every(world))
        transaction.set_rollback(True)


@pytest.fixture
def undone(sweep: Sweep) -> Iterator[None]:
    """Undo what the test changes in the world."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
