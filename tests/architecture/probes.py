"""What the matrix cannot ask of one line: it sends no fields, and its world has one of each.

A probe makes what is missing, asks as somebody would, and says whether anything is wrong.
"""

from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.test import Client

from portal.access.scopes import ScopeKind
from portal.requests.models import AccessRequest
from portal.tokens.models import Robot, Token
from tests.architecture.matrix import Sweep
from tests.factories import rivals
from tests.factories.rivals import AT


def opened_in_their_team(sweep: Sweep) -> bool:
    """Whether somebody who sees another team opens a project in it."""
    team = sweep.world.theirs.team
    with transaction.atomic():
        answer = sweep.people["mixed"].client.post(
            "/api/v1/projects/", {"name": "Mine", "team": str(team.pk)}, content_type="application/json"
        )
        transaction.set_rollback(True)
    return answer.status_code != 404


def _reads(client: Client) -> bool:
    return client.get("/api/v1/projects/").status_code not in {401, 403}


def opened_by_no_token(sweep: Sweep) -> bool:
    """Whether a token that nobody made opens something, or breaks something."""
    shown = str(sweep.people["token"].client.defaults["HTTP_AUTHORIZATION"])
    changed = "b" if shown[-1] == "a" else "a"
    headers = {"Authorization": f"{shown[:-1]}{changed}"}
    return _reads(Client(raise_request_exception=False, headers=headers))


def opened_from_elsewhere(sweep: Sweep) -> bool:
    """Whether a token opens something from an address that it is not for."""
    with transaction.atomic():
        Token.objects.filter(user=sweep.people["token"].user).update(networks=["198.51.100.0/24"])
        opened = _reads(sweep.people["token"].client)
        transaction.set_rollback(True)
    return opened


def hides_what_is_given_on_the_team(sweep: Sweep) -> bool:
    """Whether the owner of a team does not see who else has a role on it."""
    with transaction.atomic():
        rivals.give(sweep.world.ours.member, "cost_viewer", ScopeKind.TEAM, sweep.world.ours.team)
        answer = sweep.people["team_owner"].client.get("/api/v1/bindings/", {"scope": "team"})
        transaction.set_rollback(True)
    return sweep.world.ours.member.username not in answer.content.decode()


def hides_the_teams_robot(sweep: Sweep) -> bool:
    """Whether the owner of a team does not see a robot that belongs to it."""
    team, robot = sweep.world.ours.team, sweep.world.ours.robot
    with transaction.atomic():
        Robot.objects.filter(pk=robot.pk).update(home_kind="team", home_id=team.pk)
        answer = sweep.people["team_owner"].client.get(f"/robots/{robot.slug}/")
        transaction.set_rollback(True)
    return answer.status_code != 200


def hides_who_asks_for_everything(sweep: Sweep) -> bool:
    """Whether an administrator does not see that somebody asks for a role on everything."""
    with transaction.atomic():
        AccessRequest.objects.create(
            asker=sweep.world.ours.member,
            role="auditor",
            scope_kind="everything",
            reason="to audit",
            expires_at=AT + timedelta(days=7),
        )
        answer = sweep.people["admin"].client.get("/api/v1/access-requests/")
        transaction.set_rollback(True)
    return "to audit" not in answer.content.decode()


def lends_what_is_personal(sweep: Sweep) -> bool:
    """Whether an administrator who looks as an owner is shown the form that gives roles."""
    with transaction.atomic():
        rivals.give(sweep.world.ours.member, "project_owner", ScopeKind.PROJECT, sweep.world.ours.project)
        answer = sweep.people["view_as"].client.get("/people/bindings/give/")
        transaction.set_rollback(True)
    return answer.status_code == 200


_MEMBERSHIPS = "rows portal/accounts/bindings/memberships.py inside"
_REFUSAL = "core portal/tokens/authentication.py _refusal"
PROBES: dict[str, Callable[[Sweep], bool]] = {
    "check clusters/projects/api.py Projects._team": opened_in_their_team,
    f"{_REFUSAL} #0 without if token is None": opened_by_no_token,
    f"{_REFUSAL} #1 without if not networks.allowed(asking.address, token.networks)": opened_from_elsewhere,
    "core portal/accounts/models/people.py User.scopes_for #0 without if permission in PERSONAL and "
    "(self.within or self.viewer or self.kind == ROBOT)": lends_what_is_personal,
    f"{_MEMBERSHIPS} #2 without Q(scope_kind=ScopeKind.TEAM, scope_id__in=held.teams)": hides_what_is_given_on_the_team,
    "rows portal/requests/selectors.py decidable #1 without Q(scope_kind=ScopeKind.EVERYTHING)": (
        hides_who_asks_for_everything
    ),
    "rows portal/tokens/models.py RobotQuerySet.visible_to #2 without "
    "Q(home_kind=ScopeKind.TEAM.value, home_id__in=scopes.teams)": hides_the_teams_robot,
}
