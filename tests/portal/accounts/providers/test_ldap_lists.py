"""Whole lists of a real OpenLDAP: groups with what they stand in, people with what they are in, at size too."""

import time
import tracemalloc
import uuid

import pytest

from portal.accounts.providers import ldap
from portal.accounts.providers.answers import Found, Group
from portal.accounts.providers.declared import LdapProvider
from portal.accounts.providers.ldap import reading
from tests.testbed import ldif
from tests.testbed.directories import Directory

WAYS = pytest.mark.parametrize("member_of", [False, True], ids=["member", "memberOf"])


def groups_of(p: LdapProvider) -> dict[str, Group]:
    """By path."""
    return {group.path: group for group in ldap.groups(p)}


def people_of(p: LdapProvider) -> dict[str, Found]:
    return {found.username: found for found in ldap.people(p)}


def reached(groups: dict[str, Group], start: frozenset[str]) -> set[str]:
    """Ids of these groups and of all they stand in."""
    by_id = {group.external_id: group for group in groups.values()}
    found: set[str] = set()
    waiting = list(start)
    while waiting:
        group = waiting.pop()
        if group not in found:
            found.add(group)
            waiting += by_id[group].parents
    return found


@WAYS
@pytest.mark.parametrize("page_size", [1, 3, 500])
def test_groups_name_what_they_stand_in(openldap: Directory, member_of: bool, page_size: int) -> None:
    groups = groups_of(openldap.provider(use_member_of=member_of, page_size=page_size))

    inside = {
        group.name: {parent.name for parent in groups.values() if parent.external_id in group.parents}
        for group in groups.values()
    }
    assert inside == {
        "team-blue": {"developers"},
        "team-red": {"developers"},
        "developers": {"everybody"},
        "everybody": set(),
        "loop-a": {"loop-b"},
        "loop-b": {"loop-a"},
        "system:masters": set(),
        "paddock:admins": set(),
    }


@WAYS
def test_without_nesting_no_group_stands_in_another(openldap: Directory, member_of: bool) -> None:
    groups = groups_of(openldap.provider(use_member_of=member_of, nested=False))

    assert len(groups) == 8
    assert not any(group.parents for group in groups.values())


@WAYS
@pytest.mark.parametrize("page_size", [1, 7, 500])
def test_everybody_is_listed_with_direct_groups(openldap: Directory, member_of: bool, page_size: int) -> None:
    people = people_of(openldap.provider(use_member_of=member_of, page_size=page_size))

    assert len(people) == 25
    assert people["ann"].groups == {openldap.group_id("team-blue")}
    assert people["fay"].groups == {openldap.group_id("loop-a")}
    assert people["person07"].groups == {openldap.group_id("everybody")}
    assert people["ann"] == ldap.authenticate(openldap.provider(), "ann", openldap.password_of("ann"))


@WAYS
@pytest.mark.parametrize("few", [100, 0], ids=["one by one", "all at once"])
def test_only_who_was_asked_for_is_listed(
    openldap: Directory, member_of: bool, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "FEW", few)
    p = openldap.provider(use_member_of=member_of)
    absent = str(uuid.uuid4())

    found = list(ldap.people(p, subjects=[openldap.subject_of("ann"), absent, openldap.subject_of("dan")]))

    assert {person.username: len(person.groups) for person in found} == {"ann": 1, "dan": 3}
    assert list(ldap.people(p, subjects=[absent])) == []
    assert list(ldap.people(p, subjects=["*)(uid=*"])) == []


def test_nobody_asked_for_is_nobody(openldap: Directory) -> None:
    assert list(ldap.people(openldap.provider(), subjects=[])) == []


@WAYS
def test_changes_are_seen(openldap: Directory, member_of: bool) -> None:
    p = openldap.provider(use_member_of=member_of)
    subject = openldap.subject_of("ann")
    openldap.remove_member("team-blue", "ann")
    openldap.add_member("team-red", "ann")
    openldap.add_member("loop-a", "@team-red")
    openldap.rename_person("ann", "anna")
    openldap.remove_person("bob")

    people, groups = people_of(p), groups_of(p)

    assert people["anna"].subject == subject
    assert people["anna"].groups == {openldap.group_id("team-red")}
    assert openldap.group_id("loop-a") in groups[ldif.group_dn("team-red")].parents
    assert "ann" not in people
    assert "bob" not in people
    assert ldap.authenticate(p, "anna", openldap.password_of("ann")).subject == subject


