"""Namespaces wished for, ended, deleted; projects that leave; rules and what is left alone."""

from datetime import timedelta

import pytest

from clusters.applying.models import AppliedObject, State
from clusters.inventory.models import Namespace
from clusters.projects import desired, wanting
from clusters.projects.models import (
    NamespaceRemoval,
    NamespaceTenure,
    NamespaceTerm,
    NamespaceWish,
    Offboarding,
    Project,
    RemovalState,
    WishState,
)
from clusters.projects.services import holdings, leaving, namespaces, removals, rules, settling, terms
from clusters.projects.services.holdings import Key
from clusters.projects.services.namespaces import Wanted
from clusters.registry.models import Cluster
from portal.access.scopes import ScopeKind
from portal.accounts.bindings import role_bindings
from portal.accounts.models import User
from portal.audit.models import Event
from portal.core import errors
from portal.core.actors import COMMAND
from portal.jobs.models import Job
from portal.outbox.models import Message
from tests.clusters.projects.conftest import AT, a_cluster, a_namespace, a_project, a_team, columns

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def wish(project: Project, *clusters: Cluster, name: str = "shop", **more: object) -> list[NamespaceWish]:
    wanted = [Wanted(one.pk, name, **more) for one in clusters]  # type: ignore[arg-type]
    return namespaces.create(project=project, wanted=wanted, by=COMMAND, at=AT)


def answered(one: NamespaceWish, *, uid: str = "", text: str = "") -> None:
    """What the room that writes keeps of an answer."""
    AppliedObject.objects.create(
        cluster=one.cluster,
        kind="namespace",
        name=one.name,
        uid=uid,
        source=desired.WISH,
        source_id=one.pk,
        project_id=one.project_id,
        stage=0,
        body={},
        forced=False,
        drift="hold",
        digest="0" * 64,
        state=State.APPLIED if uid else State.FAILED,
        text=text,
    )


def held(project: Project, cluster: Cluster, name: str = "shop") -> Key:
    key = a_namespace(cluster, name)
    holdings.assign(project=project, namespaces=[key], by=COMMAND, at=AT)
    return key


def test_one_step_several_clusters_all_or_none(project: Project) -> None:
    one, two = a_cluster("one"), a_cluster("two")
    a_namespace(two, "shop")
    with pytest.raises(errors.Conflict) as refused:
        wish(project, one, two)
    assert refused.value.errors["names"][0] == "two/shop is there already."
    assert not NamespaceWish.objects.exists()
    assert len(wish(project, one, two, name="cart")) == 2
    # The name of the other cluster is another namespace.
    assert len(wish(project, one)) == 1
    with pytest.raises(errors.Conflict):
        wish(project, one, name="cart")


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"name": "Shop"}, "names"),
        ({"name": "kube-system"}, "names"),
        ({"name": "default"}, "names"),
        ({"name": "paddock-system"}, "names"),
        ({"name": "x" * 64}, "names"),
        ({"labels": {"paddock.io/owner": "me"}}, "labels"),
        ({"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}, "labels"),
        ({"labels": {"a b": "c"}}, "labels"),
        ({"ends_at": AT - DAY}, "ends_at"),
    ],
)
def test_bad_input_is_refused(project: Project, cluster: Cluster, more: dict[str, object], field: str) -> None:
    with pytest.raises(errors.Refused) as refused:
        wish(project, cluster, **more)  # type: ignore[arg-type]
    assert list(refused.value.errors) == [field]
    assert not NamespaceWish.objects.exists()


def test_names_and_labels_as_they_are_typed() -> None:
    assert wanting.names_of(" a, b\nb  c ") == ["a", "b", "c"]
    assert wanting.names_of("  ") == []
    assert wanting.labels_of("team=shop, stage=") == ({"team": "shop", "stage": ""}, [])
    assert len(wanting.labels_of("team")[1]) == 1
    assert len(wanting.labels_of("a=1 a=2")[1]) == 1


