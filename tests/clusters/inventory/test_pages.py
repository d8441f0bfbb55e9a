"""The lists and pages over what was read: who sees what, in how many queries, and how old it is."""

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clusters.inventory import services
from clusters.inventory.models import Namespace, Node, Pod, Stream, Workload
from clusters.kube.objects.table import KINDS
from portal.access.scopes import ScopeKind
from portal.accounts.bindings import role_bindings
from portal.accounts.models import User
from portal.core import clock
from portal.core.actors import COMMAND
from tests.clusters.inventory.conftest import MakeEstate
from tests.clusters.inventory.objects import deployment, namespace, node, pod, shop
from tests.people import client_of

LISTS = ("workloads", "pods", "nodes", "namespaces")


def _member_of(user: User, kind: ScopeKind, key: uuid.UUID, role: str) -> None:
    scope = role_bindings.Scope(kind, key, "a scope")
    role_bindings.grant(user=user, role=role, scope=scope, by=COMMAND, at=clock.now())


def _hold(found: Any, name: str, *, project: uuid.UUID, team: uuid.UUID) -> None:
    services.hold_namespace(
        cluster_id=found.cluster.pk,
        namespace_uid=Namespace.objects.get(name=name, cluster=found.cluster).uid,
        team_id=team,
        project_id=project,
    )


@pytest.mark.parametrize("name", LISTS)
def test_an_administrator_sees_every_list(estate: MakeEstate, ann: User, name: str) -> None:
    found = estate(**shop())
    found.load()
    page = client_of(ann).get(reverse(f"inventory:{name}"))
    assert page.status_code == 200
    text = page.content.decode()
    assert found.cluster.name in text
    assert {"workloads": "web", "pods": "web-0", "nodes": "n1", "namespaces": "shop"}[name] in text
    file = client_of(ann).get(reverse(f"inventory:{name}"), {"format": "csv"})
    assert b"data as of" in b"".join(file)
    answer = client_of(ann).get(f"/api/v1/{name}/")
    assert answer.status_code == 200
    assert answer.json()["results"][0]["cluster_name"] == found.cluster.name


def test_a_member_sees_what_the_project_holds_and_nothing_else(estate: MakeEstate, bob: User) -> None:
    found = estate(
        namespaces=[namespace("shop"), namespace("other")],
        nodes=[node("n1")],
        pods=[pod("mine"), pod("theirs", "other")],
        deployments_apps=[deployment("mine-app"), deployment("their-app", "other")],
    )
    found.load()
    project, team = uuid.uuid4(), uuid.uuid4()
    _hold(found, "shop", project=project, team=team)
    _hold(found, "other", project=uuid.uuid4(), team=uuid.uuid4())
    _member_of(bob, ScopeKind.PROJECT, project, "project_member")
    client = client_of(bob)
    for name in LISTS:
        text = client.get(reverse(f"inventory:{name}")).content.decode()
        for word in ("theirs", "their-app", "other"):
            assert f">{word}<" not in text
    assert ">n1<" not in client.get(reverse("inventory:nodes")).content.decode()
    assert "mine-app" in client.get(reverse("inventory:workloads")).content.decode()
    theirs = Pod.objects.get(name="theirs")
    assert client.get(theirs.get_absolute_url()).status_code == 404
    assert client.get(reverse("inventory:pod", args=[10**9])).status_code == 404
    assert client.get(Node.objects.get().get_absolute_url()).status_code == 404
    assert client.get(Pod.objects.get(name="mine").get_absolute_url()).status_code == 200
    assert client.get(reverse("inventory:streams_panel", args=[found.cluster.slug])).status_code == 404


@pytest.mark.parametrize(("kind", "role"), [(ScopeKind.TEAM, "team_owner"), (ScopeKind.CLUSTER, "cluster_viewer")])
def test_rights_on_a_team_or_a_cluster_show_what_is_in_it(
    estate: MakeEstate, bob: User, kind: ScopeKind, role: str
) -> None:
    found, foreign = estate(**shop()), estate(**shop())
    found.load()
    foreign.load()
    team = uuid.uuid4()
    _hold(found, "shop", project=uuid.uuid4(), team=team)
    _member_of(bob, kind, team if kind == ScopeKind.TEAM else found.cluster.pk, role)
    assert {pod.cluster_id for pod in Pod.objects.visible_to(bob)} == {found.cluster.pk}
    assert Pod.objects.visible_to(bob).count() == 3
    assert Node.objects.visible_to(bob).exists() == (kind == ScopeKind.CLUSTER)
    text = client_of(bob).get(reverse("inventory:pods")).content.decode()
    assert found.cluster.name in text
    assert foreign.cluster.name not in text


@pytest.mark.parametrize("name", LISTS)
def test_the_number_of_queries_does_not_grow_with_the_rows(estate: MakeEstate, ann: User, name: str) -> None:
    found = estate(**shop(pods=3))
    found.load()
    client = client_of(ann)

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            client.get(reverse(f"inventory:{name}"))
        return len(seen)

    queries()
    few = queries()
    found.put("pods", *(pod(f"more-{n}") for n in range(30)))
    found.put("nodes", *(node(f"more-{n}") for n in range(30)))
    found.put("namespaces", *(namespace(f"more-{n}") for n in range(30)))
    found.put("deployments.apps", *(deployment(f"more-{n}") for n in range(30)))
    found.forget_position("pod", "node", "namespace", "deployment")
    found.load()
    assert queries() == few
    assert few <= 12


