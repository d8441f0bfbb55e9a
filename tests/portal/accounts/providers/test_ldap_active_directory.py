"""Active Directory, served by Samba: groups in groups, slices of long lists, accounts that are switched off."""

import pytest

from portal.accounts.providers import ldap
from portal.accounts.providers.answers import ProviderDown, WrongCredentials
from portal.accounts.providers.ldap import entries, reading
from tests.testbed import samba
from tests.testbed.directories import MASS, Directory

pytestmark = pytest.mark.slow
WAYS = pytest.mark.parametrize("member_of", [True, False], ids=["memberOf", "member"])


def names_of(directory: Directory, ids: frozenset[str]) -> set[str]:
    return {group.name for group in ldap.groups(directory.provider()) if group.external_id in ids}


@pytest.mark.parametrize("username", ["ann", "ANN", "ann@example.test"])
def test_a_person_signs_in_by_both_names(active_directory: Directory, username: str) -> None:
    found = ldap.authenticate(active_directory.provider(), username, active_directory.password_of("ann"))

    assert found.subject == active_directory.subject_of("ann")
    assert (found.username, found.email, found.disabled) == ("ann", "ann@example.test", False)
    assert names_of(active_directory, found.groups) == {"blue", "Domain Users"}
    assert found.through == frozenset()


def test_start_tls_serves_as_well(active_directory: Directory) -> None:
    p = active_directory.provider(servers=[active_directory.url.replace("ldaps:", "ldap:")])

    assert ldap.authenticate(p, "bob", active_directory.password_of("bob")).username == "bob"


def test_the_directory_itself_follows_the_chain(active_directory: Directory) -> None:
    found = ldap.authenticate(active_directory.provider(in_chain=True), "ann", active_directory.password_of("ann"))

    assert names_of(active_directory, found.through) == {"developers", "everyone"}


def test_the_chain_is_that_of_the_catalogue(active_directory: Directory) -> None:
    groups = {group.external_id: group for group in ldap.groups(active_directory.provider())}
    found = ldap.authenticate(active_directory.provider(in_chain=True), "ann", active_directory.password_of("ann"))
    reached: set[str] = set()
    waiting = [active_directory.group_id("blue")]
    while waiting:
        parents = groups[waiting.pop()].parents - reached
        reached |= parents
        waiting += parents

    assert reached == found.through


def test_references_to_other_partitions_are_not_asked_for(active_directory: Directory) -> None:
    """Below the base of the domain they would stand in every answer."""
    p = active_directory.provider(people_base=samba.BASE, groups_base=samba.BASE)

    assert ldap.authenticate(p, "ann", active_directory.password_of("ann")).username == "ann"
    assert {"Administrator", "ann"} <= {found.username for found in ldap.people(p)}


@WAYS
@pytest.mark.parametrize("size", [100, 1500], ids=["small slices", "usual slices"])
def test_a_group_of_three_thousand_is_read_whole(
    active_directory: Directory, member_of: bool, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "SLICE", f"0-{size - 1}")
    mass = active_directory.group_id("mass")
    people = list(ldap.people(active_directory.provider(use_member_of=member_of)))

    assert sum(mass in found.groups for found in people) == MASS
    assert len({found.subject for found in people}) == len(people)


@WAYS
def test_memberships_and_nesting_are_the_same_either_way(active_directory: Directory, member_of: bool) -> None:
    p = active_directory.provider(use_member_of=member_of, page_size=50)
    ann = active_directory.subject_of("ann")
    few = list(ldap.people(p, subjects=[ann]))
    groups = {group.name: group for group in ldap.groups(p)}

    assert names_of(active_directory, few[0].groups) == {"blue", "Domain Users"}
    assert few == [found for found in ldap.people(p) if found.subject == ann]
    assert groups["blue"].parents == {groups["developers"].external_id}
    assert groups["Domain Users"].parents == {groups["Users"].external_id}


@pytest.mark.parametrize("person", ["off", "expired"])
def test_an_account_that_is_off_gets_no_further(active_directory: Directory, person: str) -> None:
    p = active_directory.provider()

    with pytest.raises(WrongCredentials):
        ldap.authenticate(p, person, active_directory.password_of(person))
    (found,) = ldap.people(p, subjects=[active_directory.subject_of(person)])
    assert found.disabled


