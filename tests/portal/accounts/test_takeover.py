"""Ways to become somebody else, or to keep what was given for a time."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client, RequestFactory

from portal.access.permissions import Permission
from portal.access.scopes import ScopeKind
from portal.accounts import limits, selectors, services
from portal.accounts.bindings import granting, role_bindings, role_services
from portal.accounts.bindings.role_bindings import EVERYTHING
from portal.accounts.bindings.role_services import Draft
from portal.accounts.models import Binding, CustomRole, Identity, Provider, Session, User
from portal.accounts.signing import alarms
from portal.core import clock, errors
from portal.core.actors import COMMAND
from tests.factories import outside
from tests.people import PASSWORD, client_of, person
from tests.portal.accounts.signing.test_factors import code_of, enrol, first_step

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
DESK = frozenset({Permission.USER_VIEW, Permission.USER_EDIT, Permission.USER_RESET})


def given(user: User, role: str, *, days: int | None = None) -> Binding:
    """Give a role on everything, for some days or for good."""
    at = clock.now()
    ends = at + days * DAY if days else None
    return role_bindings.grant(user=user, role=role, scope=EVERYTHING, by=COMMAND, at=at, expires_at=ends)


def own_role(name: str, permissions: frozenset[Permission]) -> CustomRole:
    """A role of the installation's own, on everything."""
    draft = Draft(name, "", frozenset({ScopeKind.EVERYTHING}), permissions)
    return role_services.create(draft=draft, by=COMMAND, at=clock.now(), author=None)


@pytest.fixture
def desk(db: None) -> User:
    """Helps people who lost their password, and has no other right."""
    helper = person("helper")
    given(helper, own_role("Help desk", DESK).key)
    return helper


@pytest.fixture
def temp(ann: User) -> User:
    """Administrator for two days, beside ann who is it for good."""
    made = person("temp")
    given(made, "admin", days=2)
    return made


def test_rights_that_are_suspended_are_not_up_for_a_reset(ann: User, desk: User) -> None:
    given(person("amy"), "admin")
    enrol(ann)
    browser = client_of(desk)
    assert browser.post("/people/of/ann/active/", {"active": "0"}).status_code == 302
    for address in ("/people/of/ann/reset-password/", "/people/of/ann/reset-factor/"):
        assert browser.post(address).status_code == 422, address
    browser.post("/people/of/ann/active/", {"active": "1"})
    assert User.objects.get(username="ann").check_password(PASSWORD)


def test_rights_by_a_group_are_not_up_for_a_reset_while_it_is_frozen(bob: User, desk: User) -> None:
    group = outside.a_group("admins", bob)
    role_bindings.grant(group=group, role="admin", scope=EVERYTHING, by=COMMAND, at=clock.now())
    Provider.objects.update(enabled=False)
    assert not User.objects.get(pk=bob.pk).rights()
    with pytest.raises(errors.Refused):
        services.reset_password(user=bob, by=desk.as_actor(), reset_by=desk)


def test_whoever_has_it_for_a_time_resets_nobody_who_has_it_for_good(ann: User, temp: User) -> None:
    Binding.objects.filter(user=ann, role="finance").delete()
    with pytest.raises(errors.Refused):
        services.reset_password(user=ann, by=temp.as_actor(), reset_by=temp)
    assert services.reset_password(user=temp, by=ann.as_actor(), reset_by=ann)


def test_nobody_makes_their_own_role_last_longer(temp: User) -> None:
    browser, mine = client_of(temp), Binding.objects.get(user=temp)
    for wanted in (None, (clock.now() + 3 * DAY).isoformat()):
        answer = browser.patch(
            f"/api/v1/bindings/{mine.pk}/", json.dumps({"expires_at": wanted}), content_type="application/json"
        )
        assert (answer.status_code, list(answer.json()["errors"])) == (422, ["expires_at"])
    sooner = (clock.now() + DAY).isoformat()
    answer = browser.patch(
        f"/api/v1/bindings/{mine.pk}/", json.dumps({"expires_at": sooner}), content_type="application/json"
    )
    assert answer.status_code == 200


def test_nobody_gives_for_longer_than_they_have(temp: User, bob: User) -> None:
    at = clock.now()
    for ends in (None, at + 3 * DAY):
        with pytest.raises(errors.Refused) as refused:
            role_bindings.grant(
                user=bob, role="auditor", scope=EVERYTHING, by=temp.as_actor(), at=at, expires_at=ends, granted_by=temp
            )
        assert list(refused.value.errors) == ["expires_at"]
    role_bindings.grant(
        user=bob, role="auditor", scope=EVERYTHING, by=temp.as_actor(), at=at, expires_at=at + DAY, granted_by=temp
    )


def test_a_role_is_not_widened_by_what_is_held_for_a_time(temp: User) -> None:
    role = own_role("Reader", frozenset({Permission.JOB_VIEW}))
    given(temp, role.key)
    wider = Draft("Reader", "", frozenset({ScopeKind.EVERYTHING}), frozenset({Permission.JOB_VIEW, *DESK}))
    with pytest.raises(errors.Refused) as refused:
        role_services.change(
            role=role,
            draft=wider,
            seen=role_services.version(role),
            by=temp.as_actor(),
            at=clock.now(),
            author=User.objects.get(pk=temp.pk),
        )
    assert list(refused.value.errors) == ["permissions"]


