"""The people of the tests: ann (admin), bob (project member), cleo (viewer), dan (other team), fay (finance)."""

import pytest
from django.test import Client

from portal.accounts import services as accounts
from portal.accounts.bindings import role_bindings
from portal.accounts.models import User
from portal.core import clock
from portal.core.actors import COMMAND

PASSWORD = "a-long-enough-password-7"


def person(username: str, *roles: str) -> User:
    """Make a person with roles over everything."""
    user, _password = accounts.create_user(username=username, by=COMMAND, password=PASSWORD)
    for role in roles:
        role_bindings.grant(user=user, role=role, scope=role_bindings.EVERYTHING, by=COMMAND, at=clock.now())
    return user


def client_of(user: User) -> Client:
    """Return a browser in which the person is signed in."""
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def ann(db: None) -> User:
    """The administrator, who sees cost too."""
    return person("ann", "admin", "finance")


@pytest.fixture
def fay(db: None) -> User:
    """Finance."""
    return person("fay", "finance")


@pytest.fixture
def bob(db: None) -> User:
    """Nobody's member until the test makes him one."""
    return person("bob")


@pytest.fixture
def cleo(db: None) -> User:
    """Nobody's viewer until the test makes her one."""
    return person("cleo")


@pytest.fixture
def dan(db: None) -> User:
    """Of another team."""
    return person("dan")