def test_what_was_made_is_held_by_its_uid(project: Project, cluster: Cluster) -> None:
    (one,) = wish(project, cluster, labels={"stage": "test"}, ends_at=AT + 5 * DAY, delete_then=True)
    assert [(found.kind, found.name, found.source_id) for found in desired.of_cluster(cluster.pk, AT)] == [
        ("namespace", "shop", one.pk)
    ]
    answered(one, uid="uid-1")
    assert settling.settle(at=AT)["made"] == 1
    one.refresh_from_db()
    assert (one.state, one.made_uid) == (WishState.MADE, "uid-1")
    tenure = NamespaceTenure.objects.get()
    assert (tenure.namespace_uid, tenure.period.lower, tenure.period.upper) == ("uid-1", AT, None)
    term = NamespaceTerm.objects.get(namespace_uid="uid-1")
    assert (term.ends_at, term.delete_then) == (AT + 5 * DAY, True)
    found = list(desired.of_cluster(cluster.pk, AT))
    assert [(each.kind, each.namespace_uid) for each in found] == [
        ("namespace", "uid-1"),
        ("role_binding", "uid-1"),
        ("role_binding", "uid-1"),
    ]
    assert found[0].body == {"metadata": {"labels": {"stage": "test"}}}
    # The inventory reads it later, and its columns follow.
    Namespace.objects.create(
        cluster=cluster,
        uid="uid-1",
        name="shop",
        phase="Active",
        rancher_project="",
        resource_version="1",
        observed_at=AT,
    )
    assert settling.settle(at=AT + timedelta(minutes=1))["held"] == 1
    assert columns((cluster.pk, "uid-1"))[1] == project.pk
    assert settling.settle(at=AT + timedelta(minutes=2)) == {"made": 0, "failed": 0, "held": 0, "gone": 0, "left": 0}


def test_what_could_not_be_made_says_why_and_can_be_asked_for_again(project: Project, cluster: Cluster) -> None:
    (one,) = wish(project, cluster)
    answered(one, text="Another object has this name.")
    assert settling.settle(at=AT)["failed"] == 1
    one.refresh_from_db()
    assert (one.state, one.text) == (WishState.FAILED, "Another object has this name.")
    assert list(desired.of_cluster(cluster.pk, AT)) == []
    assert not NamespaceTenure.objects.exists()
    assert len(wish(project, cluster)) == 1


def test_a_wish_is_withdrawn_until_it_is_made(project: Project, cluster: Cluster) -> None:
    (one,) = wish(project, cluster)
    namespaces.withdraw(wish=one, by=COMMAND, at=AT)
    assert list(desired.of_cluster(cluster.pk, AT)) == []
    # The answer comes too late: the namespace is nobody's, and found as such.
    assert not namespaces.note_made(wish=one, uid="late", by=COMMAND, at=AT)
    assert not NamespaceTenure.objects.exists()
    (two,) = wish(project, cluster)
    assert namespaces.note_made(wish=two, uid="in-time", by=COMMAND, at=AT)
    with pytest.raises(errors.Conflict):
        namespaces.withdraw(wish=two, by=COMMAND, at=AT)


def test_ends_are_told_in_time_and_once(project: Project, cluster: Cluster, bob: User) -> None:
    bob.email = "bob@example.org"
    bob.save()
    scope = role_bindings.Scope(ScopeKind.PROJECT, project.pk, project.name)
    role_bindings.grant(user=bob, role="project_owner", scope=scope, by=COMMAND, at=AT)
    key = held(project, cluster)
    terms.keep(project=project, key=key, until=AT + 10 * DAY, by=COMMAND, at=AT)
    told = []
    for hours in range(0, 11 * 24, 6):
        before = Message.objects.count()
        terms.tend(at=AT + timedelta(hours=hours))
        told += [hours] * (Message.objects.count() - before)
    assert told == [7 * 24, 9 * 24, 10 * 24]
    # Nobody said that it is to be deleted: it waits.
    assert not NamespaceRemoval.objects.exists()
    subjects = list(Message.objects.order_by("created_at").values_list("subject", flat=True))
    assert "waits for you: prod/shop" in subjects[-1]


def test_what_shall_be_deleted_then_is(project: Project, cluster: Cluster) -> None:
    key = held(project, cluster)
    terms.keep(project=project, key=key, until=AT + DAY, delete_then=True, by=COMMAND, at=AT)
    terms.tend(at=AT + DAY - timedelta(minutes=1))
    assert not NamespaceRemoval.objects.exists()
    assert terms.tend(at=AT + DAY)["deleted"] == 1
    assert terms.tend(at=AT + DAY)["deleted"] == 0
    removal = NamespaceRemoval.objects.get()
    assert (removal.namespace_uid, removal.state) == (key[1], RemovalState.WANTED)
    assert Job.objects.filter(kind="clusters.projects.remove_namespaces", key=str(cluster.pk)).count() == 1
    with pytest.raises(errors.Conflict):
        terms.keep(project=project, key=key, until=AT + 9 * DAY, by=COMMAND, at=AT + DAY)


