"""What a world says of its clusters is what clients see: distributions, rights, groups and requests."""

from collections.abc import Callable

import pytest

from tests.contracts.client import Client
from tests.fakes.simulator import Simulator

Simulated = Callable[..., str]
Connect = Callable[[str], Client]

TEMPLATE = {
    "metadata": {"name": "k8srequiredlabels"},
    "spec": {"crd": {"spec": {"names": {"kind": "K8sRequiredLabels"}}}},
}


@pytest.mark.parametrize(
    ("distribution", "mark"),
    [("k3s", "+k3s"), ("rke2", "+rke2r"), ("eks", "-eks-"), ("gke", "-gke."), ("rke1", "-rancher")],
)
def test_distributions_show_in_the_version(
    simulated: Simulated, connect: Connect, distribution: str, mark: str
) -> None:
    version = connect(simulated(distribution=distribution)).get("/version").json
    assert mark in version["gitVersion"]
    assert version["minor"] == version["gitVersion"].split(".")[1]


def test_denied_rights_show_in_answers_and_reviews(simulated: Simulated, connect: Connect) -> None:
    denied = [{"verbs": ["list", "watch"], "apiGroups": [""], "resources": ["pods"]}]
    client = connect(simulated(denied=denied))
    assert client.get("/api/v1/pods").status == 403
    assert client.get("/api/v1/nodes").status == 200
    attributes = {"verb": "list", "resource": "pods"}
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    answer = client.send("POST", path, body={"spec": {"resourceAttributes": attributes}})
    assert answer.json["status"] == {"allowed": False}
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    rules = client.send("POST", path, body={"spec": {"namespace": "default"}}).json["status"]["resourceRules"]
    verbs = {verb for rule in rules if "pods" in rule["resources"] for verb in rule["verbs"]}
    assert verbs == {"get"}


def test_groups_are_there_only_when_the_world_says_so(simulated: Simulated, connect: Connect) -> None:
    bare = connect(simulated())
    assert bare.get("/apis/metrics.k8s.io/v1beta1/nodes").status == 404
    usage = {"metadata": {"name": "node-1"}, "usage": {"cpu": "250m", "memory": "1Gi"}}
    full = connect(
        simulated(
            groups=["metrics.k8s.io", "templates.gatekeeper.sh", "constraints.gatekeeper.sh", "config.example.test"],
            objects={
                "nodes.metrics.k8s.io": [usage],
                "constrainttemplates.templates.gatekeeper.sh": [TEMPLATE],
                "k8srequiredlabels.constraints.gatekeeper.sh": [{"metadata": {"name": "owner"}}],
            },
        )
    )
    (node,) = full.get("/apis/metrics.k8s.io/v1beta1/nodes").json["items"]
    assert node["usage"] == usage["usage"]
    (constraint,) = full.get("/apis/constraints.gatekeeper.sh/v1beta1/k8srequiredlabels").json["items"]
    # Items of custom resources name their kind, as those of a real server do.
    assert constraint["kind"] == "K8sRequiredLabels"
    groups = {group["name"] for group in full.get("/apis").json["groups"]}
    assert {"metrics.k8s.io", "config.example.test"} <= groups


def test_requests_are_recorded_without_credentials(
    simulator: Simulator, simulated: Simulated, connect: Connect
) -> None:
    slug = simulated()
    client = connect(slug)
    client.get("/api/v1/pods", limit=5)
    (asked,) = simulator.requests(slug)
    assert (asked["verb"], asked["path"], asked["query"], asked["status"]) == (
        "list",
        "/api/v1/pods",
        {"limit": "5"},
        200,
    )
    assert client.token not in str(asked)
    simulator.forget_requests(slug)
    assert simulator.requests(slug) == []


def test_a_bounded_history_gives_410(simulator: Simulator, simulated: Simulated, connect: Connect) -> None:
    slug = simulated(history=10)
    client = connect(slug)
    version = client.get("/api/v1/nodes").json["metadata"]["resourceVersion"]
    for turn in range(25):
        simulator.put(slug, "nodes", {"metadata": {"name": "node-1", "labels": {"turn": str(turn)}}})
    (event,) = client.watch("/api/v1/nodes", resourceVersion=version, timeoutSeconds=1)
    assert event["object"]["code"] == 410
    # Other kinds keep their positions.
    assert client.watch("/api/v1/pods", resourceVersion=version, timeoutSeconds=1) == []
