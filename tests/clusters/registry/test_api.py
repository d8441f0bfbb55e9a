"""api/v1/clusters/: the same rules as the pages."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from clusters.registry.models import Cluster
from portal.access.scopes import ScopeKind
from portal.accounts.bindings import role_bindings
from portal.accounts.models import User
from portal.core import clock
from portal.core.actors import COMMAND
from tests import people
from tests.clusters.registry import kubeconfigs
from tests.clusters.registry.conftest import Propose, run_checks
from tests.fakes.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/api/v1/clusters/"


def post(client: Client, url: str, **body: Any) -> Any:
    return client.post(url, json.dumps(body), content_type="application/json")


def test_from_proposal_to_detaching(ann: User, simulator: Simulator, simulated: Callable[..., str]) -> None:
    client = people.client_of(ann)
    answer = post(client, URL, name="prod", kubeconfig=simulator.kubeconfig(simulated()))
    assert answer.status_code == 202
    assert answer.json()["state"] == "candidate"
    one = f"{URL}{answer.json()['id']}/"
    assert post(client, f"{one}confirm/").status_code == 409
    run_checks(Cluster.objects.get())
    assert {check["state"] for check in client.get(one).json()["checks"]} == {"ok", "warn"}
    attached = post(client, f"{one}confirm/")
    assert (attached.status_code, attached.json()["state"]) == (200, "attached")
    assert [row["slug"] for row in client.get(URL).json()["results"]] == ["prod"]
    assert post(client, f"{one}check/").status_code == 202
    assert post(client, f"{one}detach/").json()["state"] == "detached"
    assert post(client, f"{one}detach/").status_code == 409
    assert client.get(URL).json()["results"] == []
    assert "credential" not in client.get(one).json()


@pytest.mark.parametrize("what", kubeconfigs.BAD)
def test_a_bad_kubeconfig_is_a_problem_at_its_field(ann: User, what: str) -> None:
    data, field = kubeconfigs.BAD[what]
    answer = post(people.client_of(ann), URL, name="prod", kubeconfig=data.decode())
    assert answer.status_code == 422
    assert answer["Content-Type"].startswith("application/problem+json")
    assert answer.json()["errors"]["kubeconfig"][0].startswith(field) or what == "empty"
    assert not Cluster.objects.exists()


def test_a_candidate_is_discarded(ann: User, propose: Propose) -> None:
    candidate = propose("prod", checked=False)
    assert post(people.client_of(ann), f"{URL}{candidate.pk}/discard/").status_code == 204
    assert not Cluster.objects.exists()


@pytest.mark.parametrize("action", ["confirm", "check", "detach", "discard"])
def test_actions_need_the_right_on_the_cluster(bob: User, cleo: User, attach: Propose, action: str) -> None:
    mine, other = attach("mine"), attach("other")
    for user, role in ((bob, "cluster_owner"), (cleo, "cluster_viewer")):
        scope = role_bindings.Scope(ScopeKind.CLUSTER, mine.pk, "mine")
        role_bindings.grant(user=user, role=role, scope=scope, by=COMMAND, at=clock.now())
    owner, viewer = people.client_of(bob), people.client_of(cleo)
    assert post(Client(), f"{URL}{mine.pk}/{action}/").status_code in {401, 403}
    assert post(viewer, f"{URL}{mine.pk}/{action}/").status_code == 404
    assert post(owner, f"{URL}{other.pk}/{action}/").status_code == 404
    assert set(Cluster.objects.values_list("state", "generation")) == {("attached", 1)}


def test_reading_and_proposing_need_the_right(bob: User, attach: Propose) -> None:
    mine, other = attach("mine"), attach("other")
    client = people.client_of(bob)
    assert client.get(URL).status_code == 404
    scope = role_bindings.Scope(ScopeKind.CLUSTER, mine.pk, "mine")
    role_bindings.grant(user=bob, role="cluster_owner", scope=scope, by=COMMAND, at=clock.now())
    assert [row["slug"] for row in client.get(URL).json()["results"]] == ["mine"]
    assert client.get(f"{URL}{mine.pk}/").status_code == 200
    assert client.get(f"{URL}{other.pk}/").status_code == 404
    assert post(client, URL, name="x", kubeconfig=kubeconfigs.GOOD.decode()).status_code == 404
    assert client.get(f"{URL}not-an-id/").status_code == 404
