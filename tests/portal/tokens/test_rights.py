"""A token gives part of what its owner has at that moment, and never more."""

import pytest
from django.conf import settings
from django.utils.module_loading import import_string

from clusters.projects.services import projects
from portal.access.permissions import PERSONAL
from portal.access.permissions import Permission as P
from portal.access.scopes import ScopeKind
from portal.accounts import services as accounts
from portal.accounts.bindings import role_bindings
from portal.accounts.models import Identity, Provider, User
from portal.core import clock, errors
from portal.core.actors import COMMAND
from portal.jobs import runner
from portal.jobs import services as jobs
from portal.jobs.models import Job, State
from portal.tokens import selectors
from portal.tokens.models import Token
from portal.tokens.services import tokens
from tests.people import person
from tests.portal.tokens.conftest import DAY, Estate, ask, give, make, scope_of, seen

pytestmark = pytest.mark.django_db

SCOPES = ("everything", "team", "other_team", "shop", "cart", "foreign")
VISIBLE = {
    "everything": {"checkout", "cart", "index"},
    "team": {"checkout", "cart"},
    "other_team": {"index"},
    "shop": {"checkout"},
    "cart": {"cart"},
    "foreign": {"index"},
}


def thing(estate: Estate, name: str) -> object:
    """One of the estate, None for everything."""
    return None if name == "everything" else getattr(estate, name)


@pytest.mark.parametrize("scope", SCOPES)
def test_an_administrators_token_sees_its_scope_alone(ann: User, estate: Estate, scope: str) -> None:
    _token, text = make(ann, thing(estate, scope))  # type: ignore[arg-type]
    assert seen(text) == VISIBLE[scope]
    for slug in ("checkout", "cart", "index"):
        project = next(one for one in (estate.shop, estate.cart, estate.foreign) if one.slug == slug)
        status = ask(text, f"/api/v1/projects/{project.pk}/").status_code
        assert status == (200 if slug in VISIBLE[scope] else 404)


@pytest.mark.parametrize("permission", sorted({P.PROJECT_VIEW, P.TEAM_VIEW, P.AUDIT_VIEW, P.JOB_VIEW}))
def test_a_token_may_what_it_names_alone(ann: User, estate: Estate, permission: P) -> None:
    _token, text = make(ann, None, [permission])
    asked = {
        P.PROJECT_VIEW: "/api/v1/projects/",
        P.TEAM_VIEW: "/api/v1/teams/",
        P.AUDIT_VIEW: "/api/v1/audit-events/",
        P.JOB_VIEW: "/api/v1/people/",
    }
    for need, path in asked.items():
        wanted = 200 if need == permission and permission != P.JOB_VIEW else 404
        assert ask(text, path).status_code == wanted, path


@pytest.mark.parametrize("binding", ["team", "shop", "cart", "other_team"])
@pytest.mark.parametrize("scope", ["everything", "team", "shop"])
def test_the_owners_rights_and_the_tokens_scope_narrow_each_other(
    bob: User, estate: Estate, binding: str, scope: str
) -> None:
    """The token is older than the present binding of its owner: made by more, used with less."""
    first = give(bob, "admin", None)
    _token, text = make(bob, thing(estate, scope))  # type: ignore[arg-type]
    person("somebody", "admin")
    role_bindings.revoke(binding=first, by=COMMAND, at=clock.now())
    assert ask(text).status_code == 404
    role = "team_owner" if "team" in binding else "project_viewer"
    give(bob, role, thing(estate, binding))  # type: ignore[arg-type]
    wanted = VISIBLE[binding] & VISIBLE[scope]
    if wanted:
        assert seen(text) == wanted
    else:
        assert ask(text).status_code == 404 or seen(text) == set()


def test_objects_narrow_inside_of_the_scope(bob: User, estate: Estate) -> None:
    give(bob, "team_owner", estate.team)
    _token, text = make(bob, estate.team, only=[estate.cart])
    assert seen(text) == {"cart"}


def test_an_object_that_left_the_scope_is_out_of_it(bob: User, estate: Estate) -> None:
    give(bob, "team_owner", estate.team)
    give(bob, "team_owner", estate.other_team)
    _token, text = make(bob, estate.team, only=[estate.cart, estate.shop])
    assert seen(text) == {"cart", "checkout"}
    projects.move_to_team(project=estate.cart, team=estate.other_team, by=COMMAND, at=clock.now())
    assert seen(text) == {"checkout"}


@pytest.mark.parametrize("only", ["foreign", "other_team"])
def test_objects_outside_of_the_scope_are_refused(bob: User, estate: Estate, only: str) -> None:
    give(bob, "team_owner", estate.team)
    with pytest.raises(errors.Refused, match="only"):
        make(bob, estate.team, only=[getattr(estate, only)])
    with pytest.raises(errors.Refused, match="only"):
        make(bob, estate.shop, only=[estate.cart])


def test_losing_a_binding_counts_with_the_next_request(bob: User, estate: Estate) -> None:
    binding = give(bob, "project_owner", estate.shop)
    _token, text = make(bob, estate.shop)
    assert seen(text) == {"checkout"}
    role_bindings.revoke(binding=binding, by=COMMAND, at=clock.now())
    assert ask(text).status_code == 404


