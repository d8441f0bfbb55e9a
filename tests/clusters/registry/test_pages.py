"""The pages of clusters: three clicks to attach, nothing stored of what is refused, hidden is absent."""

import re
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from clusters.registry import services
from clusters.registry.models import Cluster
from portal.access.scopes import ScopeKind
from portal.accounts.bindings import role_bindings
from portal.accounts.models import User
from portal.audit.models import Event
from portal.core import clock
from portal.core.actors import COMMAND
from tests import people
from tests.clusters.registry import kubeconfigs
from tests.clusters.registry.conftest import Propose, run_checks
from tests.fakes.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)


def give(user: User, role: str, cluster: Cluster) -> Client:
    scope = role_bindings.Scope(ScopeKind.CLUSTER, cluster.pk, cluster.name)
    role_bindings.grant(user=user, role=role, scope=scope, by=COMMAND, at=clock.now())
    return people.client_of(user)


def test_attaching_takes_a_form_and_a_confirmation(
    ann: User, simulator: Simulator, simulated: Callable[..., str]
) -> None:
    client = people.client_of(ann)
    assert "Add cluster" in client.get(reverse("registry:clusters")).content.decode()
    kubeconfig = simulator.kubeconfig(simulated(distribution="k3s"))
    answer = client.post(reverse("registry:add"), {"name": "prod", "pasted": kubeconfig})
    assert answer.status_code == 302
    waiting = client.get(answer["Location"]).content.decode()
    assert 'hx-trigger="every 2s"' in waiting
    assert "Attach cluster" not in waiting
    cluster = run_checks(Cluster.objects.get())
    checked = client.get(reverse("registry:checks", args=["prod"]), headers={"HX-Request": "true"}).content.decode()
    assert "every 2s" not in checked
    assert "Attach cluster" in checked
    assert cluster.kube_system_uid in checked
    assert cluster.ca_fingerprint in checked
    assert "Install metrics-server." in checked
    assert "Attach cluster" in client.get(reverse("registry:candidate", args=["prod"])).content.decode()
    answer = client.post(reverse("registry:confirm", args=["prod"]))
    assert answer["Location"] == reverse("registry:cluster", args=["prod"])
    shown = client.get(answer["Location"]).content.decode()
    assert "K3s" in shown
    assert "Detach cluster" in shown
    assert Event.objects.get(kind="registry.cluster.attach").actor_label == "ann"


@pytest.mark.parametrize("what", kubeconfigs.BAD)
@pytest.mark.parametrize("way", ["pasted", "uploaded"])
def test_a_refused_form_stores_nothing(ann: User, what: str, way: str) -> None:
    data, field = kubeconfigs.BAD[what]
    given = data.decode() if way == "pasted" else SimpleUploadedFile("kubeconfig", data)
    answer = people.client_of(ann).post(reverse("registry:add"), {"name": "prod", way: given})
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert field in shown or (what == "empty" and "kubeconfig" in shown.lower())
    assert 'value="prod"' in shown
    assert not Cluster.objects.exists()


def test_a_pasted_credential_does_not_come_back(ann: User) -> None:
    pasted = kubeconfigs.GOOD.decode()
    answer = people.client_of(ann).post(reverse("registry:add"), {"name": "/", "pasted": pasted})
    assert answer.status_code == 422
    assert "a-token" not in answer.content.decode()


def test_a_form_without_or_with_two_kubeconfigs_is_refused(ann: User) -> None:
    client = people.client_of(ann)
    both = {"pasted": "x", "uploaded": SimpleUploadedFile("k", b"x")}
    for given in ({}, both):
        answer = client.post(reverse("registry:add"), {"name": "prod", **given})
        assert answer.status_code == 422
    assert not Cluster.objects.exists()


def test_a_red_candidate_cannot_be_attached_and_can_be_discarded(ann: User, propose: Propose) -> None:
    denied = [{"verbs": ["list"], "apiGroups": [""], "resources": ["nodes"]}]
    propose("prod", denied=denied)
    client = people.client_of(ann)
    page = client.get(reverse("registry:candidate", args=["prod"])).content.decode()
    assert "Attach cluster" not in page
    assert "Missing: list." in page
    assert "Check again" in page
    assert "Discard" in page
    assert client.post(reverse("registry:confirm", args=["prod"])).status_code == 422
    assert client.post(reverse("registry:discard", args=["prod"])).status_code == 302
    assert not Cluster.objects.exists()