def test_somebody_stays_administrator_for_good(ann: User, temp: User) -> None:
    of_ann, at, by = Binding.objects.get(user=ann, role="admin"), clock.now(), temp.as_actor()
    with pytest.raises(errors.Conflict):
        role_bindings.revoke(binding=of_ann, by=by, at=at)
    with pytest.raises(errors.Conflict):
        role_bindings.change_end(binding=of_ann, expires_at=at + DAY, by=by, at=at)
    with pytest.raises(errors.Conflict):
        granting.change(binding=of_ann, role="auditor", expires_at=None, by=by, at=at, granted_by=temp)
    assert client_of(temp).post("/people/of/ann/active/", {"active": "0"}).status_code == 409
    assert client_of(ann).post("/people/of/temp/active/", {"active": "0"}).status_code == 302


def test_the_last_break_glass_account_stays_active(ann: User) -> None:
    for name in ("glass", "spare"):
        services.create_user(username=name, by=COMMAND, password=PASSWORD, is_break_glass=True)
    browser = client_of(ann)
    assert browser.post("/people/of/spare/active/", {"active": "0"}).status_code == 302
    assert browser.post("/people/of/glass/active/", {"active": "0"}).status_code == 409


@pytest.mark.django_db(transaction=True)
def test_two_administrators_do_not_deactivate_each_other_at_once() -> None:
    pair = [person(name, "admin") for name in ("amy", "ben")]

    def deactivate(who: User, whom: User) -> str:
        try:
            services.set_active(user=User.objects.get(pk=whom.pk), active=False, by=who.as_actor())
        except errors.Conflict:
            return "refused"
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(deactivate, pair, reversed(pair)))
    assert sorted(answers) == ["done", "refused"]
    assert User.objects.filter(is_active=True, username__in=["amy", "ben"]).count() == 1


def test_a_first_step_ends_with_its_password(bob: User) -> None:
    enrol(bob)
    browser = first_step()
    services.change_password(user=User.objects.get(pk=bob.pk), password="quite another one 9", by=bob.as_actor())
    assert browser.post("/sign-in/second-step/", {"code": code_of(bob)}).headers["Location"] == "/sign-in/"
    assert not Session.objects.filter(user=bob).exists()


def test_a_first_step_ends_with_the_account_it_was_made_by(bob: User) -> None:
    enrol(bob)
    browser = first_step()
    theirs = outside.join(bob, outside.a_group("anybody"))
    session = browser.session
    session["sign_in_pending"] = {**session["sign_in_pending"], "identity": str(theirs.pk)}
    session.save()
    Identity.objects.filter(pk=theirs.pk).delete()
    assert browser.post("/sign-in/second-step/", {"code": code_of(bob)}).headers["Location"] == "/sign-in/"


def test_what_is_under_way_ends_with_the_password(bob: User) -> None:
    request = RequestFactory().get("/")
    request.user, request.session = User.objects.get(pk=bob.pk), client_of(bob).session
    assert selectors.again(request) is not None
    services.change_password(user=User.objects.get(pk=bob.pk), password="quite another one 9", by=bob.as_actor())
    assert selectors.again(request) is None


@pytest.mark.parametrize("wanted", ["a b", "accounts:people", "x", "\\\\evil", "a\0b", "?q=1"])
def test_only_a_path_leads_on(bob: User, wanted: str) -> None:
    answer = Client().post("/sign-in/", {"username": "bob", "password": PASSWORD, "next": wanted})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    answer = client_of(bob).get("/sign-in/", {"next": wanted})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")


def test_an_old_address_in_a_new_one_is_its_own_network() -> None:
    assert limits.network_of("::ffff:203.0.113.9") == limits.network_of("203.0.113.9") == "203.0.113.0/24"


def test_whoever_is_administrator_now_hears_of_break_glass(ann: User, bob: User, cleo: User) -> None:
    for one in (ann, bob, cleo):
        User.objects.filter(pk=one.pk).update(email=f"{one.username}@example.org")
    gone = given(cleo, "admin", days=1)
    Binding.objects.filter(pk=gone.pk).update(expires_at=clock.now() - DAY)
    group = outside.a_group("admins", bob)
    role_bindings.grant(group=group, role="admin", scope=EVERYTHING, by=COMMAND, at=clock.now())
    assert alarms.administrators(clock.now()) == ["ann@example.org", "bob@example.org"]


@pytest.mark.django_db(transaction=True)
def test_the_same_role_given_twice_at_once_is_given_once() -> None:
    ann, bob = person("ann", "admin"), person("bob")
    sent = {"user": str(bob.pk), "role": "auditor", "scope_kind": "everything"}

    def give(_number: int) -> int:
        try:
            answer = client_of(ann).post("/api/v1/bindings/", json.dumps(sent), content_type="application/json")
        finally:
            connection.close()
        return answer.status_code

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(give, range(8)))
    assert answers.count(201) == 1
    assert set(answers) <= {201, 409, 422}
