"""Fixtures of every test."""

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

pytest_plugins = ["tests.people", "tests.fakes.fixtures", "tests.testbed.fixtures"]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Let tests with transactions of their own empty the audit behind them; a test of its own holds the refusal."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for table in ("event", "link", "head", "checkpoint"):
            cursor.execute(f"ALTER TABLE audit_{table} DISABLE TRIGGER audit_{table}_no_truncate")