def test_a_person_who_is_switched_off_and_on(active_directory: Directory) -> None:
    active_directory.add_person("gil")
    p, subject = active_directory.provider(), active_directory.subject_of("gil")
    seen = []
    for flags in (samba.NORMAL, samba.DISABLED, samba.NORMAL):
        changes = f"replace: userAccountControl\nuserAccountControl: {flags}"
        active_directory.modify(active_directory.person_dn("gil"), changes)
        seen += [found.disabled for found in ldap.people(p, subjects=[subject])]

    assert seen == [False, True, False]


def test_a_locked_account_is_switched_off(active_directory: Directory) -> None:
    active_directory.add_person("hal")
    p, subject = active_directory.provider(), active_directory.subject_of("hal")
    active_directory.modify(samba.BASE, "replace: lockoutThreshold\nlockoutThreshold: 3")
    try:
        for _ in range(4):
            with pytest.raises(WrongCredentials):
                ldap.authenticate(p, "hal", "wrong")
        with pytest.raises(WrongCredentials):
            ldap.authenticate(p, "hal", active_directory.password_of("hal"))
        assert [found.disabled for found in ldap.people(p, subjects=[subject])] == [True]
    finally:
        active_directory.modify(samba.BASE, "replace: lockoutThreshold\nlockoutThreshold: 0")


def test_a_renamed_person_stays_the_same(active_directory: Directory) -> None:
    active_directory.add_person("ida")
    active_directory.add_member("blue", "ida")
    p = active_directory.provider()
    before = ldap.authenticate(p, "ida", active_directory.password_of("ida"))
    active_directory.rename_person("ida", "ines")
    after = ldap.authenticate(p, "ines", active_directory.password_of("ida"))

    assert after.subject == before.subject
    assert after.groups == before.groups
    assert (after.username, after.dn) == ("ines", active_directory.person_dn("ines"))
    with pytest.raises(WrongCredentials):
        ldap.authenticate(p, "ida", active_directory.password_of("ida"))
    active_directory.remove_person("ines")
    assert list(ldap.people(p, subjects=[before.subject])) == []


def test_somebody_new_under_an_old_name_is_somebody_else(active_directory: Directory) -> None:
    active_directory.add_person("jan")
    before = active_directory.subject_of("jan")
    active_directory.remove_person("jan")
    active_directory.add_person("jan")

    assert active_directory.subject_of("jan") != before
    assert list(ldap.people(active_directory.provider(), subjects=[before])) == []


def test_another_primary_group_counts(active_directory: Directory) -> None:
    active_directory.add_person("kim")
    active_directory.add_group("payroll", "kim")
    told = active_directory.run("ldapsearch", "-LLL", "-b", active_directory.group_dn("payroll"), "primaryGroupToken")
    token = told.split("primaryGroupToken: ")[1].split()[0]
    changes = f"replace: primaryGroupID\nprimaryGroupID: {token}"
    active_directory.modify(active_directory.person_dn("kim"), changes)

    found = ldap.authenticate(active_directory.provider(), "kim", active_directory.password_of("kim"))

    assert active_directory.group_id("payroll") in found.groups
    assert found.groups == next(
        person.groups for person in ldap.people(active_directory.provider()) if person.username == "kim"
    )


@pytest.mark.parametrize("username", ["*", "an*", "*)(objectClass=*", "ann)(&)"])
def test_letters_of_filters_are_letters(active_directory: Directory, username: str) -> None:
    with pytest.raises(WrongCredentials):
        ldap.authenticate(active_directory.provider(), username, active_directory.password_of("ann"))


def test_a_frozen_domain_is_given_up(active_directory: Directory) -> None:
    with active_directory.frozen(), pytest.raises(ProviderDown):
        ldap.authenticate(active_directory.provider(), "ann", active_directory.password_of("ann"))


def test_many_are_asked_for_all_at_once(active_directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "FEW", 1)
    subjects = [active_directory.subject_of(person) for person in ("ann", "bob", "off")]

    found = list(ldap.people(active_directory.provider(), subjects=subjects))

    assert {person.username for person in found} == {"ann", "bob", "off"}
