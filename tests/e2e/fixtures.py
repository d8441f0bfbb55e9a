"""Fixtures over installations, for the tests of this folder and of tests/failure, whose conftests import them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from pytest_django.plugin import DjangoDbBlocker

from portal.local import folders
from tests.e2e.installation import Installation, Templates

MakeInstallation = Callable[[], Installation]


@pytest.fixture(scope="package")
def templates() -> Iterator[Templates]:
    """A migrated database to copy and collected static files."""
    with folders.temporary() as folder:
        made = Templates(folder)
        try:
            yield made
        finally:
            made.drop()


@pytest.fixture(scope="module")
def installed(templates: Templates, django_db_blocker: DjangoDbBlocker) -> Iterator[MakeInstallation]:
    """Makes installations of which nothing runs yet; a test joins the one it looks at."""
    with ExitStack() as made, django_db_blocker.unblock():

        def make() -> Installation:
            folder = made.enter_context(folders.temporary())
            return made.enter_context(Installation(templates, folder))

        yield make


@pytest.fixture(scope="module")
def paddock(installed: MakeInstallation) -> Iterator[Installation]:
    """The module's one installation, joined."""
    made = installed()
    with made.joined():
        yield made