def test_an_owner_lets_it_go_on(project: Project, cluster: Cluster) -> None:
    key = held(project, cluster)
    terms.keep(project=project, key=key, until=AT + DAY, delete_then=True, by=COMMAND, at=AT)
    terms.keep(project=project, key=key, until=AT + 9 * DAY, by=COMMAND, at=AT)
    assert terms.tend(at=AT + 2 * DAY)["deleted"] == 0
    terms.keep(project=project, key=key, until=None, by=COMMAND, at=AT)
    assert not NamespaceTerm.objects.exists()
    other = a_project("Search", a_team("Search"))
    with pytest.raises(errors.Conflict):
        terms.keep(project=other, key=key, until=AT + DAY, by=COMMAND, at=AT)


def test_only_what_the_project_holds_is_deleted(project: Project, cluster: Cluster) -> None:
    key, other = held(project, cluster), a_namespace(cluster, "theirs")
    with pytest.raises(errors.Conflict):
        removals.ask(project=project, keys=[key, other], by=COMMAND, at=AT)
    assert not NamespaceRemoval.objects.exists()
    assert len(removals.ask(project=project, keys=[key], by=COMMAND, at=AT)) == 1
    assert removals.ask(project=project, keys=[key], by=COMMAND, at=AT) == []
    # Where Paddock may not write, it waits and says so.
    assert removals.carry_out(cluster_id=cluster.pk, at=AT)["waiting"] == 1
    assert NamespaceRemoval.objects.get().text == "Paddock may not write to this cluster now."


def test_a_project_leaves_and_its_namespaces_stand(project: Project, cluster: Cluster) -> None:
    key = held(project, cluster)
    wish(project, cluster, name="later")
    leaving.offboard(project=project, choice="release", by=COMMAND, at=AT + DAY)
    project.refresh_from_db()
    assert project.ended_at == AT + DAY
    assert columns(key) == (None, None)
    assert NamespaceWish.objects.get().state == WishState.WITHDRAWN
    assert list(desired.of_cluster(cluster.pk, AT + DAY)) == []
    # What it cost until then stays its own.
    tenure = NamespaceTenure.objects.get()
    assert (tenure.project_id, tenure.period.upper) == (project.pk, AT + DAY)
    assert Event.objects.filter(kind="projects.project.offboard").count() == 1


def test_a_project_that_deletes_is_closed_once_the_last_is_gone(project: Project, cluster: Cluster) -> None:
    keys = [held(project, cluster), held(project, cluster, "cart")]
    leaving.offboard(project=project, choice="delete", by=COMMAND, at=AT + DAY)
    project.refresh_from_db()
    assert project.ended_at is None
    assert NamespaceRemoval.objects.filter(state=RemovalState.WANTED).count() == 2
    Namespace.objects.filter(uid=keys[0][1]).update(gone_at=AT + DAY)
    assert settling.settle(at=AT + DAY)["left"] == 0
    assert [one.word for one in leaving.effect(project, AT + DAY).namespaces] == ["To be deleted", "Gone"]
    Namespace.objects.filter(uid=keys[1][1]).update(gone_at=AT + DAY)
    assert settling.settle(at=AT + 2 * DAY)["left"] == 1
    project.refresh_from_db()
    assert project.ended_at == AT + 2 * DAY
    assert Offboarding.objects.get().done_at == AT + 2 * DAY


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "prefix"),
        ({"prefix": "a", "label": "b=c"}, "prefix"),
        ({"prefix": "A-"}, "prefix"),
        ({"label": "a b=c"}, "label"),
        ({"prefix": "shop-", "clusters": "stage in ("}, "clusters"),
    ],
)
def test_a_bad_rule_is_refused_at_its_field(project: Project, given: dict[str, str], field: str) -> None:
    with pytest.raises(errors.Refused) as refused:
        rules.create(project=project, by=COMMAND, at=AT, **given)
    assert list(refused.value.errors) == [field]
