"""Signing in with a real directory, through the page."""

import pytest
from django.test import Client
from pytest_django import Settings

from portal.accounts import limits
from portal.accounts.models import Binding, Identity, User
from portal.audit.models import Event
from tests.people import PASSWORD, client_of, person
from tests.portal.accounts.providing import (
    declare,
    group_names,
    identity,
    is_signed_in,
    read,
    signed_in_as,
    type_in,
)
from tests.testbed import ldif
from tests.testbed.directories import Directory

pytestmark = pytest.mark.django_db


def test_the_first_sign_in_makes_a_person_without_rights(openldap: Directory, settings: Settings) -> None:
    (provider,) = declare(settings, openldap.provider_json())
    read(provider)
    client = Client()

    answer = type_in(client, "ann", openldap.password_of("ann"), next="/profile/")

    assert answer.headers["Location"] == "/profile/", answer.content.decode()
    user = signed_in_as(client)
    assert (user.username, user.display_name, user.email) == ("ann", "Ann Sørensen", "ann@example.org")
    assert not user.has_usable_password()
    assert user.rights() == []
    assert group_names(provider, "ann") == {"team-blue", "developers", "everybody"}
    direct = identity(provider, "ann").memberships.filter(direct=True)
    assert [one.group.name for one in direct] == ["team-blue"]
    assert identity(provider, "ann").groups_as_of is not None
    started = Event.objects.get(kind="accounts.session.start", actor_label="ann")
    assert started.after == {"by": "corp", "second": False}


def test_the_second_sign_in_finds_the_same_person_after_a_rename(openldap: Directory, settings: Settings) -> None:
    (provider,) = declare(settings, openldap.provider_json())
    read(provider)
    type_in(first := Client(), "ann", openldap.password_of("ann"))
    openldap.rename_person("ann", "anna")

    type_in(second := Client(), "anna", openldap.password_of("ann"))

    assert signed_in_as(second) == signed_in_as(first)
    assert signed_in_as(second).username == "ann"
    assert identity(provider, "anna").former_names == ["ann"]


def test_a_name_that_is_taken_here_is_never_taken_over(openldap: Directory, settings: Settings) -> None:
    """The same name, in another case, and the same mail address: still somebody else."""
    local = person("ANN", "admin")
    User.objects.filter(pk=local.pk).update(email="ann@example.org")
    declare(settings, openldap.provider_json())

    type_in(client := Client(), "ann", openldap.password_of("ann"))

    assert signed_in_as(client).username == "ann.corp"
    assert signed_in_as(client).rights() == []
    type_in(other := Client(), "ann", PASSWORD)
    assert signed_in_as(other) == local


def test_a_name_given_to_somebody_new_is_another_person(openldap: Directory, settings: Settings) -> None:
    (provider,) = declare(settings, openldap.provider_json())
    read(provider)
    type_in(first := Client(), "ann", openldap.password_of("ann"))
    openldap.rename_person("ann", "anna")
    openldap.add_person("ann")

    type_in(second := Client(), "ann", openldap.password_of("ann"))

    assert signed_in_as(second) != signed_in_as(first)
    assert signed_in_as(second).username == "ann.corp"
    assert Identity.objects.filter(provider=provider).count() == 2


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("ann", ""),
        ("ann", " "),
        ("ann", "\t\n"),
        ("ann", "wrong"),
        ("nobody", "wrong"),
        ("*", "{ann}"),
        ("ann)(uid=*", "{ann}"),
        ("*)(uid=*", "{ann}"),
        ("a)(&)", "{ann}"),
        (ldif.person_dn("ann"), "{ann}"),
        (f"uid=ann,ou=people,{ldif.OTHER_TREE}", "{ann}"),
        ("ann\0", "{ann}"),
        ("cn=paddock", ldif.SERVICE_PASSWORD),
        ("", "{ann}"),
    ],
)
def test_nothing_but_the_right_name_and_password_opens(
    openldap: Directory, settings: Settings, username: str, password: str
) -> None:
    declare(settings, openldap.provider_json())
    right = openldap.password_of("ann")

    answer = type_in(client := Client(), username, password.replace("{ann}", right))

    assert answer.status_code == 422
    assert not is_signed_in(client)
    assert not User.objects.exists()
    assert right not in answer.content.decode()


