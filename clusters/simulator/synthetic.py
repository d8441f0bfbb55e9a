"""The shape of a synthetic pod: what a running pod of an ordinary Deployment carries, about 8 KB of JSON."""

import json
import random
from typing import Any

Body = dict[str, Any]

STARTED = "2026-01-01T08:00:00Z"
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
COMPONENTS = ("web", "api", "worker", "cache", "gateway", "search", "mailer", "report")


def pod_text(source: random.Random) -> bytes:
    """JSON without kind and apiVersion, with marks such as @NAME@ where pods differ from each other."""
    component = source.choice(COMPONENTS)
    containers = [_container(component, source), _container("proxy", source)]
    metadata: Body = {
        "name": "@NAME@",
        "generateName": f"{component}-",
        "namespace": "@NAMESPACE@",
        "uid": "@UID@",
        "resourceVersion": "@VERSION@",
        "creationTimestamp": STARTED,
        "labels": _labels(component, source),
        "annotations": {
            "checksum/config": _word(source, 64),
            "prometheus.io/scrape": "true",
            "example.test/turn": "@TURN@",
        },
        "ownerReferences": [_owner(component, source)],
    }
    spec = _spec(component, containers)
    status = _status(containers, source)
    metadata["managedFields"] = [
        _managed("kube-controller-manager", {"metadata": _only(metadata, "labels", "annotations"), "spec": spec}),
        _managed("kubelet", {"status": status}) | {"subresource": "status"},
    ]
    document = {"metadata": metadata, "spec": spec, "status": status}
    return json.dumps(document, separators=(",", ":")).encode()


def _word(source: random.Random, length: int) -> str:
    return "".join(source.choices(LETTERS, k=length))


def _only(body: Body, *names: str) -> Body:
    return {name: body[name] for name in names}


def _labels(component: str, source: random.Random) -> Body:
    return {
        "app.kubernetes.io/name": component,
        "app.kubernetes.io/instance": f"{component}-{_word(source, 4)}",
        "app.kubernetes.io/version": f"1.{source.randrange(40)}.{source.randrange(10)}",
        "pod-template-hash": _word(source, 10),
        "team": source.choice(("red", "green", "blue", "amber")),
    }


def _owner(component: str, source: random.Random) -> Body:
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": f"{component}-{_word(source, 10)}",
        "uid": f"{source.getrandbits(32):08x}-aaaa-4000-8000-{source.getrandbits(48):012x}",
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _container(name: str, source: random.Random) -> Body:
    millicores, mebibytes = source.choice((100, 250, 500, 1000)), source.choice((128, 256, 512, 1024))
    probe = {
        "httpGet": {"path": "/healthz", "port": "http", "scheme": "HTTP"},
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    }
    return {
        "name": name,
        "image": f"registry.example.test/{name}:{_word(source, 12)}",
        "args": ["--listen", ":8080", "--log-format", "json"],
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "env": [{"name": f"SETTING_{_word(source, 6).upper()}", "value": _word(source, 24)} for _ in range(3)],
        "resources": {
            "requests": {"cpu": f"{millicores}m", "memory": f"{mebibytes}Mi"},
            "limits": {"cpu": f"{2 * millicores}m", "memory": f"{2 * mebibytes}Mi"},
        },
        "volumeMounts": [
            {"name": "config", "readOnly": True, "mountPath": "/etc/config"},
            {
                "name": "kube-api-access",
                "readOnly": True,
                "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
            },
        ],
        "livenessProbe": probe,
        "imagePullPolicy": "IfNotPresent",
        "securityContext": {"capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True},
    }


def _spec(component: str, containers: list[Body]) -> Body:
    return {
        "volumes": [
            {"name": "config", "configMap": {"name": f"{component}-config", "defaultMode": 420}},
            {"name": "kube-api-access", "projected": {"sources": _token_sources(), "defaultMode": 420}},
        ],
        "containers": containers,
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "serviceAccountName": component,
        "serviceAccount": component,
        "nodeName": "@NODE@",
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "schedulerName": "default-scheduler",
        "tolerations": [
            {
                "key": f"node.kubernetes.io/{key}",
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": 300,
            }
            for key in ("not-ready", "unreachable")
        ],
        "priority": 0,
        "enableServiceLinks": True,
        "preemptionPolicy": "PreemptLowerPriority",
    }


def _token_sources() -> list[Body]:
    namespace = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
    return [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [namespace]}},
    ]


def _status(containers: list[Body], source: random.Random) -> Body:
    kinds = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
    return {
        "phase": "Running",
        "conditions": [
            {"type": kind, "status": "True", "lastProbeTime": None, "lastTransitionTime": STARTED} for kind in kinds
        ],
        "hostIP": "192.0.2.10",
        "hostIPs": [{"ip": "192.0.2.10"}],
        "podIP": "@IP@",
        "podIPs": [{"ip": "@IP@"}],
        "startTime": STARTED,
        "containerStatuses": [_container_status(container, source) for container in containers],
        "qosClass": "Burstable",
    }


def _container_status(container: Body, source: random.Random) -> Body:
    return {
        "name": container["name"],
        "state": {"running": {"startedAt": STARTED}},
        "lastState": {},
        "ready": True,
        "restartCount": 0,
        "image": container["image"],
        "imageID": f"registry.example.test/{container['name']}@sha256:{source.getrandbits(256):064x}",
        "containerID": f"containerd://{source.getrandbits(256):064x}",
        "started": True,
    }


def _managed(manager: str, owned: Body) -> Body:
    return {
        "manager": manager,
        "operation": "Update",
        "apiVersion": "v1",
        "time": STARTED,
        "fieldsType": "FieldsV1",
        "fieldsV1": _fields(owned),
    }


def _fields(value: Any) -> Body:
    """The set of fields of a value, as the API server writes it."""
    if isinstance(value, dict):
        return {f"f:{name}": _fields(part) for name, part in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict) and "name" in value[0]:
        return {f'k:{{"name":"{part["name"]}"}}': {".": {}} | _fields(part) for part in value}
    return {}
