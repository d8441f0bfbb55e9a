"""Every kind against a whole real cluster, read with exactly the rights of the manifest."""

from collections.abc import Iterator

import pytest
import yaml
from django.db import transaction

from clusters.inventory import models, selectors, services
from clusters.inventory.models import Stream
from clusters.kube import kubeconfig, rights
from clusters.kube.objects.table import KINDS
from clusters.registry.models import Cluster, State
from portal.core import clock, sealed
from tests.clusters.kube import kinds
from tests.testbed import objects
from tests.testbed.api import Json, path_of, wait_until
from tests.testbed.control_plane import Bed
from tests.testbed.control_plane import Cluster as RealCluster

pytestmark = pytest.mark.django_db
NAMESPACE = "kinds"


@pytest.fixture(scope="module")
def real(testbed: Bed) -> Iterator[RealCluster]:
    """One object of each kind, under one namespace where it has one."""
    cluster = testbed["one"]
    cluster.api.create(objects.namespace(NAMESPACE))
    for make in kinds.NAMESPACED.values():
        cluster.api.create(make("one", NAMESPACE))
    for make_wide in kinds.CLUSTER_WIDE.values():
        cluster.api.create(make_wide("ones"))
    yield cluster
    for make_wide in kinds.CLUSTER_WIDE.values():
        made = make_wide("ones")
        cluster.api.delete(made["kind"], made["metadata"]["name"])
    cluster.api.delete("Namespace", NAMESPACE)
    wait_until(lambda: cluster.api.find("Namespace", NAMESPACE) is None, what="the namespace is gone")


def rules(*left_out: str) -> list[Json]:
    """The rules of the manifest for reading, without some API groups."""
    role = next(each for each in yaml.safe_load_all(rights.manifests()) if each["kind"] == "ClusterRole")
    return [rule for rule in role["rules"] if rule["apiGroups"][0] not in left_out]


def attach(cluster: RealCluster, name: str, *, granted: list[Json]) -> Cluster:
    """Attach the real cluster as an account with these rules and no others."""
    address = kubeconfig.read(cluster.account_kubeconfig(name, rules=granted).encode())
    attached = Cluster(
        slug=name,
        name=name,
        state=State.ATTACHED,
        server=address.server,
        kube_system_uid=services.identity_of(address),
        generation=1,
        attached_at=clock.now(),
    )
    sealed.set_sealed(attached, "credential", address.to_json())
    attached.save()
    return attached


def test_every_kind_is_read_with_the_rights_of_the_manifest(real: RealCluster) -> None:
    cluster = attach(real, "kinds-whole", granted=rules())
    report = services.sync_once(cluster, at=clock.now())
    assert report.failed == {}
    assert {stream.kind: (stream.state, stream.odd) for stream in Stream.objects.filter(cluster=cluster)} == {
        kind.name: ("ok", 0) for kind in KINDS
    }
    assert selectors.unseen_kinds(cluster) == []
    binding = models.KubeRoleBinding.objects.get(cluster=cluster, name="one", namespace__name=NAMESPACE)
    assert (binding.role_name, binding.subjects[0]["name"]) == ("view", "shop-people")
    assert models.KubeClusterRole.objects.get(cluster=cluster, name="edit").aggregated
    assert not models.KubeClusterRole.objects.get(cluster=cluster, name="ones").aggregated
    assert models.KubeClusterRoleBinding.objects.filter(cluster=cluster, name="cluster-admin").exists()
    assert models.KubeRole.objects.get(cluster=cluster, namespace_name=NAMESPACE).rules == kinds.RULES
    assert models.NetworkPolicy.objects.get(cluster=cluster).pods == "app=web,tier in (a,b)"
    assert models.StorageClass.objects.get(cluster=cluster, name="ones").is_default
    assert models.CustomResource.objects.get(cluster=cluster, plural="ones").versions == ["v1"]
    accounts = models.ServiceAccount.objects.filter(cluster=cluster, namespace_name=NAMESPACE)
    assert dict(accounts.values_list("name", "automount"))["one"] is False
    found = models.Ingress.objects.get(cluster=cluster)
    assert (found.names, found.tls_names, found.ingress_class) == (
        ["shop.example.org"],
        ["shop.example.org"],
        "public",
    )
    assert models.Autoscaler.objects.get(cluster=cluster).max_replicas == 9
    assert models.DisruptionBudget.objects.get(cluster=cluster).pods == "app=web"
    assert models.LimitRange.objects.get(cluster=cluster).limits[0]["type"] == "Container"


