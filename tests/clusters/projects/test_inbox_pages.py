"""Pages of new, ended and deleted namespaces, of projects that leave, and of what belongs to nobody."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clusters.inventory.models import Namespace, Volume, Workload
from clusters.projects.models import (
    ClaimRule,
    NamespaceRemoval,
    NamespaceTerm,
    NamespaceWish,
    OrphanKept,
    Project,
    Team,
)
from clusters.projects.services import holdings
from clusters.projects.services.holdings import Key
from clusters.registry.models import Cluster
from portal.access.scopes import ScopeKind
from portal.accounts import services as accounts
from portal.accounts.bindings import role_bindings
from portal.accounts.models import Binding, User
from portal.core import clock
from portal.core.actors import COMMAND
from tests import people
from tests.clusters.projects.conftest import SEEN, a_cluster, a_namespace, a_project, a_team, columns

pytestmark = pytest.mark.django_db


def scope(project: Project) -> role_bindings.Scope:
    return role_bindings.Scope(ScopeKind.PROJECT, project.pk, project.name)


def owner(user: User, project: Project) -> Client:
    role_bindings.grant(user=user, role="project_owner", scope=scope(project), by=COMMAND, at=clock.now())
    return people.client_of(user)


def held(project: Project, cluster: Cluster, name: str = "shop") -> Key:
    key = a_namespace(cluster, name)
    holdings.assign(project=project, namespaces=[key], by=COMMAND, at=clock.now())
    return key


def pick(key: Key) -> str:
    return f"{key[0]}/{key[1]}"


def address(name: str, *args: object) -> str:
    return reverse(f"projects:{name}", args=list(args))


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_an_owner_makes_several_in_one_form(bob: User, project: Project) -> None:
    one, two, foreign = a_cluster("one"), a_cluster("two"), a_cluster("secret-cluster")
    held(project, one)
    held(project, two)
    client = owner(bob, project)
    url = address("project_new_namespaces", project.slug)
    page = text(client.get(url))
    # Those it is on are chosen already; others are for who sees those clusters.
    assert page.count("checked") == 2
    assert "secret-cluster" not in page
    given = {"names": "cart api", "clusters": [str(one.pk), str(two.pk)], "labels": "stage=test"}
    assert client.post(url, {**given, "clusters": [str(foreign.pk)]}).status_code == 422
    assert client.post(url, {**given, "names": "shop new"}).status_code == 422
    assert not NamespaceWish.objects.exists()
    refused = text(client.post(url, {**given, "names": "shop new"}))
    assert "one/shop is there already." in refused
    assert "shop new" in refused
    assert client.post(url, given).status_code == 302
    assert NamespaceWish.objects.filter(labels={"stage": "test"}).count() == 4
    shown = text(client.get(address("project", project.slug)))
    assert "Being made" in shown
    wish = NamespaceWish.objects.order_by("name")[0]
    assert client.post(address("project_withdraw_namespace", project.slug), {"wish": str(wish.pk)}).status_code == 302
    wish.refresh_from_db()
    assert wish.state == "withdrawn"


def test_ends_and_deletion_of_chosen_ones(bob: User, project: Project, cluster: Cluster) -> None:
    key = held(project, cluster)
    client = owner(bob, project)
    url = address("project_end_namespaces", project.slug)
    assert "days" in text(client.post(url, {"pick": pick(key)}))
    past = {"pick": pick(key), "ends_at": "2001-01-01T00:00"}
    assert client.post(url, past).status_code == 422
    then = f"{clock.now() + timedelta(days=9):%Y-%m-%dT%H:%M}"
    assert client.post(url, {"pick": pick(key), "ends_at": then}).status_code == 302
    assert NamespaceTerm.objects.get().delete_then is False
    url = address("project_delete_namespaces", project.slug)
    shown = text(client.post(url, {"pick": pick(key)}))
    assert "Delete them with all that is in them" in shown
    assert not NamespaceRemoval.objects.exists()
    assert client.post(url, {"pick": pick(key), "confirmed": "1"}).status_code == 302
    assert NamespaceRemoval.objects.get().namespace_uid == key[1]
    assert "To be deleted" in text(client.get(address("project", project.slug)))


def test_deleting_needs_a_sign_in_that_is_young(bob: User, project: Project, cluster: Cluster, settings: Any) -> None:
    key = held(project, cluster)
    client = owner(bob, project)
    settings.SIGN_IN_FRESH_SECONDS = 0
    given = {"pick": pick(key), "confirmed": "1"}
    answer = client.post(address("project_delete_namespaces", project.slug), given)
    assert answer.status_code == 302
    assert reverse("accounts:confirm") in answer["Location"]
    then = f"{clock.now() + timedelta(days=1):%Y-%m-%dT%H:%M}"
    ended = {"pick": pick(key), "ends_at": then, "delete_then": "on"}
    answer = client.post(address("project_end_namespaces", project.slug), ended)
    assert reverse("accounts:confirm") in answer["Location"]
    leaving = {"choice": "delete", "name": project.name}
    answer = client.post(address("project_leave", project.slug), leaving)
    assert reverse("accounts:confirm") in answer["Location"]
    assert not NamespaceRemoval.objects.exists()
    assert not NamespaceTerm.objects.exists()


def test_members_and_strangers_do_none_of_it(bob: User, dan: User, project: Project, cluster: Cluster) -> None:
    key = held(project, cluster)
    role_bindings.grant(user=bob, role="project_member", scope=scope(project), by=COMMAND, at=clock.now())
    theirs = a_project("Search", a_team("Search"))
    for client in (people.client_of(bob), owner(dan, theirs)):
        for name in ("project_new_namespaces", "project_end_namespaces", "project_delete_namespaces", "project_leave"):
            given = {"pick": pick(key), "confirmed": "1", "names": "x", "clusters": str(cluster.pk)}
            assert client.post(address(name, project.slug), given).status_code == 404
    # An owner of another project deletes nothing of this one.
    answer = people.client_of(dan).post(
        address("project_delete_namespaces", theirs.slug), {"pick": pick(key), "confirmed": "1"}
    )
    assert answer.status_code == 302
    assert not NamespaceRemoval.objects.exists()
    assert not NamespaceWish.objects.exists()


def test_a_project_is_let_go_by_its_name(bob: User, project: Project, cluster: Cluster) -> None:
    key = held(project, cluster)
    client = owner(bob, project)
    url = address("project_leave", project.slug)
    assert "shop" in text(client.get(url))
    assert client.post(url, {"choice": "release", "name": "Another"}).status_code == 422
    assert client.post(url, {"choice": "release", "name": project.name}).status_code == 302
    project.refresh_from_db()
    assert project.ended_at is not None
    assert columns(key) == (None, None)


def test_rules_suggest_and_a_person_confirms_several(ann: User, cluster: Cluster, project: Project, team: Team) -> None:
    client = people.client_of(ann)
    keys = [a_namespace(cluster, "shop-one"), a_namespace(cluster, "shop-two"), a_namespace(cluster, "else")]
    url = address("rules")
    assert client.post(url, {"project": project.slug, "beginning": "", "label": ""}).status_code == 422
    assert client.post(url, {"project": project.slug, "beginning": "shop-"}).status_code == 302
    assert "shop-*" in text(client.get(url))
    unowned = text(client.get(address("unowned")))
    assert unowned.count("a rule fits") == 2
    assert columns(keys[0]) == (None, None)
    url = address("unowned")
    client.post(url, {"pick": [pick(one) for one in keys], "do": "suggested"})
    assert columns(keys[0]) == (None, None)  # for one of them nothing is suggested: none
    client.post(url, {"pick": [pick(one) for one in keys[:2]], "do": "suggested"})
    assert columns(keys[0]) == columns(keys[1]) == (team.pk, project.pk)
    rule = ClaimRule.objects.get()
    assert client.post(address("delete_rule"), {"rule": str(rule.pk)}).status_code == 302
    assert not ClaimRule.objects.exists()


def test_a_rule_for_some_clusters_suggests_there_alone(ann: User, project: Project) -> None:
    test, live = a_cluster("test"), a_cluster("live")
    Cluster.objects.filter(pk=test.pk).update(labels={"stage": "test"})
    a_namespace(test, "shop-one")
    a_namespace(live, "shop-one")
    client = people.client_of(ann)
    client.post(address("rules"), {"project": project.slug, "beginning": "shop-", "clusters": "stage=test"})
    assert text(client.get(address("unowned"))).count("a rule fits") == 1


def volume(cluster: Cluster, name: str, phase: str) -> str:
    fields = dict.fromkeys(
        ("storage_class", "reclaim_policy", "claim_namespace", "claim_namespace_uid", "claim_name", "claim_uid"), ""
    )
    fields |= dict.fromkeys(("driver", "handle", "region"), "")
    row = Volume.objects.create(
        cluster=cluster,
        uid=f"v-{name}",
        name=name,
        phase=phase,
        capacity_bytes=2**30,
        resource_version="1",
        observed_at=SEEN,
        **fields,
    )
    return f"{cluster.pk}/{row.uid}"


def test_volumes_without_claim_are_listed_and_left_alone(
    ann: User, bob: User, project: Project, cluster: Cluster
) -> None:
    free, _bound = volume(cluster, "free-disk", "Released"), volume(cluster, "used-disk", "Bound")
    client = people.client_of(ann)
    url = address("unowned_volumes")
    page = text(client.get(url))
    assert "free-disk" in page
    assert "used-disk" not in page
    assert owner(bob, project).get(url).status_code == 404
    client.post(url, {"pick": _bound, "do": "keep"})
    assert not OrphanKept.objects.exists()
    client.post(url, {"pick": free, "do": "keep"})
    assert "free-disk" not in text(client.get(url))
    assert "free-disk" in text(client.get(url + "?kept=true"))


def test_workloads_of_nobody(ann: User, project: Project, cluster: Cluster) -> None:
    mine, other = held(project, cluster, "mine"), a_namespace(cluster, "nobodys")
    for key, name in ((mine, "owned-app"), (other, "lost-app")):
        a_workload(cluster, key, name)
    page = text(people.client_of(ann).get(address("unowned_workloads")))
    assert "lost-app" in page
    assert "owned-app" not in page


def a_workload(cluster: Cluster, key: Key, name: str) -> None:
    numbers = dict.fromkeys(("desired", "ready", "updated", "available", "active", "succeeded", "failed"), 1)
    words = dict.fromkeys(("owner_kind", "owner_name", "owner_uid", "schedule", "time_zone"), "")
    namespace = cluster_namespace(key)
    Workload.objects.create(
        cluster=cluster,
        namespace_id=namespace,
        uid=f"w-{name}",
        name=name,
        kind="Deployment",
        paused=False,
        resource_version="1",
        observed_at=SEEN,
        images=[],
        **numbers,
        **words,
    )


def cluster_namespace(key: Key) -> int:
    return Namespace.objects.values_list("pk", flat=True).get(cluster_id=key[0], uid=key[1])


def test_roles_whose_holder_is_gone_are_taken_away(ann: User, bob: User, cleo: User, project: Project) -> None:
    for user in (bob, cleo):
        role_bindings.grant(user=user, role="project_member", scope=scope(project), by=COMMAND, at=clock.now())
    accounts.set_active(user=bob, active=False, by=COMMAND)
    client = people.client_of(ann)
    url = address("unowned_roles")
    page = text(client.get(url))
    assert "bob" in page
    assert "cleo" not in page
    standing, gone = Binding.objects.get(user=cleo), Binding.objects.get(user=bob)
    client.post(url, {"pick": str(standing.pk), "do": "revoke"})
    assert Binding.objects.filter(pk=standing.pk).exists()
    client.post(url, {"pick": str(gone.pk), "do": "revoke"})
    assert not Binding.objects.filter(pk=gone.pk).exists()


def test_cost_stands_beside_them_for_who_sees_cost(ann: User, cluster: Cluster) -> None:
    a_namespace(cluster, "lost")
    assert "Cost, 30 days" in text(people.client_of(ann).get(address("unowned")))
    plain = people.person("plain", "admin")
    assert "Cost, 30 days" not in text(people.client_of(plain).get(address("unowned")))


def test_the_list_of_projects_counts_what_is_applied(ann: User, project: Project, cluster: Cluster) -> None:
    held(project, cluster)
    assert "nothing written" in text(people.client_of(ann).get(address("projects")))


def test_the_form_of_the_second_keeps_what_was_typed(ann: User, project: Project) -> None:
    client, url = people.client_of(ann), address("project_settings", project.slug)
    read = {"version": "1", "description": ""}
    assert client.post(url, {**read, "name": "Till"}).status_code == 302
    refused = client.post(url, {**read, "name": "Counter"})
    assert refused.status_code == 422
    assert "Till" in text(refused)
    assert 'value="Counter"' in text(refused)
    assert client.post(url, {**read, "version": "2", "name": "Counter"}).status_code == 302
