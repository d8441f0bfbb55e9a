"""The page of what is written to a cluster: states and YAML, decisions, and who may take them."""

import uuid

import pytest
from django.test import Client
from django.urls import reverse

from clusters.applying import leases, selectors
from clusters.applying.models import HELD, AppliedObject, Foreign, State, WriteLease
from clusters.registry.models import Cluster
from clusters.registry.models import State as ClusterState
from portal.access.scopes import ScopeKind
from portal.accounts.bindings import role_bindings
from portal.accounts.models import User
from portal.audit.models import Event
from portal.core import clock, sealed
from portal.core.actors import COMMAND
from portal.jobs.models import Job
from tests import people

pytestmark = pytest.mark.django_db

PROJECT = uuid.UUID(int=9)


@pytest.fixture
def cluster(db: None) -> Cluster:
    made = Cluster(slug="prod", name="prod", state=ClusterState.ATTACHED, server="https://prod.example", generation=1)
    made.kube_system_uid, made.attached_at = "uid-of-prod", clock.now()
    sealed.set_sealed(made, "credential", "{}")
    made.save()
    return made


def applied(cluster: Cluster, name: str, **values: object) -> AppliedObject:
    known: dict[str, object] = {
        "kind": "role_binding",
        "namespace": "shop",
        "namespace_uid": "n-1",
        "uid": f"u-{name}",
        "source": "test",
        "source_id": PROJECT,
        "project_id": PROJECT,
        "stage": 5,
        "body": {"subjects": [{"kind": "Group", "name": "<b>people</b>"}]},
        "forced": True,
        "drift": "hold",
        "digest": "d",
        "applied_digest": "d",
        "state": State.APPLIED,
    }
    return AppliedObject.objects.create(cluster=cluster, name=name, **{**known, **values})


def finding(cluster: Cluster, reason: str = "forged", kind: str = "role_binding") -> Foreign:
    name = f"{reason}-{kind}"
    return Foreign.objects.create(cluster=cluster, kind=kind, namespace="shop", name=name, uid=name, reason=reason)


def page(client: Client, **query: str) -> str:
    return client.get(reverse("applying:written", args=["prod"]), query).content.decode()


def decide(client: Client, **fields: str) -> int:
    return int(client.post(reverse("applying:decide", args=["prod"]), fields).status_code)


def test_what_is_written_is_shown_with_its_state_and_as_yaml(cluster: Cluster, ann: User) -> None:
    one = applied(cluster, "paddock-edit")
    applied(cluster, "paddock-view", state=State.FAILED, code="denied", text="A policy refuses it.")
    client = people.client_of(ann)
    text = page(client)
    assert "Applied 1 of 2" in text
    assert "A policy refuses it." in text
    assert text.index("shop/paddock-view") < text.index("shop/paddock-edit")
    shown = page(client, object=str(one.pk))
    assert "kind: RoleBinding" in shown
    assert "&lt;b&gt;people" in shown
    assert "<b>people" not in shown
    assert "kind: RoleBinding" not in page(client, object="nonsense")


def test_a_held_change_is_put_back_or_left(cluster: Cluster, ann: User) -> None:
    back = applied(cluster, "back", state=State.DRIFTED, code=HELD)
    left = applied(cluster, "left", state=State.DRIFTED, code=HELD)
    client = people.client_of(ann)
    assert page(client).count("Put back") == 2
    assert decide(client, applied=str(back.pk), choice="restore") == 302
    assert decide(client, applied=str(left.pk), choice="accept") == 302
    back.refresh_from_db()
    left.refresh_from_db()
    assert (back.state, back.code) == (State.DRIFTED, "")
    assert (left.state, left.code) == (State.APPLIED, "accepted")
    assert WriteLease.objects.get(cluster=cluster).asked == 1
    assert Job.objects.filter(kind="clusters.applying.reconcile", key=str(cluster.pk)).count() == 1
    kinds = set(Event.objects.filter(actor_label="ann").values_list("kind", flat=True))
    assert {"applying.object.restore", "applying.object.accept"} <= kinds
    # Decided once.
    assert decide(client, applied=str(left.pk), choice="accept") == 409


def test_what_is_not_ours_is_removed_left_or_taken_over(cluster: Cluster, ann: User) -> None:
    forged, former, wide = finding(cluster), finding(cluster, "former"), finding(cluster, kind="cluster_role_binding")
    client = people.client_of(ann)
    assert "A cluster administrator removes it." in page(client)
    assert decide(client, foreign=str(forged.pk), choice="take_over") == 409
    assert decide(client, foreign=str(wide.pk), choice="remove") == 409
    assert decide(client, foreign=str(forged.pk), choice="remove") == 302
    assert decide(client, foreign=str(former.pk), choice="take_over") == 302
    assert decide(client, foreign=str(wide.pk), choice="leave") == 302
    assert set(Foreign.objects.values_list("decision", flat=True)) == {"removed", "taken_over", "left"}
    assert Job.objects.filter(kind="clusters.applying.remove_foreign", key=str(forged.pk)).exists()
    taken = AppliedObject.objects.get(uid=former.uid)
    assert taken.adopted


def test_writing_is_stopped_and_goes_on(cluster: Cluster, ann: User) -> None:
    client = people.client_of(ann)
    assert client.post(reverse("applying:stop", args=["prod"])).status_code == 302
    assert "Stopped by ann." in page(client)
    assert leases.claim(cluster_id=cluster.pk, owner="x", at=clock.now()) is None
    assert client.post(reverse("applying:resume", args=["prod"])).status_code == 302
    assert leases.claim(cluster_id=cluster.pk, owner="x", at=clock.now()) is not None


def test_who_may_only_look_decides_nothing(cluster: Cluster, bob: User, dan: User) -> None:
    held = applied(cluster, "held", state=State.DRIFTED, code=HELD)
    scope = role_bindings.Scope(ScopeKind.CLUSTER, cluster.pk, cluster.name)
    role_bindings.grant(user=bob, role="cluster_viewer", scope=scope, by=COMMAND, at=clock.now())
    client = people.client_of(bob)
    text = page(client)
    assert "shop/held" in text
    assert "Put back" not in text
    assert decide(client, applied=str(held.pk), choice="restore") == 404
    assert client.post(reverse("applying:stop", args=["prod"])).status_code == 404
    assert people.client_of(dan).get(reverse("applying:written", args=["prod"])).status_code == 404


def test_a_project_is_rolled_up_over_clusters(cluster: Cluster) -> None:
    applied(cluster, "one")
    applied(cluster, "two", state=State.WAITING, code="cluster", text="The cluster does not answer now.")
    applied(cluster, "other", project_id=uuid.UUID(int=8))
    rolled = selectors.rolled_up(project_id=PROJECT)
    assert (rolled.applied, rolled.total) == (1, 2)
    (state,) = rolled.by_cluster
    assert (state.cluster, state.applied, state.texts) == ("prod", 1, ("The cluster does not answer now.",))
    assert not state.is_whole
