"""Version, health and discovery."""

from typing import Any

from tests.contracts.checks.errors import status
from tests.contracts.servers import Server

VERSION_FIELDS = (
    "major",
    "minor",
    "gitVersion",
    "gitCommit",
    "gitTreeState",
    "buildDate",
    "goVersion",
    "compiler",
    "platform",
)
# group version: plural: (kind, lives in a namespace, short names)
KINDS: dict[str, dict[str, tuple[str, bool, list[str]]]] = {
    "api/v1": {
        "namespaces": ("Namespace", False, ["ns"]),
        "nodes": ("Node", False, ["no"]),
        "pods": ("Pod", True, ["po"]),
        "services": ("Service", True, ["svc"]),
        "persistentvolumeclaims": ("PersistentVolumeClaim", True, ["pvc"]),
        "persistentvolumes": ("PersistentVolume", False, ["pv"]),
        "resourcequotas": ("ResourceQuota", True, ["quota"]),
        "serviceaccounts": ("ServiceAccount", True, ["sa"]),
        "limitranges": ("LimitRange", True, ["limits"]),
        "events": ("Event", True, ["ev"]),
    },
    "apis/apps/v1": {
        "deployments": ("Deployment", True, ["deploy"]),
        "statefulsets": ("StatefulSet", True, ["sts"]),
        "daemonsets": ("DaemonSet", True, ["ds"]),
        "replicasets": ("ReplicaSet", True, ["rs"]),
    },
    "apis/batch/v1": {"jobs": ("Job", True, []), "cronjobs": ("CronJob", True, ["cj"])},
    "apis/rbac.authorization.k8s.io/v1": {
        "rolebindings": ("RoleBinding", True, []),
        "clusterrolebindings": ("ClusterRoleBinding", False, []),
        "roles": ("Role", True, []),
        "clusterroles": ("ClusterRole", False, []),
    },
    "apis/networking.k8s.io/v1": {
        "networkpolicies": ("NetworkPolicy", True, ["netpol"]),
        "ingresses": ("Ingress", True, ["ing"]),
    },
    "apis/policy/v1": {"poddisruptionbudgets": ("PodDisruptionBudget", True, ["pdb"])},
    "apis/autoscaling/v2": {"horizontalpodautoscalers": ("HorizontalPodAutoscaler", True, ["hpa"])},
    "apis/storage.k8s.io/v1": {"storageclasses": ("StorageClass", False, ["sc"])},
    "apis/apiextensions.k8s.io/v1": {"customresourcedefinitions": ("CustomResourceDefinition", False, ["crd", "crds"])},
}


def check_version_has_nine_fields(server: Server) -> None:
    answer = server.reader.get("/version")
    assert answer.status == 200
    version = answer.json
    for field in VERSION_FIELDS:
        assert isinstance(version.get(field), str), field
        assert version[field], field
    assert version["gitVersion"].startswith(f"v{version['major']}.")


def check_version_is_open_to_all(server: Server) -> None:
    assert server.anonymous.get("/version").status == 200


def check_readyz_says_ok(server: Server) -> None:
    for client in (server.reader, server.anonymous):
        answer = client.get("/readyz", accept="*/*")
        assert (answer.status, answer.content) == (200, b"ok")


def check_core_versions(server: Server) -> None:
    listed = server.reader.get("/api").json
    assert listed["kind"] == "APIVersions"
    assert "v1" in listed["versions"]


def check_groups_name_their_preferred_version(server: Server) -> None:
    listed = server.reader.get("/apis").json
    assert listed["kind"] == "APIGroupList"
    groups = {group["name"]: group for group in listed["groups"]}
    for name in ("apps", "batch", "authorization.k8s.io"):
        assert groups[name]["preferredVersion"] == {"groupVersion": f"{name}/v1", "version": "v1"}
        assert groups[name]["preferredVersion"] in groups[name]["versions"]


def check_one_group(server: Server) -> None:
    group = server.reader.get("/apis/apps").json
    assert (group["kind"], group["name"]) == ("APIGroup", "apps")
    assert group["preferredVersion"]["groupVersion"] == "apps/v1"


def check_resources_of_each_group(server: Server) -> None:
    for path, kinds in KINDS.items():
        listed = server.reader.get(f"/{path}").json
        assert listed["kind"] == "APIResourceList"
        assert listed["groupVersion"] == path.removeprefix("apis/").removeprefix("api/")
        resources = {resource["name"]: resource for resource in listed["resources"]}
        for plural, (kind, namespaced, short) in kinds.items():
            found = resources[plural]
            assert (found["kind"], found["namespaced"]) == (kind, namespaced)
            assert found["singularName"] == kind.lower()
            assert found.get("shortNames", []) == short
            assert {"get", "list", "watch"} <= set(found["verbs"])


def check_reviews_are_only_created(server: Server) -> None:
    listed: dict[str, Any] = server.reader.get("/apis/authorization.k8s.io/v1").json
    verbs = {resource["name"]: resource["verbs"] for resource in listed["resources"]}
    assert verbs["selfsubjectaccessreviews"] == ["create"]
    assert verbs["selfsubjectrulesreviews"] == ["create"]


def check_unknown_group_is_not_found(server: Server) -> None:
    for path in ("/apis/nothing.example.test", "/apis/nothing.example.test/v1"):
        answer = server.reader.get(path)
        assert (answer.status, answer.content) == (404, b"404 page not found\n")


def check_unknown_version_of_a_group_is_not_found(server: Server) -> None:
    for path in ("/api/v7", "/api/v7/pods", "/apis/apps/v7", "/apis/apps/v7/deployments"):
        body = status(server.admin.get(path), 404, "NotFound")
        assert body["message"] == "the server could not find the requested resource"


def check_readable_group_that_is_not_installed_is_not_found(server: Server) -> None:
    assert server.reader.get("/apis/metrics.k8s.io/v1beta1").status == 404
    assert server.reader.get("/apis/metrics.k8s.io/v1beta1/nodes").status == 404
