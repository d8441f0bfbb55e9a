"""Namespaces in projects: at the second, without overlap, all or none."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from clusters.inventory.models import Namespace
from clusters.projects import selectors
from clusters.projects.models import NamespaceTenure, Project, ProjectTenure, Team
from clusters.projects.selectors import OwnershipPart
from clusters.projects.services import consistency, holdings, projects
from clusters.registry.models import Cluster
from portal.audit.models import Event
from portal.core import errors
from portal.core.actors import COMMAND
from portal.core.periods import Period
from portal.jobs.models import Job
from tests.clusters.projects.conftest import AT, SEEN, a_cluster, a_namespace, a_project, a_team, columns

pytestmark = pytest.mark.django_db

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
THIS_HOUR = AT.replace(minute=0, second=0)
MONTH = AT.replace(day=1, hour=0, minute=0, second=0)


def spans(key: holdings.Key) -> list[tuple[str, object, object]]:
    rows = NamespaceTenure.objects.of([key]).order_by("period")
    return [(row.project.slug, row.period.lower, row.period.upper) for row in rows]


def test_the_first_assignment_counts_since_first_seen(cluster: Cluster, team: Team, project: Project) -> None:
    key, other = a_namespace(cluster, "shop"), a_namespace(cluster, "cart", created_at=AT - HOUR)
    rows = holdings.assign(project=project, namespaces=[key, other], by=COMMAND, at=AT)
    assert len(rows) == 2
    assert spans(key) == [("checkout", SEEN, None)]
    assert spans(other) == [("checkout", SEEN, None)]  # observed before: the earliest word counts
    assert columns(key) == (team.pk, project.pk)
    events = Event.objects.filter(kind="projects.namespace.assign", on_id=str(project.pk))
    assert {event.after["namespace"] for event in events if event.after} == {"prod/shop", "prod/cart"}


def test_an_assignment_can_count_from_now_or_an_hour(cluster: Cluster, project: Project) -> None:
    now, hour = a_namespace(cluster, "now"), a_namespace(cluster, "hour")
    holdings.assign(project=project, namespaces=[now], since="now", by=COMMAND, at=AT)
    holdings.assign(project=project, namespaces=[hour], since=MONTH, by=COMMAND, at=AT)
    assert spans(now) == [("checkout", AT, None)]
    assert spans(hour) == [("checkout", MONTH, None)]


@pytest.mark.parametrize("since", [AT - timedelta(minutes=1), THIS_HOUR + HOUR, MONTH - HOUR])
def test_other_instants_are_refused(cluster: Cluster, project: Project, since: object) -> None:
    key = a_namespace(cluster, "shop")
    with pytest.raises(errors.Refused) as refused:
        holdings.assign(project=project, namespaces=[key], since=since, by=COMMAND, at=AT)  # type: ignore[arg-type]
    assert list(refused.value.errors) == ["since"]
    assert spans(key) == []


def test_a_move_splits_at_the_second(cluster: Cluster, team: Team, project: Project) -> None:
    key, target = a_namespace(cluster, "shop"), a_project("Search", a_team("Search"))
    holdings.assign(project=project, namespaces=[key], by=COMMAND, at=AT - HOUR)
    holdings.move(source=project, target=target, namespaces=[key], by=COMMAND, at=AT)
    assert spans(key) == [("checkout", SEEN, AT), ("search", AT, None)]
    parts = selectors.ownership_parts(cluster.pk, Period(THIS_HOUR, THIS_HOUR + HOUR))
    target_team = selectors.team_of(target)
    assert target_team is not None
    assert parts == [
        OwnershipPart(key[1], THIS_HOUR, AT, project.pk, team.pk),
        OwnershipPart(key[1], AT, THIS_HOUR + HOUR, target.pk, target_team.pk),
    ]
    assert columns(key) == (target_team.pk, target.pk)
    assert selectors.ownership_parts(cluster.pk, Period(AT - SECOND, AT))[0].project_id == project.pk
    assert selectors.ownership_parts(cluster.pk, Period(AT, AT + SECOND))[0].project_id == target.pk


def test_a_move_within_the_month_can_count_since_an_hour(cluster: Cluster, project: Project, team: Team) -> None:
    key, target = a_namespace(cluster, "shop"), a_project("Search", team)
    holdings.assign(project=project, namespaces=[key], by=COMMAND, at=AT - HOUR)
    holdings.move(source=project, target=target, namespaces=[key], since=MONTH, by=COMMAND, at=AT)
    assert spans(key) == [("checkout", SEEN, MONTH), ("search", MONTH, None)]
    job = Job.objects.get(kind="billing.ledger.close_hour", ids__start=MONTH.isoformat())
    assert job.ids["end"] == THIS_HOUR.isoformat()
    with pytest.raises(errors.Refused):
        holdings.move(source=target, target=project, namespaces=[key], since="first_seen", by=COMMAND, at=AT)


def test_two_changes_in_one_second_leave_no_empty_span(cluster: Cluster, project: Project, team: Team) -> None:
    key, target = a_namespace(cluster, "shop"), a_project("Search", team)
    holdings.assign(project=project, namespaces=[key], since="now", by=COMMAND, at=AT)
    holdings.move(source=project, target=target, namespaces=[key], by=COMMAND, at=AT)
    assert spans(key) == [("search", AT, None)]
    holdings.release(project=target, namespaces=[key], by=COMMAND, at=AT)
    assert spans(key) == []
    assert columns(key) == (None, None)


def test_a_release_ends_at_the_second_and_a_return_fills_the_gap(cluster: Cluster, project: Project) -> None:
    key = a_namespace(cluster, "shop")
    holdings.assign(project=project, namespaces=[key], by=COMMAND, at=AT - 3 * HOUR)
    holdings.release(project=project, namespaces=[key], by=COMMAND, at=AT - 2 * HOUR)
    assert columns(key) == (None, None)
    assert selectors.ownership_parts(cluster.pk, Period(AT - HOUR, AT)) == []
    holdings.assign(project=project, namespaces=[key], by=COMMAND, at=AT)
    assert spans(key) == [("checkout", SEEN, AT - 2 * HOUR), ("checkout", AT - 2 * HOUR, None)]


def test_an_hour_before_the_last_release_is_refused(cluster: Cluster, project: Project) -> None:
    key = a_namespace(cluster, "shop")
    holdings.assign(project=project, namespaces=[key], by=COMMAND, at=AT - 3 * HOUR)
    holdings.release(project=project, namespaces=[key], by=COMMAND, at=AT - HOUR)
    with pytest.raises(errors.Refused, match="until"):
        holdings.assign(project=project, namespaces=[key], since=MONTH, by=COMMAND, at=AT)


def test_what_is_held_is_a_conflict_and_nothing_of_the_rest_is_done(
    cluster: Cluster, project: Project, team: Team
) -> None:
    held, free, target = a_namespace(cluster, "a"), a_namespace(cluster, "b"), a_project("Search", team)
    holdings.assign(project=project, namespaces=[held], by=COMMAND, at=AT)
    with pytest.raises(errors.Conflict, match=r"prod/a is in the project Checkout already\."):
        holdings.assign(project=target, namespaces=[free, held], by=COMMAND, at=AT)
    assert spans(free) == []
    assert columns(free) == (None, None)
    for change in (
        lambda: holdings.move(source=target, target=project, namespaces=[held], by=COMMAND, at=AT),
        lambda: holdings.release(project=target, namespaces=[held], by=COMMAND, at=AT),
    ):
        with pytest.raises(errors.Conflict):
            change()
    assert spans(held) == [("checkout", SEEN, None)]


def test_unknown_and_no_namespaces_are_refused(cluster: Cluster, project: Project) -> None:
    for keys in ([], [(cluster.pk, "nobody")]):
        with pytest.raises(errors.Refused):
            holdings.assign(project=project, namespaces=keys, by=COMMAND, at=AT)


def test_the_same_uid_in_two_clusters_is_two_namespaces(cluster: Cluster, project: Project) -> None:
    key = a_namespace(cluster, "shop")
    twin = a_cluster("twin")
    Namespace.objects.create(
        cluster=twin, uid=key[1], name="shop", observed_at=SEEN, phase="", rancher_project="", resource_version="1"
    )
    holdings.assign(project=project, namespaces=[key, (twin.pk, key[1])], by=COMMAND, at=AT)
    assert len(selectors.ownership_parts(twin.pk, Period(THIS_HOUR, AT))) == 1


def test_a_closed_project_takes_nothing(cluster: Cluster, project: Project) -> None:
    key = a_namespace(cluster, "shop")
    projects.close(project=project, by=COMMAND, at=AT)
    with pytest.raises(errors.Conflict):
        holdings.assign(project=project, namespaces=[key], by=COMMAND, at=AT)


def test_a_project_that_changes_teams_splits_the_hour(cluster: Cluster, team: Team, project: Project) -> None:
    key, receiver = a_namespace(cluster, "shop"), a_team("Search")
    holdings.assign(project=project, namespaces=[key], by=COMMAND, at=AT - HOUR)
    projects.move_to_team(project=project, team=receiver, by=COMMAND, at=AT)
    parts = selectors.ownership_parts(cluster.pk, Period(THIS_HOUR, THIS_HOUR + HOUR))
    assert [(part.start, part.end, part.team_id) for part in parts] == [
        (THIS_HOUR, AT, team.pk),
        (AT, THIS_HOUR + HOUR, receiver.pk),
    ]
    assert columns(key) == (receiver.pk, project.pk)
    # What was held before the project was opened belongs to its first team.
    early = selectors.ownership_parts(cluster.pk, Period(SEEN, SEEN + HOUR))
    assert [part.team_id for part in early] == [team.pk]


def test_the_database_refuses_overlaps(cluster: Cluster, team: Team, project: Project) -> None:
    key, other = a_namespace(cluster, "shop"), a_project("Search", team)
    row = {"cluster": cluster, "namespace_uid": key[1], "namespace_name": "shop"}
    NamespaceTenure.objects.create(project=project, period=(SEEN, AT), **row)
    NamespaceTenure.objects.create(project=other, period=(AT, None), **row)
    for period in ((AT - SECOND, AT), (AT + HOUR, AT + 2 * HOUR), (SEEN - HOUR, SEEN + SECOND)):
        with pytest.raises(IntegrityError, match="namespace_tenure_no_overlap"), transaction.atomic():
            NamespaceTenure.objects.create(project=project, period=period, **row)
    for bad in ((AT, AT), (None, SEEN - HOUR)):
        with pytest.raises(IntegrityError, match="namespace_tenure_period"), transaction.atomic():
            NamespaceTenure.objects.create(project=project, period=bad, **row)
    with pytest.raises(IntegrityError, match="project_tenure_no_overlap"), transaction.atomic():
        ProjectTenure.objects.create(project=project, team=team, period=(AT, None))


def test_columns_that_drifted_are_found_and_corrected(cluster: Cluster, team: Team, project: Project) -> None:
    key, free = a_namespace(cluster, "shop"), a_namespace(cluster, "free")
    holdings.assign(project=project, namespaces=[key], by=COMMAND, at=AT)
    assert selectors.drift() == []
    Namespace.objects.filter(uid=key[1]).update(team_id=None)
    Namespace.objects.filter(uid=free[1]).update(project_id=project.pk)
    assert {one.name for one in selectors.drift()} == {"shop", "free"}
    assert consistency.correct() == 2
    assert columns(key) == (team.pk, project.pk)
    assert columns(free) == (None, None)
