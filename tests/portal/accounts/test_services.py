"""People, roles and signing in."""

from datetime import timedelta
from uuid import UUID

import pytest

from portal.access.permissions import Permission
from portal.access.scopes import ScopeKind
from portal.accounts import limits, selectors, services
from portal.accounts.bindings import role_bindings
from portal.accounts.models import Binding, User
from portal.audit.models import Event
from portal.core import clock, errors
from portal.core.actors import COMMAND
from tests.clusters.projects.conftest import a_project, a_team
from tests.people import PASSWORD, person

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("twin", ["ANN", "ａｎｎ", "Ann"])
def test_user_names_are_one_after_folding(ann: User, twin: str) -> None:
    with pytest.raises(errors.Refused) as refused:
        services.create_user(username=twin, by=COMMAND)
    assert list(refused.value.errors) == ["username"]


@pytest.mark.parametrize("bad", ["", "a b", "a/b", "x" * 151, "<i>"])
def test_bad_user_names_are_refused(bad: str) -> None:
    with pytest.raises(errors.Refused):
        services.create_user(username=bad, by=COMMAND)
    assert not User.objects.exists()


def test_a_weak_password_is_refused_at_its_field(bob: User) -> None:
    with pytest.raises(errors.Refused) as refused:
        services.change_password(user=bob, password="short", by=bob.as_actor())
    assert list(refused.value.errors) == ["password"]


def test_a_role_holds_until_it_ends_or_is_taken_away(bob: User) -> None:
    now = clock.now()
    binding = role_bindings.grant(
        user=bob,
        role="finance",
        scope=role_bindings.EVERYTHING,
        by=COMMAND,
        at=now,
        expires_at=now + timedelta(hours=1),
    )
    assert User.objects.get(pk=bob.pk).may(Permission.COST_VIEW)
    Binding.objects.filter(pk=binding.pk).update(expires_at=now - timedelta(seconds=1))
    assert not User.objects.get(pk=bob.pk).may(Permission.COST_VIEW)


@pytest.mark.parametrize(("role", "field"), [("emperor", "role"), ("project_owner", "scope")])
def test_roles_need_a_known_key_and_a_fitting_scope(bob: User, role: str, field: str) -> None:
    with pytest.raises(errors.Refused) as refused:
        role_bindings.grant(user=bob, role=role, scope=role_bindings.EVERYTHING, by=COMMAND, at=clock.now())
    assert list(refused.value.errors) == [field]
    assert not Binding.objects.filter(user=bob).exists()


def test_a_role_is_given_once(ann: User) -> None:
    with pytest.raises(errors.Conflict):
        role_bindings.grant(user=ann, role="admin", scope=role_bindings.EVERYTHING, by=COMMAND, at=clock.now())


def test_nobody_grants_more_than_they_have(bob: User) -> None:
    granter = person("gil", "admin")
    with pytest.raises(errors.Refused):
        role_bindings.grant(
            user=bob,
            role="finance",
            scope=role_bindings.EVERYTHING,
            by=granter.as_actor(),
            at=clock.now(),
            granted_by=granter,
        )
    assert not bob.bindings.exists()


def test_the_last_administrator_stays(ann: User) -> None:
    binding = Binding.objects.get(user=ann, role="admin")
    with pytest.raises(errors.Conflict):
        role_bindings.revoke(binding=binding, by=COMMAND, at=clock.now())
    assert Binding.objects.filter(pk=binding.pk).exists()


def test_admin_sees_no_cost_without_finance() -> None:
    admin = person("adi", "admin")
    assert admin.scopes_for(Permission.INVENTORY_VIEW).everything
    assert admin.scopes_for(Permission.COST_VIEW).none


def test_a_deactivated_person_holds_nothing(ann: User) -> None:
    services.set_active(user=ann, active=False, by=COMMAND)
    assert User.objects.get(pk=ann.pk).scopes_for(Permission.CLUSTER_VIEW).none


def test_every_write_leaves_its_event(bob: User) -> None:
    before = Event.objects.count()
    role_bindings.grant(user=bob, role="auditor", scope=role_bindings.EVERYTHING, by=COMMAND, at=clock.now())
    event = Event.objects.latest("id")
    assert Event.objects.count() == before + 1
    assert (event.kind, event.actor_label) == ("accounts.binding.grant", "manage.py")


def test_the_sign_in_limit_counts_an_account_within_a_network() -> None:
    now = clock.now()
    for _turn in range(limits.PER_ACCOUNT):
        assert not limits.too_many(username="ann", address="192.0.2.7", at=now)
        limits.note_failure(username="Ann", address="192.0.2.7", at=now)
    assert limits.too_many(username="ann", address="192.0.2.200", at=now)
    assert not limits.too_many(username="ann", address="198.51.100.1", at=now), "the owner comes from elsewhere"
    assert not limits.too_many(username="bob", address="192.0.2.9", at=now)
    assert not limits.too_many(username="ann", address="192.0.2.7", at=now + timedelta(minutes=2))


def test_an_account_runs_out_however_many_networks_are_used() -> None:
    now = clock.now()
    for turn in range(limits.PER_ACCOUNT_EVERYWHERE):
        limits.note_failure(username="ann", address=f"198.51.{turn}.7", at=now)
    assert limits.too_many(username="ann", address="203.0.113.1", at=now)


def test_a_network_runs_out_too() -> None:
    now = clock.now()
    for turn in range(limits.PER_NETWORK):
        limits.note_failure(username=f"user{turn}", address=f"192.0.2.{turn}", at=now)
    assert limits.too_many(username="somebody", address="192.0.2.200", at=now)


def test_scopes_cover_what_they_name(bob: User) -> None:
    project = person("x").pk  # any id will do
    role_bindings.grant(
        user=bob,
        role="project_member",
        scope=role_bindings.Scope(ScopeKind.PROJECT, project, "shop"),
        by=COMMAND,
        at=clock.now(),
    )
    scopes = User.objects.get(pk=bob.pk).scopes_for(Permission.PROJECT_VIEW)
    assert scopes.covers(project=project)
    assert not scopes.covers()
    assert PASSWORD


def test_a_job_about_a_project_holds_by_a_right_on_its_team(bob: User) -> None:
    ours, theirs = a_team("Ours"), a_team("Theirs")
    project = a_project("Shop", ours)
    role_bindings.grant(
        user=bob,
        role="team_owner",
        scope=role_bindings.Scope(ScopeKind.TEAM, ours.pk, "Ours"),
        by=COMMAND,
        at=clock.now(),
    )
    by = bob.as_actor()
    assert selectors.actor_may(by, Permission.PROJECT_EDIT.value, {"project_id": str(project.pk)})
    assert not selectors.actor_may(by, Permission.PROJECT_EDIT.value, {"project_id": str(a_project("Mill", theirs).pk)})
    assert not selectors.actor_may(by, Permission.PROJECT_EDIT.value, {"project_id": str(UUID(int=7))})
    assert not selectors.actor_may(by, Permission.PROJECT_EDIT.value, {})
