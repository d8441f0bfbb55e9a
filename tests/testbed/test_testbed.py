"""The bed does what the tests above it rely on: real controllers, real scheduling, real loss of a cluster."""

import json
import ssl
import subprocess
from collections.abc import Iterator
from datetime import datetime

import pytest
import yaml

from tests.testbed import api, build, objects
from tests.testbed.api import Json, wait_until
from tests.testbed.control_plane import Bed, Cluster

NAMESPACE = "bed-tests"


@pytest.fixture(scope="module")
def one(testbed: Bed) -> Iterator[Cluster]:
    cluster = testbed["one"]
    cluster.api.create(objects.namespace(NAMESPACE))
    for number in range(2):
        cluster.api.create(objects.node(f"bed-{number}", allocatable={"cpu": "3900m"}))
    yield cluster
    cluster.api.delete("Namespace", NAMESPACE)
    for number in range(2):
        cluster.api.delete("Node", f"bed-{number}")
    wait_until(lambda: cluster.api.find("Namespace", NAMESPACE) is None, what="the namespace is gone")


def pods_in(cluster: Cluster, phase: str, count: int, selector: str) -> list[Json]:
    """Waits until so many pods are in that phase and no others are left."""

    def ask() -> list[Json] | None:
        pods = cluster.api.items("Pod", namespace=NAMESPACE, labelSelector=selector)
        return pods if len(pods) == count and all(pod["status"]["phase"] == phase for pod in pods) else None

    return wait_until(ask, what=f"{count} pods {selector} {phase}")


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_nodes_are_ready_as_they_were_made(one: Cluster) -> None:
    def ready() -> Json | None:
        node = one.api.read("Node", "bed-0")
        conditions = {c["type"]: c["status"] for c in node["status"].get("conditions", [])}
        return node if conditions.get("Ready") == "True" else None

    node = wait_until(ready, what="the node is ready")
    assert node["status"]["capacity"] == {"cpu": "4", "memory": "16Gi", "pods": "110"}
    assert node["status"]["allocatable"]["cpu"] == "3900m"
    assert node["spec"]["providerID"] == "aws:///eu-west-1a/i-bed-0"
    assert {a["type"]: a["address"] for a in node["status"]["addresses"]}["Hostname"] == "bed-0"


def test_pods_of_a_deployment_run_on_nodes_and_go_when_scaled_down(one: Cluster) -> None:
    one.api.create(objects.deployment("web", NAMESPACE, replicas=5))
    for pod in pods_in(one, "Running", 5, "app=web"):
        assert pod["spec"]["nodeName"].startswith("bed-")
        (container,) = pod["status"]["containerStatuses"]
        assert instant(container["state"]["running"]["startedAt"]) >= instant(pod["metadata"]["creationTimestamp"])
        assert pod["metadata"]["ownerReferences"][0]["kind"] == "ReplicaSet"
    one.api.scale("Deployment", "web", 1, namespace=NAMESPACE)
    pods_in(one, "Running", 1, "app=web")
    one.api.delete("Deployment", "web", namespace=NAMESPACE)
    wait_until(lambda: not one.api.items("Pod", namespace=NAMESPACE, labelSelector="app=web"), what="the pods are gone")


def test_a_job_ends_after_its_time_and_keeps_when_it_began(one: Cluster) -> None:
    one.api.create(objects.job("report", NAMESPACE, runs_for="2s"))
    (pod,) = pods_in(one, "Succeeded", 1, "batch.kubernetes.io/job-name=report")
    ended = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (0, "Completed")
    # The API keeps whole seconds, so two may read as one.
    assert (instant(ended["finishedAt"]) - instant(ended["startedAt"])).total_seconds() >= 1
    wait_until(
        lambda: one.api.read("Job", "report", namespace=NAMESPACE)["status"].get("completionTime"),
        what="the job is complete",
    )


def test_a_job_can_be_made_to_fail(one: Cluster) -> None:
    one.api.create(objects.job("broken", NAMESPACE, exit_code=3))
    (pod,) = pods_in(one, "Failed", 1, "batch.kubernetes.io/job-name=broken")
    assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 3


def test_claims_of_a_stateful_set_bind_to_volumes_made_by_hand(one: Cluster) -> None:
    one.api.create(objects.persistent_volume("bed-volume", size="20Gi", claim=(NAMESPACE, "data-db-0")))
    claim = objects.persistent_volume_claim("data", NAMESPACE, size="20Gi")
    one.api.create(objects.stateful_set("db", NAMESPACE, claims=[claim]))
    try:
        pods_in(one, "Running", 1, "app=db")
        bound = one.api.read("PersistentVolumeClaim", "data-db-0", namespace=NAMESPACE)
        assert bound["status"]["phase"] == "Bound"
        assert bound["spec"]["volumeName"] == "bed-volume"
        assert one.api.read("PersistentVolume", "bed-volume")["spec"]["claimRef"]["uid"] == bound["metadata"]["uid"]
    finally:
        one.api.delete("StatefulSet", "db", namespace=NAMESPACE)
        one.api.delete("PersistentVolumeClaim", "data-db-0", namespace=NAMESPACE)
        one.api.delete("PersistentVolume", "bed-volume")


