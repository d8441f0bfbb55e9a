"""5,000 people and 3,000 groups, nested a thousand deep: within the promised time and memory."""

import time
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from portal.accounts.models import GroupMembership, Identity, Provider, User
from portal.accounts.providers import declared, ldap
from tests.portal.accounts.providing import declare, group_names, is_signed_in, read, type_in
from tests.testbed.directories import Directory

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
SECONDS, MEBIBYTES = 60, 150


def everybody_came(provider: Provider, p: declared.LdapProvider) -> int:
    """Each person of the directory has an account here, and nothing is known of their groups."""
    found = list(ldap.people(p))
    users = [User(username=one.username, username_folded=one.username, password="!") for one in found]
    User.objects.bulk_create(users)
    Identity.objects.bulk_create(
        [
            Identity(provider=provider, user=user, subject=one.subject, username=one.username)
            for user, one in zip(users, found, strict=True)
        ]
    )
    return len(found)


def memory(what: str) -> float:
    """A figure of this process in MiB; VmHWM is the most since it was reset."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(what)).split()[1]) / 1024


def test_everybody_is_read_in_time_and_memory(large_openldap: Directory, settings: Settings) -> None:
    with connection.cursor() as cursor:
        # At the end every reference is checked in one statement, which takes its time for so many.
        cursor.execute("SET LOCAL statement_timeout = 0")
    (provider,) = declare(settings, large_openldap.provider_json())
    assert everybody_came(provider, large_openldap.provider()) == 5000
    figures = {}
    for turn in ("first", "again"):
        before = memory("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")
        begun = time.monotonic()
        outcome = read(provider)
        seconds = time.monotonic() - begun
        grown = memory("VmHWM") - before
        figures[turn] = (round(seconds, 1), round(grown))
        assert outcome.why == ""
        assert seconds < SECONDS, figures
        assert grown < MEBIBYTES, figures
    assert not outcome.changed
    assert len(group_names(provider, "deep")) >= 1000
    assert len(group_names(provider, "wide")) >= 1000
    assert GroupMembership.objects.count() > 100_000


def test_a_thousand_nested_groups_sign_in(large_openldap: Directory, settings: Settings) -> None:
    (provider,) = declare(settings, large_openldap.provider_json())
    read(provider)
    spans = []
    for name in ("deep", "wide") * 5:
        begun = time.monotonic()
        type_in(client := Client(), name, large_openldap.password_of(name))
        spans.append(time.monotonic() - begun)
        assert is_signed_in(client)
        assert len(group_names(provider, name)) >= 1000
    # The promised second is measured by `make bench`, on a machine that does nothing else.
    assert max(spans) < 8, spans
