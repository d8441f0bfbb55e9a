"""Changes to a simulated cluster: the same refusals as a real one's, and answers that are lost on the way."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from clusters.kube import errors, kubeconfig, reactor, writing, writing_errors
from clusters.kube.connection import Connection
from clusters.kube.conversation import Conversation
from clusters.kube.writing import Precondition, Propagation, Target
from tests.contracts import objects
from tests.fakes.simulator import Simulator

RBAC = "rbac.authorization.k8s.io"
CLUSTER_ADMIN = {
    "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "cluster-admin"},
    "subjects": [{"apiGroup": RBAC, "kind": "User", "name": "writer"}],
    "metadata": {"name": "writer"},
}
ALL = {"metadata": {"name": "cluster-admin"}, "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]}
SHOP = {"metadata": {"name": "shop"}}


class Place:
    """A simulated cluster with a namespace, and somebody who may do everything there by a binding."""

    def __init__(self, simulator: Simulator, slug: str) -> None:
        self.simulator, self.slug = simulator, slug
        read = kubeconfig.read(simulator.kubeconfig(slug).encode())
        self.connection = Connection(read.server, read.ca_data, f"writer-{slug}")
        self.reader = read

    def do(self, talk: Conversation[Any], *, connection: Connection | None = None) -> Any:
        return writing.perform(connection or self.connection, talk, deadline=10, allow_loopback=True)

    def apply(self, name: str, value: str, **options: Any) -> Any:
        body = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"x": value}}
        return self.do(writing.apply(target(name), body, **{"manager": "us", **options}))

    def value(self, name: str) -> str | None:
        found = self.do(writing.read(target(name)))
        return found["data"]["x"] if found else None


def target(name: str, resource: str = "configmaps") -> Target:
    return Target("", "v1", resource, name, "shop")


@pytest.fixture
def place(simulator: Simulator, simulated: Callable[..., str]) -> Place:
    name = f"writing-{uuid.uuid4().hex[:8]}"
    things = {
        "namespaces": [SHOP],
        f"clusterroles.{RBAC}": [ALL],
        f"clusterrolebindings.{RBAC}": [CLUSTER_ADMIN],
    }
    slug = simulated(slug=name, objects=things)
    # The slug is complete only now, and with it the token.
    simulator.load(slug, objects=things, users=[{"token": f"writer-{slug}", "user": "writer", "groups": ["writers"]}])
    return Place(simulator, slug)


def test_changes_and_their_refusals(place: Place) -> None:
    made = place.apply("a", "1")
    assert made.created
    assert place.apply("a", "2", only_if=Precondition(made.uid, made.resource_version)).body["data"] == {"x": "2"}
    with pytest.raises(writing_errors.Stale):
        place.apply("a", "3", only_if=Precondition(made.uid, made.resource_version))
    with pytest.raises(writing_errors.Conflict) as conflict:
        place.apply("a", "3", manager="others")
    assert [(each.manager, each.field) for each in conflict.value.fields] == [("us", ".data.x")]
    with pytest.raises(writing_errors.NotAllowed) as refused:
        place.do(writing.delete(target("a")), connection=place.reader)
    assert (refused.value.verb, refused.value.resource, refused.value.namespace) == ("delete", "configmaps", "shop")
    assert place.do(writing.delete(target("a"), propagation=Propagation.FOREGROUND)).finalizers == (
        "foregroundDeletion",
    )


def test_a_quota_and_a_namespace_going_down(place: Place) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "spec": {"hard": {"pods": "1"}}}
    place.do(writing.apply(target("limit", "resourcequotas"), quota, manager="us"))
    place.do(writing.create(target("a", "pods"), objects.pod("shop", "a"), manager="us"))
    with pytest.raises(writing_errors.QuotaExceeded) as refused:
        place.do(writing.create(target("b", "pods"), objects.pod("shop", "b"), manager="us"))
    assert (refused.value.quota, refused.value.used) == ("limit", {"pods": "1"})
    held = {"metadata": {"finalizers": ["example.test/hold"]}}
    place.do(writing.create(target("held"), held, manager="us"))
    place.do(writing.delete(Target("", "v1", "namespaces", "shop")))
    with pytest.raises(writing_errors.Terminating):
        place.apply("a", "1")


def test_a_token_of_an_account(place: Place) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount"}
    place.do(writing.apply(target("robot", "serviceaccounts"), account, manager="us"))
    token = place.do(writing.create_token("shop", "robot", seconds=600))
    robot = Connection(place.connection.server, place.connection.ca_data, token.token)
    question = writing.Question("get", "configmaps", namespace="shop")
    assert not place.do(writing.access_review(question), connection=robot).allowed
    assert place.do(writing.access_review(question)).allowed


def test_a_change_whose_answer_was_cut_may_be_done(place: Place) -> None:
    place.simulator.fault(place.slug, "cut", bytes=20, verb="patch", count=1)
    with pytest.raises(errors.OutcomeUnknown):
        place.apply("a", "1")
    assert place.value("a") == "1"


def test_a_change_that_was_cut_off_may_not_be_done(place: Place) -> None:
    place.simulator.fault(place.slug, "refuse", verb="patch", count=1)
    with pytest.raises(errors.OutcomeUnknown):
        place.apply("a", "1")
    assert place.value("a") is None


def test_nothing_is_tried_twice(place: Place) -> None:
    place.simulator.fault(place.slug, "status", code=503, verb="patch", count=1)
    with pytest.raises(errors.OutcomeUnknown):
        place.apply("a", "1")
    asked = [each["status"] for each in place.simulator.requests(place.slug) if each["verb"] == "patch"]
    assert asked == [503]


def test_hundred_changes_side_by_side_take_one_request_each(place: Place) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"x": "1"}}
    talks = {number: writing.apply(target(f"many-{number}"), body, manager="us") for number in range(100)}
    outcomes = reactor.run(place.connection, talks, deadline=20, allow_loopback=True)
    assert all(outcome.demand().created for outcome in outcomes.values())
    asked = [each for each in place.simulator.requests(place.slug) if each["verb"] == "patch"]
    assert len(asked) == 100