def test_a_load_balancer_gets_its_address_by_hand(one: Cluster) -> None:
    one.api.create(objects.load_balancer("front", NAMESPACE))
    status = objects.load_balancer_status("192.0.2.7")
    changed = one.api.patch("Service", "front", status, namespace=NAMESPACE, subresource="status")
    assert changed["status"]["loadBalancer"]["ingress"][0]["ip"] == "192.0.2.7"


def test_a_quota_is_enforced(one: Cluster) -> None:
    one.api.create(objects.resource_quota("few", NAMESPACE, hard={"count/configmaps": "1"}))
    # The namespace holds the authority's certificate already, which counts.
    wait_until(
        lambda: one.api.read("ResourceQuota", "few", namespace=NAMESPACE).get("status", {}).get("used"),
        what="the quota is counted",
    )
    with pytest.raises(api.Refusal, match="exceeded quota") as refused:
        one.api.create(objects.config_map("second", NAMESPACE))
    assert refused.value.status == 403
    one.api.delete("ResourceQuota", "few", namespace=NAMESPACE)


def test_the_clusters_are_two(testbed: Bed) -> None:
    one, two = testbed["one"], testbed["two"]
    uids = {cluster.api.read("Namespace", "kube-system")["metadata"]["uid"] for cluster in (one, two)}
    assert len(uids) == 2
    stranger = api.Api(server=two.server, tls=ssl.create_default_context(cadata=one.ca.decode()))
    with pytest.raises(ssl.SSLCertVerificationError):
        stranger.send("GET", "/version")


def test_a_switched_off_cluster_refuses_and_comes_back_the_same(testbed: Bed, one: Cluster) -> None:
    uid = one.api.read("Namespace", "kube-system")["metadata"]["uid"]
    address = one.server
    one.switch_off()
    try:
        assert one.pids() == {}
        with pytest.raises(ConnectionRefusedError):
            one.api.send("GET", "/version")
        assert testbed["two"].api.send("GET", "/version").status == 200
    finally:
        one.switch_on()
    assert one.server == address
    assert one.api.read("Namespace", "kube-system")["metadata"]["uid"] == uid
    one.api.create(objects.deployment("after", NAMESPACE, replicas=2))
    pods_in(one, "Running", 2, "app=after")


def test_an_account_reads_what_it_was_given(one: Cluster) -> None:
    config = yaml.safe_load(one.account_kubeconfig("bed-reader"))
    assert config["clusters"][0]["cluster"]["server"] == one.server
    reader = one.client(token=config["users"][0]["user"]["token"])
    assert reader.items("Pod", namespace=NAMESPACE, limit=1) is not None
    with pytest.raises(api.Refusal) as refused:
        reader.items("Secret")
    assert refused.value.status == 403
    assert one.client().send("GET", "/api/v1/pods").status == 403
    assert one.client(token="wrong").send("GET", "/api/v1/pods").status == 401


def test_kubectl_reads_the_kubeconfig(one: Cluster) -> None:
    kubectl = build.locate("kubectl")["kubectl"]
    command = [str(kubectl), "--kubeconfig", str(one.kubeconfig_file), "version", "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    versions = json.loads(done.stdout)
    assert versions["serverVersion"]["gitVersion"] == versions["clientVersion"]["gitVersion"] == "v1.36.3"


def test_history_expires_on_demand(bare_cluster: Cluster) -> None:
    client = bare_cluster.api
    client.create(objects.namespace("history"))
    for number in range(3):
        client.create(objects.config_map(f"entry-{number}", "history"))
    path = api.path_of("ConfigMap", namespace="history")
    page = client.ask("GET", path, query={"limit": 1})["metadata"]
    client.create(objects.config_map("entry-3", "history"))

    oldest = bare_cluster.expire_history()

    assert oldest > int(page["resourceVersion"])
    gone = client.send("GET", path, query={"limit": 1, "continue": page["continue"]})
    assert (gone.status, gone.json()["reason"]) == (410, "Expired")
    watch = client.send(
        "GET", path, query={"watch": 1, "resourceVersion": page["resourceVersion"], "timeoutSeconds": 5}
    )
    assert watch.json()["type"] == "ERROR"
    assert watch.json()["object"]["code"] == 410
    assert len(client.items("ConfigMap", namespace="history")) == 4


def test_nothing_moves_in_a_bare_cluster(bare_cluster: Cluster) -> None:
    bare_cluster.api.create(objects.namespace("still"))
    pod = bare_cluster.api.create(objects.pod("alone", "still"))
    assert pod["status"]["phase"] == "Pending"
    assert set(bare_cluster.pids()) == {"kube-apiserver"}
