"""Kubernetes objects as plain dicts, with just enough in them to be accepted, scheduled and counted."""

from collections.abc import Mapping, Sequence

from tests.testbed.api import Json

RUNS_FOR = "testbed.paddock.io/runs-for"
EXIT_CODE = "testbed.paddock.io/exit-code"
IMAGE = "registry.example/app:1"


def namespace(
    name: str, *, labels: Mapping[str, str] | None = None, annotations: Mapping[str, str] | None = None
) -> Json:
    return _thing("v1", "Namespace", name, "", labels, annotations)


def node(
    name: str,
    *,
    instance_type: str = "m5.xlarge",
    region: str = "eu-west-1",
    zone: str = "eu-west-1a",
    provider_id: str | None = None,
    cpu: str = "4",
    memory: str = "16Gi",
    pods: str = "110",
    allocatable: Mapping[str, str] | None = None,
    extra: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Json:
    """`extra` adds resources, as {"nvidia.com/gpu": "2"}; `allocatable` is what differs from capacity."""
    known = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "node.kubernetes.io/instance-type": instance_type,
        "topology.kubernetes.io/region": region,
        "topology.kubernetes.io/zone": zone,
    }
    capacity = {"cpu": cpu, "memory": memory, "pods": pods} | dict(extra or {})
    identity = f"aws:///{zone}/i-{name}" if provider_id is None else provider_id
    return _thing("v1", "Node", name, "", known | dict(labels or {}), None) | {
        "spec": {"providerID": identity} if identity else {},
        "status": {"capacity": capacity, "allocatable": capacity | dict(allocatable or {})},
    }


def container(
    *,
    name: str = "app",
    cpu: str = "100m",
    memory: str = "64Mi",
    limits: Mapping[str, str] | None = None,
    extra: Mapping[str, str] | None = None,
) -> Json:
    """An empty cpu or memory asks for none."""
    asked = {key: value for key, value in {"cpu": cpu, "memory": memory}.items() if value} | dict(extra or {})
    resources: Json = {"requests": asked}
    if wanted := dict(limits or {}) | dict(extra or {}):
        resources["limits"] = wanted
    return {"name": name, "image": IMAGE, "resources": resources}


def pod_spec(
    *,
    containers: Sequence[Json] | None = None,
    claims: Sequence[str] = (),
    node_name: str = "",
    restart_policy: str = "Always",
) -> Json:
    """`claims` are mounted as volumes of the same name; `node_name` goes past the scheduler."""
    volumes = [{"name": claim, "persistentVolumeClaim": {"claimName": claim}} for claim in claims]
    spec: Json = {
        "containers": list(containers or [container()]),
        "restartPolicy": restart_policy,
        "terminationGracePeriodSeconds": 0,
    }
    return spec | ({"volumes": volumes} if volumes else {}) | ({"nodeName": node_name} if node_name else {})