def test_wrong_and_unknown_read_alike(openldap: Directory, settings: Settings) -> None:
    declare(settings, openldap.provider_json())
    texts = []
    for username in ("ann", "nobody"):
        answer = type_in(Client(), username, "wrong")
        assert answer.status_code == 422
        texts.append([error for errors in answer.context["form"].errors.values() for error in errors])
    assert texts[0] == texts[1] == ["This user name and password do not go together."]


def test_tries_are_counted_for_directories_too(openldap: Directory, settings: Settings) -> None:
    declare(settings, openldap.provider_json())
    for _turn in range(limits.PER_ACCOUNT):
        type_in(Client(), "ann", "wrong")

    answer = type_in(client := Client(), "ann", openldap.password_of("ann"))

    assert answer.status_code == 429
    assert "Too many tries" in answer.content.decode()
    assert not is_signed_in(client)


def test_a_directory_that_is_down_blocks_nobody_local(openldap: Directory, settings: Settings) -> None:
    person("eve", "admin")
    (provider,) = declare(settings, openldap.provider_json())
    openldap.stop()

    refused = type_in(Client(), "ann", openldap.password_of("ann"))
    type_in(client := Client(), "eve", PASSWORD)

    assert refused.status_code == 422
    text = refused.content.decode()
    assert f"{provider.name} cannot be reached" in text
    assert refused.headers["X-Request-Id"] in text
    assert is_signed_in(client)


def test_a_frozen_directory_is_given_up(openldap: Directory, settings: Settings) -> None:
    declare(settings, openldap.provider_json(seconds=2))
    with openldap.frozen():
        answer = type_in(Client(), "ann", openldap.password_of("ann"))
    assert answer.status_code == 422
    assert "cannot be reached" in answer.content.decode()


def test_a_disabled_provider_lets_nobody_in(openldap: Directory, settings: Settings) -> None:
    declare(settings, openldap.provider_json(), enabled=False)
    type_in(client := Client(), "ann", openldap.password_of("ann"))
    assert not is_signed_in(client)


def test_a_deactivated_person_stays_out(ann: User, openldap: Directory, settings: Settings) -> None:
    declare(settings, openldap.provider_json())
    type_in(client := Client(), "bob", openldap.password_of("bob"))
    client_of(ann).post("/people/of/bob/active/", {"active": "0"})

    assert not is_signed_in(client)
    answer = type_in(client, "bob", openldap.password_of("bob"))

    assert not is_signed_in(client)
    assert "may not sign in here" in answer.content.decode()


def test_several_directories_offer_a_choice(openldap: Directory, settings: Settings) -> None:
    bases = {"people_base": f"ou=people,{ldif.OTHER_TREE}", "groups_base": f"ou=groups,{ldif.OTHER_TREE}"}
    other = openldap.provider_json("second", name="Other tree", **bases)
    declare(settings, openldap.provider_json(), other)
    page = Client().get("/sign-in/").content.decode()
    assert "Other tree" in page

    type_in(client := Client(), "bob", openldap.password_of("bob"), where="second")
    assert not is_signed_in(client)
    type_in(client, "bob", openldap.password_of("bob"), where="corp")
    assert is_signed_in(client)


def test_groups_of_any_name_give_nothing(openldap: Directory, settings: Settings) -> None:
    (provider,) = declare(settings, openldap.provider_json())
    read(provider)
    type_in(client := Client(), "dan", openldap.password_of("dan"))
    assert {"system:masters", "paddock:admins"} <= group_names(provider, "dan")
    assert signed_in_as(client).rights() == []
    assert not Binding.objects.filter(user__username="dan").exists()


def test_listed_groups_and_people_get_in(openldap: Directory, settings: Settings) -> None:
    (provider,) = declare(settings, openldap.provider_json())
    read(provider)
    provider.admits = "groups"
    provider.save()
    provider.admitted_groups.set(provider.groups.filter(name="developers"))

    type_in(inside := Client(), "ann", openldap.password_of("ann"))
    type_in(outside := Client(), "fay", openldap.password_of("fay"))

    assert is_signed_in(inside)
    assert not is_signed_in(outside)
    assert not Identity.objects.filter(username="fay").exists()
    refusal = Event.objects.filter(kind="accounts.session.refuse").latest("at")
    assert refusal.after == {"why": "not among those who may sign in", "provider": "corp"}
