"""Opening, renaming, moving and closing; names and slugs."""

from datetime import timedelta

import pytest

from clusters.projects import selectors
from clusters.projects.models import Project, ProjectTenure, Team
from clusters.projects.services import holdings, projects, teams
from clusters.registry.models import Cluster
from portal.audit.models import Event
from portal.core import errors
from portal.core.actors import COMMAND
from tests.clusters.projects.conftest import AT, a_namespace, a_project, a_team

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["payments", "PAYMENTS ", "Ｐayments", "  Payments"])
def test_team_names_that_look_alike_are_taken(team: Team, name: str) -> None:
    with pytest.raises(errors.Refused) as refused:
        a_team(name)
    assert list(refused.value.errors) == ["name"]
    assert Team.objects.count() == 1


@pytest.mark.parametrize(("name", "slug"), [("Zahlung & Köln", "zahlung-koln"), ("支払い", "team"), ("New", "new-2")])
def test_a_slug_is_made_of_the_name(db: None, name: str, slug: str) -> None:
    assert a_team(name).slug == slug


def test_project_names_are_free_in_other_teams_and_slugs_are_numbered(project: Project, team: Team) -> None:
    twin = a_project("Checkout", a_team("Search"))
    assert (twin.name, twin.slug) == ("Checkout", "checkout-2")
    with pytest.raises(errors.Refused) as refused:
        a_project("checkout", team)
    assert list(refused.value.errors) == ["name"]
    with pytest.raises(errors.Refused, match="checkout-3"):
        projects.open(name="Other", slug="checkout", team=team, by=COMMAND, at=AT)


@pytest.mark.parametrize("slug", ["Up", "a_b", "-a", "new", "unowned", "x" * 64])
def test_bad_slugs_are_refused(team: Team, slug: str) -> None:
    with pytest.raises(errors.Refused) as refused:
        projects.open(name="Other", slug=slug, team=team, by=COMMAND, at=AT)
    assert list(refused.value.errors) == ["slug"]


def test_renaming_keeps_the_slug_and_is_audited(project: Project, team: Team) -> None:
    changed = projects.change(project=project, name="Till", description="money", by=COMMAND)
    assert (changed.name, changed.slug) == ("Till", "checkout")
    event = Event.objects.get(kind="projects.project.change")
    assert event.before == {"name": "Checkout", "description": "", "is_listed": False}
    assert event.after == {"name": "Till", "description": "money", "is_listed": False}
    projects.change(project=project, name="Till", description="money", by=COMMAND)
    assert Event.objects.filter(kind="projects.project.change").count() == 1
    assert teams.change(team=team, name="Pay", cost_centre="4711", owner="ann", by=COMMAND).slug == "payments"


def test_a_project_moves_between_teams_without_gap(project: Project, team: Team) -> None:
    receiver = a_team("Search")
    projects.move_to_team(project=project, team=receiver, by=COMMAND, at=AT)
    periods = [(row.team.slug, row.period.lower, row.period.upper) for row in project.tenures.order_by("period")]
    assert periods == [("payments", None, AT), ("search", AT, None)]
    assert selectors.team_of(project) == receiver
    with pytest.raises(errors.Conflict):
        projects.move_to_team(project=project, team=receiver, by=COMMAND, at=AT)
    projects.move_to_team(project=project, team=team, by=COMMAND, at=AT)
    assert ProjectTenure.objects.filter(project=project, team=receiver).count() == 0


def test_a_name_taken_in_the_receiving_team_stops_a_move(project: Project) -> None:
    receiver = a_team("Search")
    a_project("CHECKOUT", receiver)
    with pytest.raises(errors.Refused) as refused:
        projects.move_to_team(project=project, team=receiver, by=COMMAND, at=AT)
    assert list(refused.value.errors) == ["name"]


def test_what_still_owns_something_cannot_be_closed(project: Project, team: Team, cluster: Cluster) -> None:
    key = a_namespace(cluster, "shop")
    holdings.assign(project=project, namespaces=[key], by=COMMAND, at=AT)
    for refused in (
        lambda: projects.close(project=project, by=COMMAND, at=AT),
        lambda: teams.close(team=team, by=COMMAND, at=AT),
    ):
        with pytest.raises(errors.Conflict):
            refused()
    later = AT + timedelta(hours=1)
    holdings.release(project=project, namespaces=[key], by=COMMAND, at=later)
    assert projects.close(project=project, by=COMMAND, at=later).ended_at == later
    assert teams.close(team=team, by=COMMAND, at=later).ended_at == later
    assert selectors.team_of(project) is None
    with pytest.raises(errors.Conflict):
        projects.open(name="Late", team=team, by=COMMAND, at=later)


def test_of_two_who_save_at_once_the_second_sees_the_difference(project: Project) -> None:
    seen = project.version
    projects.change(project=project, name="Till", description="", version=seen, by=COMMAND)
    with pytest.raises(errors.Conflict) as refused:
        projects.change(project=project, name="Counter", description="", version=seen, by=COMMAND)
    assert list(refused.value.errors) == ["name"]
    assert "Till" in refused.value.errors["name"][0]
    now = Project.objects.get(pk=project.pk)
    assert (now.name, now.version) == ("Till", seen + 1)
    # The same wish twice is no difference.
    projects.change(project=project, name="Till", description="", version=seen, by=COMMAND)
    projects.change(project=project, name="Counter", description="", version=now.version, by=COMMAND)
    assert Project.objects.get(pk=project.pk).name == "Counter"