def pod(
    name: str,
    namespace: str,
    *,
    spec: Json | None = None,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Json:
    return _thing("v1", "Pod", name, namespace, labels, annotations) | {"spec": spec or pod_spec()}


def deployment(
    name: str,
    namespace: str,
    *,
    replicas: int = 1,
    spec: Json | None = None,
    labels: Mapping[str, str] | None = None,
) -> Json:
    return _thing("apps/v1", "Deployment", name, namespace, labels, None) | {
        "spec": {"replicas": replicas} | _selected(name, labels, spec)
    }


def daemon_set(name: str, namespace: str, *, spec: Json | None = None, labels: Mapping[str, str] | None = None) -> Json:
    return _thing("apps/v1", "DaemonSet", name, namespace, labels, None) | {"spec": _selected(name, labels, spec)}


def stateful_set(
    name: str,
    namespace: str,
    *,
    replicas: int = 1,
    spec: Json | None = None,
    claims: Sequence[Json] = (),
    labels: Mapping[str, str] | None = None,
) -> Json:
    """`claims` are made by `persistent_volume_claim`; each pod gets its own, named CLAIM-NAME-0 and on."""
    templates = [{"metadata": {"name": claim["metadata"]["name"]}, "spec": claim["spec"]} for claim in claims]
    return _thing("apps/v1", "StatefulSet", name, namespace, labels, None) | {
        "spec": {"replicas": replicas, "serviceName": name, "volumeClaimTemplates": templates}
        | _selected(name, labels, spec)
    }


def job(
    name: str,
    namespace: str,
    *,
    runs_for: str = "1s",
    exit_code: int = 0,
    completions: int = 1,
    backoff_limit: int = 0,
    spec: Json | None = None,
) -> Json:
    """`runs_for` as "30s"; an exit code other than 0 fails its pods."""
    template = {
        "metadata": {"annotations": {RUNS_FOR: runs_for, EXIT_CODE: str(exit_code)}},
        "spec": (spec or pod_spec()) | {"restartPolicy": "Never"},
    }
    return _thing("batch/v1", "Job", name, namespace, None, None) | {
        "spec": {
            "completions": completions,
            "parallelism": completions,
            "backoffLimit": backoff_limit,
            "template": template,
        }
    }


def cron_job(name: str, namespace: str, *, schedule: str = "0 3 * * *", runs_for: str = "1s") -> Json:
    inner = job(name, namespace, runs_for=runs_for)
    return _thing("batch/v1", "CronJob", name, namespace, None, None) | {
        "spec": {"schedule": schedule, "jobTemplate": {"spec": inner["spec"]}}
    }


def storage_class(name: str, *, provisioner: str = "kubernetes.io/no-provisioner") -> Json:
    return _thing("storage.k8s.io/v1", "StorageClass", name, "", None, None) | {"provisioner": provisioner}


def persistent_volume(
    name: str, *, size: str = "10Gi", storage_class: str = "standard", claim: tuple[str, str] | None = None
) -> Json:
    """`claim` keeps it for one claim, as (namespace, name). Volumes are made by hand: no provisioner runs."""
    spec: Json = {
        "capacity": {"storage": size},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": storage_class,
        "persistentVolumeReclaimPolicy": "Retain",
        "hostPath": {"path": f"/volumes/{name}"},
    }
    if claim:
        spec["claimRef"] = {"namespace": claim[0], "name": claim[1]}
    return _thing("v1", "PersistentVolume", name, "", None, None) | {"spec": spec}


def persistent_volume_claim(
    name: str, namespace: str, *, size: str = "10Gi", storage_class: str = "standard", volume: str = ""
) -> Json:
    spec: Json = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": storage_class,
        "resources": {"requests": {"storage": size}},
    }
    if volume:
        spec["volumeName"] = volume
    return _thing("v1", "PersistentVolumeClaim", name, namespace, None, None) | {"spec": spec}


def service(name: str, namespace: str, *, kind: str = "ClusterIP", port: int = 80) -> Json:
    return _thing("v1", "Service", name, namespace, None, None) | {
        "spec": {"type": kind, "selector": {"app": name}, "ports": [{"port": port}]}
    }


def load_balancer(name: str, namespace: str, *, port: int = 80) -> Json:
    """No cloud gives it an address: patch its status with `load_balancer_status`."""
    return service(name, namespace, kind="LoadBalancer", port=port)


def load_balancer_status(address: str) -> Json:
    """For `api.patch("Service", name, ..., subresource="status")`."""
    return {"status": {"loadBalancer": {"ingress": [{"ip": address}]}}}


def resource_quota(name: str, namespace: str, *, hard: Mapping[str, str]) -> Json:
    return _thing("v1", "ResourceQuota", name, namespace, None, None) | {"spec": {"hard": dict(hard)}}


def config_map(
    name: str,
    namespace: str,
    *,
    data: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Json:
    return _thing("v1", "ConfigMap", name, namespace, labels, None) | {"data": dict(data or {})}


def _selected(name: str, labels: Mapping[str, str] | None, spec: Json | None) -> Json:
    """Selector and template of a workload: pods carry its labels and app=NAME, by which they are found."""
    return {
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": dict(labels or {}) | {"app": name}}, "spec": spec or pod_spec()},
    }


def _thing(
    version: str,
    kind: str,
    name: str,
    namespace: str,
    labels: Mapping[str, str] | None,
    annotations: Mapping[str, str] | None,
) -> Json:
    metadata: Json = {"name": name}
    metadata |= {"namespace": namespace} if namespace else {}
    metadata |= {"labels": dict(labels)} if labels else {}
    metadata |= {"annotations": dict(annotations)} if annotations else {}
    return {"apiVersion": version, "kind": kind, "metadata": metadata}