def test_a_token_is_never_made_of_more_than_is_held(bob: User, estate: Estate) -> None:
    give(bob, "project_viewer", estate.shop)
    for place, permissions in (
        (estate.shop, {P.COST_VIEW}),
        (estate.cart, {P.PROJECT_VIEW}),
        (estate.team, {P.PROJECT_VIEW}),
        (None, {P.PROJECT_VIEW}),
        (estate.shop, {P.PROJECT_VIEW, P.PROJECT_EDIT}),
    ):
        with pytest.raises(errors.Refused) as refused:
            make(bob, place, permissions)
        assert "permissions" in refused.value.errors
    assert not Token.objects.exists()


@pytest.mark.parametrize("permission", sorted(PERSONAL))
def test_no_token_carries_what_is_personal(ann: User, permission: P) -> None:
    with pytest.raises(errors.Refused, match="permissions"):
        make(ann, None, [P.USER_VIEW, permission])
    token, _text = make(ann, None, [P.USER_VIEW])
    # Were it written into the row all the same, it would give nothing.
    Token.objects.filter(pk=token.pk).update(permissions=[permission.value])
    ann.within = selectors.limits_of(str(token.pk))
    assert ann.scopes_for(permission).none
    assert ann.within is not None
    assert permission not in ann.within.permissions


def test_a_token_makes_no_token(ann: User, estate: Estate) -> None:
    token, _text = make(ann, None)
    ann.within = selectors.limits_of(str(token.pk))
    with pytest.raises(errors.Refused):
        make(ann, None)


def test_a_deactivated_owner_ends_their_tokens(bob: User, estate: Estate) -> None:
    give(bob, "project_viewer", estate.shop)
    token, text = make(bob, estate.shop)
    accounts.set_active(user=bob, active=False, by=COMMAND)
    assert ask(text).status_code == 401
    assert selectors.limits_of(str(token.pk)) is None
    accounts.set_active(user=bob, active=True, by=COMMAND)
    assert ask(text).status_code == 200


def test_a_disabled_provider_suspends_the_tokens_of_its_people(bob: User, estate: Estate) -> None:
    provider = Provider.objects.create(key="corp", kind="ldap", name="Corp", enabled=True)
    bob.set_unusable_password()
    bob.save()
    identity = Identity.objects.create(user=bob, provider=provider, subject="1", username="bob")
    give(bob, "project_viewer", estate.shop)
    token, text = make(bob, estate.shop)
    assert ask(text).status_code == 200
    Provider.objects.update(enabled=False)
    assert ask(text).status_code == 401
    assert selectors.limits_of(str(token.pk)) is None
    Provider.objects.update(enabled=True)
    assert ask(text).status_code == 200
    Identity.objects.filter(pk=identity.pk).update(state="gone")
    assert ask(text).status_code == 401


def test_a_reset_password_suspends_tokens_until_it_is_chosen(bob: User, estate: Estate) -> None:
    give(bob, "project_viewer", estate.shop)
    _token, text = make(bob, estate.shop)
    User.objects.filter(pk=bob.pk).update(password_is_one_time=True)
    assert ask(text).status_code == 401


def test_what_a_token_queued_dies_with_it(ann: User) -> None:
    token, _text = make(ann, None, [P.DEMO_EDIT])
    ann.within = selectors.limits_of(str(token.pk))
    by = ann.as_actor()
    assert by.token == str(token.pk)
    may = import_string(settings.JOB_AUTHORIZER)
    assert may(by, P.DEMO_EDIT.value, {})
    assert not may(by, P.JOB_MANAGE.value, {})
    job = jobs.enqueue("portal.home.remove_demo", key="", by=by)
    tokens.revoke(token=token, by=COMMAND, at=clock.now())
    assert not may(by, P.DEMO_EDIT.value, {})
    runner.run(job.pk)
    assert Job.objects.get(pk=job.pk).state not in {State.SUCCEEDED, State.WAITING, State.RUNNING}


@pytest.mark.parametrize("moment", ["revoked", "expired"])
def test_an_ended_token_opens_nothing(bob: User, estate: Estate, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    give(bob, "project_viewer", estate.shop)
    token, text = make(bob, estate.shop, days=1)
    if moment == "revoked":
        tokens.revoke(token=token, by=COMMAND, at=clock.now())
    else:
        late = token.expires_at
        monkeypatch.setattr(clock, "now", lambda: late)
    assert ask(text).status_code == 401
    assert selectors.limits_of(str(token.pk)) is None


@pytest.mark.parametrize("text", ["", "nothing", "00000000-0000-0000-0000-000000000007"])
def test_unknown_ids_have_no_limits(db: None, text: str) -> None:
    assert selectors.limits_of(text) is None


def test_the_scopes_of_limits_are_what_was_asked(bob: User, estate: Estate) -> None:
    give(bob, "team_owner", estate.team)
    token, _text = make(bob, estate.team, [P.PROJECT_VIEW, P.COST_VIEW])
    limits = selectors.limits_of(str(token.pk))
    assert limits is not None
    assert limits.permissions == {P.PROJECT_VIEW, P.COST_VIEW}
    assert limits.scopes.teams == {estate.team.pk}
    assert scope_of(estate.team).kind == ScopeKind.TEAM
    assert token.expires_at - token.created_at == 30 * DAY
