"""Signing in by a real OpenLDAP: who gets in, who does not, and what an administrator is told."""

import pytest

from portal.accounts.providers import ldap
from portal.accounts.providers.answers import ProviderDown, WrongCredentials
from tests.fakes import wires
from tests.testbed import ldif
from tests.testbed.directories import Directory

EVERY_STEP = ["input", "resolve", "connect", "service", "search", "bind", "groups"]


def test_a_person_is_found_with_direct_groups(openldap: Directory) -> None:
    found = ldap.authenticate(openldap.provider(), "ann", openldap.password_of("ann"))

    assert found.subject == openldap.subject_of("ann")
    assert (found.username, found.display_name, found.email) == ("ann", "Ann Sørensen", "ann@example.org")
    assert found.dn == openldap.person_dn("ann")
    assert found.groups == {openldap.group_id("team-blue")}
    assert not found.disabled


@pytest.mark.parametrize("member_of", [True, False])
def test_both_ways_to_find_groups_say_the_same(openldap: Directory, member_of: bool) -> None:
    found = ldap.authenticate(openldap.provider(use_member_of=member_of), "dan", openldap.password_of("dan"))

    wanted = ("developers", "system:masters", "paddock:admins")
    assert found.groups == {openldap.group_id(group) for group in wanted}


def test_start_tls_serves_as_well(openldap: Directory) -> None:
    plain = openldap.provider(servers=[f"ldap://127.0.0.1:{openldap.server.port}"])  # type: ignore[union-attr]

    assert ldap.authenticate(plain, "bob", openldap.password_of("bob")).username == "bob"


def test_any_of_several_login_attributes_will_do(openldap: Directory) -> None:
    p = openldap.provider(login_attributes=["uid", "mail"])

    assert ldap.authenticate(p, "bob@example.org", openldap.password_of("bob")).username == "bob"


@pytest.mark.parametrize(("who", "password"), [("ann", "wrong"), ("nobody", "wrong"), ("ann", ldif.password_of("bob"))])
def test_wrong_answers_are_alike(openldap: Directory, who: str, password: str) -> None:
    with pytest.raises(WrongCredentials):
        ldap.authenticate(openldap.provider(), who, password)


def test_this_directory_takes_a_name_without_a_password(openldap: Directory) -> None:
    """Or the next test would prove nothing."""
    openldap.root = (openldap.person_dn("ann"), "")

    assert "anonymous" in openldap.run("ldapwhoami")


@pytest.mark.parametrize("password", ["", " ", "\t \n", "\0", "\0secret", "secret\0", "x" * 1025])
def test_a_password_that_is_none_never_leaves(openldap: Directory, password: str) -> None:
    with pytest.raises(WrongCredentials):
        ldap.authenticate(openldap.provider(), "ann", password)
    with wires.silent() as line, pytest.raises(WrongCredentials):
        ldap.authenticate(openldap.provider(servers=[f"ldaps://127.0.0.1:{line.port}"]), "ann", password)
    assert line.taken == 0


@pytest.mark.parametrize("username", ["", " ", "ann\0", "an\nn", "\u202eann", "x" * 257])
def test_a_name_that_is_none_never_leaves(openldap: Directory, username: str) -> None:
    with wires.silent() as line, pytest.raises(WrongCredentials):
        ldap.authenticate(openldap.provider(servers=[f"ldaps://127.0.0.1:{line.port}"]), username, "secret")
    assert line.taken == 0


@pytest.mark.parametrize(
    "username",
    [
        "*",
        "a*",
        "an?",
        "*)(uid=*",
        "ann)(&)",
        "a)(&)",
        "ann)(|(uid=*",
        "*)(|(uid=*))",
        "ann\\2a",
        "\\61nn",
        "(",
        ")",
        "\\",
    ],
)
def test_letters_of_filters_are_letters(openldap: Directory, username: str) -> None:
    """With the password of ann: whoever gets in got in as her."""
    with pytest.raises(WrongCredentials):
        ldap.authenticate(openldap.provider(), username, openldap.password_of("ann"))


def test_a_name_with_letters_of_filters_signs_in(openldap: Directory) -> None:
    openldap.add_person("o*neil")

    found = ldap.authenticate(openldap.provider(), "o*neil", openldap.password_of("o*neil"))

    assert found.subject == openldap.subject_of("o*neil")


@pytest.mark.parametrize("matches", [2, 3])
def test_several_matches_are_none(openldap: Directory, matches: int) -> None:
    for number in range(matches):
        openldap.modify(ldif.person_dn(f"person{number:02}"), "add: mail\nmail: shared@example.org")
    p = openldap.provider(login_attributes=["mail"])

    for number in range(matches):
        with pytest.raises(WrongCredentials, match="accounts match"):
            ldap.authenticate(p, "shared@example.org", openldap.password_of(f"person{number:02}"))


def test_the_person_of_another_tree_is_another_person(openldap: Directory) -> None:
    other = openldap.provider(people_base=f"ou=people,{ldif.OTHER_TREE}", groups_base=f"ou=groups,{ldif.OTHER_TREE}")
    here = ldap.authenticate(openldap.provider(), "ann", openldap.password_of("ann"))
    there = ldap.authenticate(other, "ann", openldap.password_of("ann"))

    assert here.subject != there.subject
    assert not here.groups & there.groups
    with pytest.raises(WrongCredentials):
        ldap.authenticate(other, "bob", openldap.password_of("bob"))
    # Over both trees the name means two people.
    with pytest.raises(WrongCredentials, match="Two accounts match"):
        ldap.authenticate(openldap.provider(people_base=ldif.BASE), "ann", openldap.password_of("ann"))


def test_a_name_that_looks_like_a_distinguished_one_is_a_name(openldap: Directory) -> None:
    with pytest.raises(WrongCredentials):
        ldap.authenticate(openldap.provider(), ldif.person_dn("ann"), openldap.password_of("ann"))


def test_a_service_account_that_is_refused_is_no_wrong_password(openldap: Directory) -> None:
    with pytest.raises(ProviderDown, match="service account"):
        ldap.authenticate(openldap.provider(bind_password="old"), "ann", openldap.password_of("ann"))


def test_the_trace_tells_every_step(openldap: Directory) -> None:
    steps = ldap.trace(openldap.provider(), "ann", openldap.password_of("ann"))

    assert [step.name for step in steps] == EVERY_STEP
    assert all(step.ok for step in steps)
    assert "1 group" in steps[-1].text


def test_the_trace_names_what_failed_and_what_was_not_reached(openldap: Directory) -> None:
    wrong = ldap.trace(openldap.provider(), "ann", "a wrong one")
    unknown = ldap.trace(openldap.provider(), "nobody", "a wrong one")
    blank = ldap.trace(openldap.provider(), "ann", " ")

    assert [step.ok for step in wrong] == [True, True, True, True, True, False, None]
    assert [step.ok for step in unknown] == [True, True, True, True, False, None, None]
    assert [step.ok for step in blank] == [False, None, None, None, None, None, None]
    assert unknown[4].text == "No account matches."


def test_no_trace_holds_a_password(openldap: Directory) -> None:
    canary = "canary-7f3a"
    p = openldap.provider(bind_password=canary)
    steps = ldap.trace(openldap.provider(), "ann", canary) + ldap.trace(p, "ann", canary)
    down = openldap.provider(servers=["ldaps://127.0.0.1:1"], bind_password=canary)

    assert canary not in repr(
        steps + ldap.trace(down, "ann", canary) + ldap.trace(p, "ann", openldap.password_of("ann"))
    )
    assert canary not in repr(p)