def test_a_group_made_again_is_another_group(openldap: Directory) -> None:
    before = groups_of(openldap.provider())[ldif.group_dn("team-red")]
    openldap.remove_group("team-red")
    openldap.add_group("team-red", "cleo")
    after = groups_of(openldap.provider())[ldif.group_dn("team-red")]

    assert before.name == after.name
    assert before.external_id != after.external_id


def test_one_name_in_two_trees_is_two_groups(openldap: Directory) -> None:
    p = openldap.provider(groups_base=ldif.BASE, people_base=ldif.BASE)
    both = [group for group in ldap.groups(p) if group.name == "team-blue"]

    assert {group.path for group in both} == {ldif.group_dn("team-blue"), f"cn=team-blue,ou=groups,{ldif.OTHER_TREE}"}
    members = {
        group.path: {found.dn for found in ldap.people(p) if group.external_id in found.groups} for group in both
    }
    assert members[ldif.group_dn("team-blue")] == {ldif.person_dn("ann"), ldif.person_dn("bob")}
    assert members[f"cn=team-blue,ou=groups,{ldif.OTHER_TREE}"] == {f"uid=ann,ou=people,{ldif.OTHER_TREE}"}


def test_names_written_in_other_ways_are_the_same_names(openldap: Directory) -> None:
    """A directory keeps a member as it was typed."""
    openldap.modify(openldap.group_dn("team-red"), "add: member\nmember: UID=Fay, ou=People,  dc=example,dc=ORG")
    openldap.modify(openldap.group_dn("loop-a"), "add: member\nmember: CN=Team-Red,OU=groups, DC=example, DC=org")

    assert openldap.group_id("team-red") in people_of(openldap.provider())["fay"].groups
    assert openldap.group_id("loop-a") in groups_of(openldap.provider())[ldif.group_dn("team-red")].parents


def test_what_people_write_is_one_clean_line(openldap: Directory) -> None:
    openldap.modify(openldap.person_dn("fay"), "replace: cn\ncn:: " + "RmFcGwBbMW0K4oCuZXZpbA==")
    openldap.modify(openldap.person_dn("bob"), f"replace: cn\ncn: {'x' * 3000}")

    people = people_of(openldap.provider())

    assert people["fay"].display_name.isprintable()
    assert len(people["bob"].display_name) == 200


@WAYS
def test_a_group_one_may_not_see_is_left_out(openldap: Directory, member_of: bool) -> None:
    p = openldap.provider(use_member_of=member_of, groups_filter="(&(objectClass=groupOfNames)(cn=team-*))")

    assert {group.name for group in ldap.groups(p)} == {"team-blue", "team-red"}
    assert ldap.authenticate(p, "dan", openldap.password_of("dan")).groups == frozenset()
    assert people_of(p)["dan"].groups == frozenset()


@pytest.mark.slow
@WAYS
@pytest.mark.parametrize(("who", "direct"), [("deep", 1), ("wide", 1000)])
def test_a_thousand_groups_do_not_slow_a_sign_in(
    large_openldap: Directory, member_of: bool, who: str, direct: int
) -> None:
    p = large_openldap.provider(use_member_of=member_of)
    taken = []
    for _ in range(40):
        begun = time.perf_counter()
        found = ldap.authenticate(p, who, large_openldap.password_of(who))
        taken.append(time.perf_counter() - begun)

    assert len(found.groups) == direct
    assert len(reached(groups_of(p), found.groups)) >= 1000
    assert sorted(taken)[37] < 1.0


@pytest.mark.slow
@WAYS
def test_a_large_directory_is_read_quickly_and_in_little_memory(large_openldap: Directory, member_of: bool) -> None:
    p = large_openldap.provider(use_member_of=member_of)
    tracemalloc.start()
    begun = time.perf_counter()
    groups = sum(1 for _ in ldap.groups(p))
    people = memberships = 0
    for found in ldap.people(p):
        people += 1
        memberships += len(found.groups)
    taken = time.perf_counter() - begun
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert (people, groups) == (5000, 3000)
    assert memberships == 4998 * 10 + 1000 + 1
    assert taken < 60
    assert peak < 100_000_000