def test_filters_narrow_the_rows(estate: MakeEstate, ann: User) -> None:
    found = estate(
        namespaces=[namespace("shop")],
        pods=[
            pod("fine"),
            pod("loops", phase="Running", started=None),
            pod("done", phase="Succeeded", finished="2026-03-01T11:00:00Z"),
        ],
        deployments_apps=[deployment("up"), deployment("down", ready=0), deployment("half", ready=1)],
    )
    found.load()
    client = client_of(ann)

    def names(which: str, **query: str) -> set[str]:
        return {row["name"] for row in client.get(f"/api/v1/{which}/", query).json()["results"]}

    assert names("pods", state="completed") == {"done"}
    assert names("pods", state="running") == {"fine"}
    assert names("pods", name="loo") == {"loops"}
    assert names("pods", namespace="nowhere") == set()
    assert names("pods", cluster=found.cluster.slug) == {"fine", "loops", "done"}
    assert names("pods", project="no-such-project") == set()
    assert names("workloads", state="down") == {"down"}
    assert names("workloads", state="partly") == {"half"}
    assert names("workloads", kind="DaemonSet") == set()
    assert client.get("/api/v1/pods/", {"state": "happy"}).status_code == 400


def test_a_workload_shows_its_pods_what_it_made_and_the_object(estate: MakeEstate, ann: User) -> None:
    hash_of = {"pod-template-hash": "7f9c"}
    replica_set = deployment("web-7f9c")
    replica_set["metadata"]["uid"] = "uid-of-web-7f9c"
    replica_set["metadata"]["ownerReferences"] = [
        {"kind": "Deployment", "name": "web", "uid": "uid-of-web", "controller": True}
    ]
    top = deployment("web")
    top["metadata"]["uid"] = "uid-of-web"
    found = estate(
        namespaces=[namespace("shop")],
        deployments_apps=[top],
        replicasets_apps=[replica_set],
        pods=[pod("web-7f9c-x", owner=("ReplicaSet", "web-7f9c"), labels=hash_of), pod("stranger")],
    )
    found.load()
    client = client_of(ann)
    text = client.get(Workload.objects.get(kind="Deployment").get_absolute_url()).content.decode()
    assert "web-7f9c-x" in text
    assert "stranger" not in text
    assert Workload.objects.get(kind="ReplicaSet").get_absolute_url() in text
    assert "&quot;replicas&quot;: 2" in text
    made = client.get(Workload.objects.get(kind="ReplicaSet").get_absolute_url()).content.decode()
    assert "Deployment web" in made
    detail = client.get(Pod.objects.get(name="web-7f9c-x").get_absolute_url()).content.decode()
    assert "Deployment web" in detail
    listed = client.get("/api/v1/workloads/").json()["results"]
    assert [row["name"] for row in listed] == ["web"]


def test_a_node_shows_what_is_reserved_on_it(estate: MakeEstate, ann: User) -> None:
    found = estate(**shop())
    found.load()
    text = client_of(ann).get(Node.objects.get(name="n1").get_absolute_url()).content.decode()
    assert "1.5 cores" in text
    assert "web-0" in text


def test_the_age_of_the_data_and_what_is_missing_stand_on_the_page(estate: MakeEstate, ann: User) -> None:
    found = estate(**shop())
    found.load(clock.now() - timedelta(hours=1))
    client = client_of(ann)
    assert "older than promised" in client.get(reverse("inventory:pods")).content.decode()
    Stream.objects.filter(kind="pod").update(state="denied", text="The credential has no right.")
    text = client.get(reverse("inventory:pods")).content.decode()
    assert "The credential has no right." in text
    assert "web-0" in text


def test_a_held_kind_is_confirmed_from_the_page(estate: MakeEstate, ann: User, bob: User, fay: User) -> None:
    found = estate(**shop(pods=20))
    found.load()
    found.forget_position("pod")
    found.fault("empty_list", path="/api/v1/pods")
    found.load()
    panel = client_of(ann).get(reverse("inventory:streams_panel", args=[found.cluster.slug])).content.decode()
    assert "Nothing was deleted." in panel
    address = reverse("inventory:release_hold", args=[found.stream("pod").pk])
    assert address in panel
    _member_of(bob, ScopeKind.CLUSTER, found.cluster.pk, "cluster_viewer")
    assert (
        address
        not in client_of(bob).get(reverse("inventory:streams_panel", args=[found.cluster.slug])).content.decode()
    )
    for person in (bob, fay):
        assert client_of(person).post(address).status_code == 404
    assert not found.stream("pod").release_asked
    assert client_of(ann).post(address).status_code == 302
    assert found.stream("pod").release_asked


def test_the_fleet_says_which_cluster_is_not_fresh(estate: MakeEstate, ann: User) -> None:
    fine, dead, new = estate(**shop()), estate(), estate()
    fine.load()
    dead.fault("refuse", path="*")
    dead.load()
    text = client_of(ann).get(reverse("inventory:fleet_panel")).content.decode()
    rows = dict(re.findall(r'<a href="[^"]*">([^<]+)</a>.*?<span class="state[^>]*>([^<]+)<', text))
    assert rows[fine.cluster.name] == "Up to date"
    assert rows[dead.cluster.name] == f"{len(KINDS)} kinds are out of date"
    assert rows[new.cluster.name] == "Not read yet"


@pytest.mark.parametrize("change", ["detached", "gone"])
def test_what_is_no_longer_there_is_not_listed(estate: MakeEstate, ann: User, change: str) -> None:
    found = estate(**shop())
    found.load()
    if change == "detached":
        found.cluster.state = "detached"
        found.cluster.credential = ""
        found.cluster.save()
    else:
        Pod.objects.update(gone_at=clock.now())
    assert client_of(ann).get("/api/v1/pods/").json()["results"] == []