def test_changes_come_through_the_watch(real: RealCluster) -> None:
    cluster = attach(real, "kinds-watch", granted=rules())
    services.sync_once(cluster, at=clock.now())
    real.api.create(kinds.role_binding("late", NAMESPACE))
    real.api.delete("RoleBinding", "one", namespace=NAMESPACE)
    try:
        services.sync_once(cluster, at=clock.now())
        gone = dict(
            models.KubeRoleBinding.objects.filter(cluster=cluster, namespace_name=NAMESPACE).values_list(
                "name", "gone_at"
            )
        )
        assert gone["late"] is None
        assert gone["one"] is not None
    finally:
        real.api.delete("RoleBinding", "late", namespace=NAMESPACE)
        real.api.create(kinds.role_binding("one", NAMESPACE))


def test_a_manifest_from_before_shows_what_it_allows(real: RealCluster) -> None:
    old = rules("rbac.authorization.k8s.io", "apiextensions.k8s.io")
    cluster = attach(real, "kinds-old", granted=old)
    report = services.sync_once(cluster, at=clock.now())
    hidden = ["RoleBinding", "ClusterRoleBinding", "Role", "ClusterRole", "CustomResourceDefinition"]
    assert selectors.unseen_kinds(cluster) == hidden
    assert set(report.failed.values()) == {"forbidden"}
    assert models.ServiceAccount.objects.filter(cluster=cluster, name="one").exists()
    assert selectors.freshness([cluster.pk])[cluster.pk] is not None


def test_a_quota_that_refuses_says_so_as_an_event_and_its_use_is_kept(real: RealCluster) -> None:
    """The ReplicaSet controller reports what the server refused; a real quota counts what is used."""
    with transaction.atomic():
        cluster = attach(real, "kinds-quota", granted=rules())
    real.api.create(objects.resource_quota("tight", NAMESPACE, hard={"count/configmaps": "50", "pods": "1"}))
    real.api.create(objects.deployment("web", NAMESPACE, replicas=3))
    try:
        refused = {"fieldSelector": "reason=FailedCreate,involvedObject.kind=ReplicaSet,type=Warning"}

        def reported() -> list[Json]:
            events = real.api.items("Event", namespace=NAMESPACE, **refused)
            return [event for event in events if "exceeded quota: tight" in event["message"]]

        wait_until(reported, what="the refusal is reported")
        wait_until(
            lambda: real.api.read("ResourceQuota", "tight", namespace=NAMESPACE)["status"]["used"].get("pods") == "1",
            what="the quota counts the pod",
        )
        services.sync_once(cluster, at=clock.now())
        row = models.Occurrence.objects.get(
            cluster=cluster, reason="FailedCreate", type="Warning", involved_name__startswith="web-"
        )
        assert "exceeded quota: tight" in row.message
        assert row.namespace is not None
        assert row.namespace.name == NAMESPACE
        hour = models.QuotaHour.objects.get(cluster=cluster, quota_name="tight")
        assert (hour.hard["pods"], hour.used["pods"]) == ("1", "1")
    finally:
        real.api.delete("Deployment", "web", namespace=NAMESPACE)
        real.api.delete("ResourceQuota", "tight", namespace=NAMESPACE)


def test_secrets_stay_out_of_reach(real: RealCluster) -> None:
    account = real.account("kinds-nosy", rules=rules())
    answer = real.client(token=account.token).send("GET", path_of("Secret", namespace="kube-system"))
    assert answer.status == 403
