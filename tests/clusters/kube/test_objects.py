"""What is read out of objects as servers write them, odd ones included."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from clusters.kube.objects import metadata, node, pod, quota, service, volume, volume_claim, workload
from clusters.kube.objects.metadata import Item, Odd
from clusters.kube.objects.namespace import NamespaceRow
from clusters.kube.objects.table import BY_NAME, KINDS
from tests.clusters.kube import samples


def item(content: dict[str, Any], kind: type[Item] = Item) -> Item:
    return msgspec.json.decode(json.dumps({"metadata": {"uid": "u", "name": "n"}, **content}), type=kind)


def at(hour: int, second: int) -> datetime:
    return datetime(2026, 3, 1, hour, 0, second, tzinfo=UTC)


def pod_row(spec: dict[str, Any] | None = None, status: dict[str, Any] | None = None) -> pod.PodRow:
    return pod.extract(item({"spec": spec, "status": status}))


def requests(cpu: str | None = None, memory: str | None = None, **more: str) -> dict[str, Any]:
    amounts = {"cpu": cpu, "memory": memory, **{name.replace("__", "/"): value for name, value in more.items()}}
    return {"resources": {"requests": {name: amount for name, amount in amounts.items() if amount}}}


def test_a_pod() -> None:
    row = pod.extract(item(samples.pod()))
    assert (row.node, row.phase, row.qos, row.reason) == ("node-1", "Running", "Burstable", "")
    assert (row.owner_kind, row.owner_name, row.owner_uid) == ("ReplicaSet", "web", "rs-1")
    assert (row.cpu_m, row.memory_bytes, row.gpu_m) == (250, 64 * 2**20, 0)
    assert (row.restarts, row.containers, row.containers_ready) == (2, 1, 1)
    assert (row.started_at, row.finished_at) == (at(10, 2), None)
    assert (row.images, row.claims) == (["web:1"], [])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_nothing_and_null_are_read_as_nothing(kind: Any) -> None:
    names = [name for name in kind.item.__struct_encode_fields__ if name != "metadata"]
    contents: list[dict[str, Any]] = [{}, dict.fromkeys(names), {"spec": {}, "status": {}}]
    for content in contents:
        assert kind.extract(item(content, kind.item)) is not None


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_odd_parts_are_odd_and_nothing_worse(kind: Any) -> None:
    """Parts that are decoded with the object spoil it there, those that stay raw when it is extracted."""
    names = [name for name in kind.item.__struct_encode_fields__ if name != "metadata"]
    with pytest.raises((Odd, msgspec.ValidationError)):
        kind.extract(item(dict.fromkeys(names, 7), kind.item))


def test_unreadable_quantities_are_odd() -> None:
    with pytest.raises(Odd):
        pod_row({"containers": [requests("lots")]})


def test_main_containers_add_up() -> None:
    row = pod_row({"containers": [requests("250m", "1Gi"), requests("1", "1Gi"), {}, {"resources": None}]})
    assert (row.cpu_m, row.memory_bytes) == (1250, 2 * 2**30)


def test_the_largest_init_container_counts_when_it_needs_more() -> None:
    spec = {
        "initContainers": [requests("2", "1Gi"), requests("3", "1Gi")],
        "containers": [requests("1", "2Gi"), requests("1", "2Gi")],
    }
    row = pod_row(spec)
    assert (row.cpu_m, row.memory_bytes) == (3000, 4 * 2**30)


def test_native_sidecars_add_to_main_and_to_the_init_containers_behind_them() -> None:
    sidecar = {**requests("500m"), "restartPolicy": "Always"}
    spec = {"initContainers": [requests("2"), sidecar, requests("1900m")], "containers": [requests("1")]}
    # main 1000 + sidecar 500; the first init alone 2000; the last init beside the sidecar 2400
    assert pod_row(spec).cpu_m == 2400
    spec["initContainers"] = [requests("1"), sidecar]
    assert pod_row(spec).cpu_m == 1500


def test_overhead_is_added() -> None:
    spec = {
        "initContainers": [requests("3")],
        "containers": [requests("1", "1Gi")],
        "overhead": {"cpu": "250m", "memory": "1Mi"},
    }
    row = pod_row(spec)
    assert (row.cpu_m, row.memory_bytes) == (3250, 2**30 + 2**20)


def test_a_request_on_the_pod_replaces_the_sum_for_what_it_names() -> None:
    spec = {"resources": {"requests": {"cpu": "4"}}, "containers": [requests("1", "1Gi")], "overhead": {"cpu": "1"}}
    row = pod_row(spec)
    assert (row.cpu_m, row.memory_bytes) == (5000, 2**30)


def test_gpus_and_their_slices() -> None:
    spec = {"containers": [requests("1", nvidia__com="x")]}
    spec["containers"] = [
        {"resources": {"requests": {"nvidia.com/gpu": "2", "nvidia.com/mig-1g.5gb": 1, "example.com/other": "5"}}}
    ]
    assert pod_row(spec).gpu_m == 3000


def test_start_is_the_earliest_of_all_states() -> None:
    def state(kind: str, start: str | None, end: str | None = None) -> dict[str, Any]:
        return {kind: {"startedAt": start, "finishedAt": end}}

    status = {
        "phase": "Succeeded",
        "initContainerStatuses": [{"state": state("terminated", "2026-03-01T10:00:01Z", "2026-03-01T10:00:09Z")}],
        "containerStatuses": [
            {"state": state("terminated", "2026-03-01T10:00:10Z", "2026-03-01T11:00:30Z")},
            {"state": state("terminated", None, "0001-01-01T00:00:00Z")},
            {"state": state("terminated", "1970-01-01T00:00:00Z"), "lastState": {}},
        ],
    }
    row = pod_row({}, status)
    assert (row.started_at, row.finished_at) == (at(10, 1), at(11, 30))
    assert pod_row({}, {**status, "phase": "Running"}).finished_at is None


def test_a_failed_pod_without_ends_ends_with_its_last_condition() -> None:
    times = ["2026-03-01T10:00:01Z", "2026-03-01T12:00:00Z", None]
    status = {"phase": "Failed", "reason": "Evicted", "conditions": [{"lastTransitionTime": each} for each in times]}
    row = pod_row({}, status)
    assert (row.reason, row.finished_at, row.started_at) == ("Evicted", at(12, 0), None)


def test_why_a_pod_does_not_run() -> None:
    waiting = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    killed = {"state": {"terminated": {"reason": "OOMKilled"}}}
    done = {"state": {"terminated": {"reason": "Completed"}}}
    assert pod_row({}, {"containerStatuses": [killed, waiting]}).reason == "CrashLoopBackOff"
    assert pod_row({}, {"containerStatuses": [done, killed]}).reason == "OOMKilled"
    assert pod_row({}, {"containerStatuses": [done]}).reason == ""


def test_the_claims_a_pod_mounts() -> None:
    volumes = [
        {"name": "data", "persistentVolumeClaim": {"claimName": "db-data"}},
        {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {}}},
        {"name": "config", "configMap": {"name": "x"}},
    ]
    assert pod_row({"volumes": volumes}).claims == ["db-data", "n-scratch"]


def test_a_node() -> None:
    labels = {
        "node.kubernetes.io/instance-type": "m5.large",
        "topology.kubernetes.io/region": "eu-1",
        "topology.kubernetes.io/zone": "eu-1a",
        "node-role.kubernetes.io/worker": "",
    }
    row = node.extract(
        item(
            {
                "metadata": {"uid": "u", "name": "n", "labels": labels, "creationTimestamp": "2026-03-01T10:00:00Z"},
                "spec": {"providerID": "aws:///eu-1a/i-1", "unschedulable": True},
                "status": {
                    "capacity": {"cpu": "4", "memory": "16Gi", "pods": "110", "nvidia.com/gpu": "2"},
                    "allocatable": {"cpu": "3900m", "memory": "15Gi", "pods": 110},
                    "conditions": [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": "True"}],
                    "nodeInfo": {"kubeletVersion": "v1.36.1", "architecture": "arm64", "operatingSystem": "linux"},
                },
            }
        )
    )
    assert (row.provider_id, row.instance_type, row.region, row.zone) == (
        "aws:///eu-1a/i-1",
        "m5.large",
        "eu-1",
        "eu-1a",
    )
    assert (row.cpu_m, row.memory_bytes, row.gpu_m, row.pods) == (4000, 16 * 2**30, 2000, 110)
    assert (row.allocatable_cpu_m, row.allocatable_memory_bytes, row.allocatable_gpu_m) == (3900, 15 * 2**30, 0)
    assert (row.ready, row.unschedulable, row.kubelet_version, row.roles) == (True, True, "v1.36.1", ["worker"])
    assert row.created_at == at(10, 0)


@pytest.mark.parametrize(
    ("label", "value", "expected"),
    [
        ("eks.amazonaws.com/capacityType", "SPOT", "spot"),
        ("eks.amazonaws.com/capacityType", "ON_DEMAND", "on_demand"),
        ("karpenter.sh/capacity-type", "spot", "spot"),
        ("karpenter.sh/capacity-type", "on-demand", "on_demand"),
        ("cloud.google.com/gke-spot", "true", "spot"),
        ("cloud.google.com/gke-preemptible", "true", "spot"),
        ("kubernetes.azure.com/scalesetpriority", "spot", "spot"),
        ("node.kubernetes.io/lifecycle", "spot", "spot"),
        ("node.kubernetes.io/lifecycle", "normal", "on_demand"),
        ("node.kubernetes.io/lifecycle", "else", ""),
        ("other", "spot", ""),
    ],
)
def test_how_a_node_is_bought(label: str, value: str, expected: str) -> None:
    assert node.capacity_class({label: value}) == expected


@pytest.mark.parametrize(
    ("kind", "spec", "status", "expected"),
    [
        (
            "deployment",
            {"replicas": 3},
            {"replicas": 4, "readyReplicas": 2, "updatedReplicas": 1, "availableReplicas": 2},
            (3, 2, 1, 2),
        ),
        ("deployment", {}, {}, (1, 0, 0, 0)),
        ("deployment", {"replicas": 0}, {}, (0, 0, 0, 0)),
        (
            "stateful_set",
            {"replicas": 2},
            {"readyReplicas": 2, "updatedReplicas": 2, "availableReplicas": 2},
            (2, 2, 2, 2),
        ),
        ("replica_set", {"replicas": 2}, {"replicas": 2, "readyReplicas": 1, "availableReplicas": 1}, (2, 1, 2, 1)),
        (
            "daemon_set",
            {},
            {"desiredNumberScheduled": 5, "numberReady": 4, "updatedNumberScheduled": 3, "numberAvailable": 4},
            (5, 4, 3, 4),
        ),
        ("job", {"parallelism": 2, "completions": 4}, {"active": 2, "ready": 1, "succeeded": 1}, (2, 1, 2, 1)),
        ("job", {}, {"succeeded": 1, "completionTime": "2026-03-01T10:00:00Z"}, (0, 0, 0, 0)),
        ("cron_job", {"schedule": "* * * * *"}, {"active": [{"name": "a"}, {"name": "b"}]}, (0, 0, 0, 0)),
    ],
)
def test_workload_counts(kind: str, spec: dict[str, Any], status: dict[str, Any], expected: tuple[int, ...]) -> None:
    row = BY_NAME[kind].extract(item({"spec": spec, "status": status}))
    assert isinstance(row, workload.WorkloadRow)
    assert row.kind == BY_NAME[kind].kubernetes_kind
    assert (row.desired, row.ready, row.updated, row.available) == expected


def test_a_cron_job() -> None:
    template = {"spec": {"template": {"spec": {"containers": [{"image": "task:1"}]}}}}
    row = workload.extract_cron_job(
        item(
            {
                "spec": {
                    "schedule": "0 3 * * *",
                    "timeZone": "Europe/Berlin",
                    "suspend": True,
                    "jobTemplate": template,
                },
                "status": {"active": [{"name": "a"}], "lastScheduleTime": "2026-03-01T10:00:00Z"},
            }
        )
    )
    assert (row.schedule, row.time_zone, row.paused, row.active) == ("0 3 * * *", "Europe/Berlin", True, 1)
    assert (row.images, row.last_scheduled_at) == (["task:1"], at(10, 0))


def test_the_rest() -> None:
    balancer = service.extract(
        item(
            {
                "spec": {"type": "LoadBalancer", "clusterIP": "10.0.0.9"},
                "status": {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}, {"hostname": "lb.example"}, {}]}},
            }
        )
    )
    assert balancer == service.ServiceRow("LoadBalancer", "10.0.0.9", ["1.2.3.4", "lb.example"])
    claim = volume_claim.extract(
        item(
            {
                "spec": {
                    "volumeName": "pv-1",
                    "storageClassName": "fast",
                    "accessModes": ["ReadWriteOnce"],
                    "resources": {"requests": {"storage": "10Gi"}},
                },
                "status": {"phase": "Bound", "capacity": {"storage": "12Gi"}},
            }
        )
    )
    assert claim == volume_claim.VolumeClaimRow("Bound", "pv-1", "fast", 10 * 2**30, 12 * 2**30, ["ReadWriteOnce"])
    disk = volume.extract(
        item(
            {
                "spec": {
                    "capacity": {"storage": "12Gi"},
                    "storageClassName": "fast",
                    "persistentVolumeReclaimPolicy": "Delete",
                    "claimRef": {"namespace": "shop", "name": "data", "uid": "c-1"},
                    "csi": {"driver": "ebs.csi.aws.com", "volumeHandle": "vol-1"},
                },
                "status": {"phase": "Bound"},
            }
        )
    )
    assert disk == volume.VolumeRow(
        "Bound", 12 * 2**30, "fast", "Delete", "shop", "data", "c-1", "ebs.csi.aws.com", "vol-1"
    )
    limits = quota.extract(item({"spec": {"hard": {"pods": "10"}}, "status": {"used": {"pods": 3}}}))
    assert limits == quota.QuotaRow({"pods": "10"}, {"pods": "3"})
    space = BY_NAME["namespace"].extract(
        item(
            {
                "metadata": {"uid": "u", "name": "n", "annotations": {"field.cattle.io/projectId": "c-1:p-1"}},
                "status": {"phase": "Terminating"},
            }
        )
    )
    assert space == NamespaceRow("Terminating", "c-1:p-1", None)


def test_the_body_that_is_kept_has_all_but_the_ballast() -> None:
    original = samples.pod()
    body = json.loads(metadata.body_of(item(original)))
    assert body["spec"] == original["spec"]
    assert body["status"] == original["status"]
    expected = {key: value for key, value in original["metadata"].items() if key != "managedFields"}
    expected["annotations"] = {"note": "kept"}
    expected["ownerReferences"] = original["metadata"]["ownerReferences"]
    assert body["metadata"] == expected


def test_the_table_of_kinds() -> None:
    assert [kind.name for kind in KINDS if not kind.namespaced] == [
        "namespace",
        "node",
        "volume",
        "cluster_role_binding",
        "cluster_role",
        "storage_class",
        "custom_resource",
    ]
    assert len({kind.path for kind in KINDS}) == len(BY_NAME) == len(KINDS)
    assert not any(kind.resource == "secrets" for kind in KINDS)
    assert (BY_NAME["job"].group, BY_NAME["job"].resource) == ("batch", "jobs")
    assert (BY_NAME["pod"].group, BY_NAME["pod"].resource) == ("", "pods")