def test_a_known_cluster_is_announced_before_it_is_resumed(
    ann: User, attach: Propose, propose: Propose, simulated: Callable[..., str]
) -> None:
    slug = simulated()
    services.detach(cluster=attach("prod", slug=slug), by=COMMAND, at=clock.now())
    candidate = propose("again", slug=slug)
    client = people.client_of(ann)
    assert "This cluster is known" in client.get(reverse("registry:candidate", args=[candidate.slug])).content.decode()
    answer = client.post(reverse("registry:confirm", args=[candidate.slug]))
    assert answer["Location"] == reverse("registry:cluster", args=["prod"])


def test_detaching_asks_for_the_name(ann: User, attach: Propose) -> None:
    attach("prod")
    client, url = people.client_of(ann), reverse("registry:detach", args=["prod"])
    assert client.get(url).status_code == 200
    assert client.post(url, {"name": "prd"}).status_code == 422
    assert Cluster.objects.get().state == "attached"
    assert client.post(url, {"name": "prod"}).status_code == 302
    assert Cluster.objects.get().state == "detached"
    assert "Detached" in client.get(reverse("registry:cluster", args=["prod"])).content.decode()
    assert "prod" not in _names(client, "")
    assert "prod" in _names(client, "?state=detached")


def _names(client: Client, query: str) -> str:
    answer = client.get(reverse("registry:clusters") + query, headers={"HX-Request": "true"})
    return answer.content.decode().partition("<tbody>")[2]


def test_the_manifest_holds_no_secret(ann: User) -> None:
    client = people.client_of(ann)
    assert "ClusterRole" in client.get(reverse("registry:rights")).content.decode()
    answer = client.get(reverse("registry:manifest"))
    assert "attachment" in answer["Content-Disposition"]
    assert b"secrets" not in answer.content


def _without_tokens(page: bytes) -> str:
    """Form tokens are masked anew in each answer."""
    return re.sub(r"[A-Za-z0-9]{64}", "", page.decode())


PAGES = ["cluster", "candidate", "checks", "detach"]
ACTIONS = ["confirm", "discard", "recheck", "detach"]


@pytest.mark.parametrize("name", PAGES)
def test_hidden_and_absent_clusters_look_alike(bob: User, attach: Propose, name: str) -> None:
    mine, other = attach("mine"), attach("theirs")
    client = give(bob, "cluster_owner", mine)
    hidden = client.get(reverse(f"registry:{name}", args=[other.slug]))
    absent = client.get(reverse(f"registry:{name}", args=["nothing"]))
    assert (hidden.status_code, absent.status_code) == (404, 404)
    assert _without_tokens(hidden.content) == _without_tokens(absent.content)


@pytest.mark.parametrize("name", ACTIONS)
def test_actions_need_the_right_on_the_cluster(bob: User, cleo: User, attach: Propose, name: str) -> None:
    mine, other = attach("mine"), attach("theirs")
    owner, viewer = give(bob, "cluster_owner", mine), give(cleo, "cluster_viewer", mine)
    answers = [
        Client().post(reverse(f"registry:{name}", args=["mine"]), {"name": "mine"}).status_code,
        viewer.post(reverse(f"registry:{name}", args=["mine"]), {"name": "mine"}).status_code,
        owner.post(reverse(f"registry:{name}", args=[other.slug]), {"name": "theirs"}).status_code,
    ]
    assert answers == [302, 404, 404]
    assert set(Cluster.objects.values_list("state", "generation")) == {("attached", 1)}
    assert Event.objects.filter(kind="access.denied").exists()


def test_an_owner_of_one_cluster_detaches_it_and_adds_none(bob: User, attach: Propose) -> None:
    attach("theirs")
    client = give(bob, "cluster_owner", attach("mine"))
    listed = client.get(reverse("registry:clusters")).content.decode()
    assert "mine" in listed
    assert "theirs" not in listed.partition("<tbody>")[2]
    assert client.get(reverse("registry:add")).status_code == 404
    assert client.post(reverse("registry:add"), {"name": "x", "pasted": "y"}).status_code == 404
    assert client.post(reverse("registry:detach", args=["mine"]), {"name": "mine"}).status_code == 302


@pytest.mark.parametrize("name", ["clusters", "add", "rights", "manifest"])
def test_pages_need_a_sign_in_and_a_right(bob: User, name: str) -> None:
    assert Client().get(reverse(f"registry:{name}")).status_code == 302
    assert people.client_of(bob).get(reverse(f"registry:{name}")).status_code == 404
