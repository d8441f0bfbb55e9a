"""Signing in with a real Active Directory domain, and its refresh."""

import pytest
from django.test import Client
from pytest_django import Settings

from portal.accounts.models import Provider
from tests.portal.accounts.providing import declare, group_names, identity, is_signed_in, read, signed_in_as, type_in
from tests.testbed.directories import Directory

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
REACHED = {"blue", "developers", "everyone", "Domain Users"}


@pytest.fixture
def domain(active_directory: Directory, settings: Settings) -> Provider:
    """The domain, enabled and read once."""
    (provider,) = declare(settings, active_directory.provider_json("domain", in_chain=True))
    assert read(provider).why == ""
    return provider


@pytest.mark.parametrize("username", ["ann", "ANN", "ann@example.test"])
def test_a_person_of_the_domain_signs_in(active_directory: Directory, domain: Provider, username: str) -> None:
    type_in(client := Client(), username, active_directory.password_of("ann"))
    assert signed_in_as(client).username == "ann"
    assert group_names(domain, "ann") >= REACHED


@pytest.mark.parametrize("username", ["off", "expired"])
def test_a_disabled_or_expired_account_stays_out(active_directory: Directory, domain: Provider, username: str) -> None:
    type_in(client := Client(), username, active_directory.password_of(username))
    assert not is_signed_in(client)


def test_the_refresh_agrees_with_the_sign_in(active_directory: Directory, domain: Provider) -> None:
    """The domain follows its chain itself at a sign-in; the refresh follows the catalogue."""
    type_in(Client(), "ann", active_directory.password_of("ann"))
    before = group_names(domain, "ann")
    outcome = read(domain)
    assert (outcome.members_added, outcome.members_removed) == (0, 0)
    assert group_names(domain, "ann") == before


def test_an_account_switched_off_there_is_out_here(active_directory: Directory, domain: Provider) -> None:
    type_in(client := Client(), "bob", active_directory.password_of("bob"))
    assert is_signed_in(client)
    dn = active_directory.person_dn("bob")
    active_directory.modify(dn, "replace: userAccountControl\nuserAccountControl: 514")
    try:
        read(domain)
        assert identity(domain, "bob").state == "disabled"
        assert not is_signed_in(client)
    finally:
        active_directory.modify(dn, "replace: userAccountControl\nuserAccountControl: 512")
    read(domain)
    assert identity(domain, "bob").state == "active"
