"""The kinds beside workloads, nodes and storage: from a simulated cluster into their tables."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from clusters.inventory import models, occurred, presenting, selectors
from clusters.inventory.merge.tables import TABLES
from clusters.kube.objects.table import KINDS
from portal.accounts.models import User
from portal.core import clock
from tests.clusters.inventory.conftest import MakeEstate
from tests.clusters.inventory.objects import deployment, namespace, shop
from tests.clusters.kube import kinds
from tests.people import client_of

pytestmark = pytest.mark.django_db


def everything() -> dict[str, object]:
    objects: dict[str, object] = {"namespaces": [namespace("shop")]}
    for resource, make in kinds.NAMESPACED.items():
        objects[resource.replace(".", "_")] = [make("one", "shop")]
    for resource, make_wide in kinds.CLUSTER_WIDE.items():
        objects[resource.replace(".", "_")] = [make_wide("ones")]
    return objects


def test_a_binding_and_its_changes(estate: MakeEstate) -> None:
    found = estate(namespaces=[namespace("shop")])
    found.load()
    found.put("rolebindings.rbac.authorization.k8s.io", kinds.role_binding("people", "shop"))
    found.sync()
    binding = models.KubeRoleBinding.objects.get(name="people")
    assert (binding.role_kind, binding.role_name) == ("ClusterRole", "view")
    assert binding.subjects == [
        {"kind": "Group", "apiGroup": kinds.RBAC, "name": "shop-people"},
        {"kind": "ServiceAccount", "name": "builder", "namespace": "shop"},
    ]
    assert binding.namespace is not None
    assert binding.namespace.name == "shop"
    found.put("rolebindings.rbac.authorization.k8s.io", kinds.role_binding("people", "shop", group="others"))
    found.sync()
    binding.refresh_from_db()
    assert binding.subjects[0]["name"] == "others"
    assert '"roleRef"' in selectors.body_of(binding)
    found.delete("rolebindings.rbac.authorization.k8s.io", "people", "shop")
    found.sync()
    binding.refresh_from_db()
    assert binding.gone_at is not None


def test_every_kind_reaches_its_table(estate: MakeEstate) -> None:
    found = estate(**everything())
    report = found.load()
    assert report.failed == {}
    assert {kind.name: found.stream(kind.name).state for kind in KINDS} == {kind.name: "ok" for kind in KINDS}
    for kind in KINDS:
        assert found.stream(kind.name).odd == 0, kind.name
    autoscaler = models.Autoscaler.objects.get()
    assert (autoscaler.target_name, autoscaler.min_replicas, autoscaler.max_replicas) == ("web", 2, 9)
    assert models.KubeClusterRole.objects.get().rules[1] == {"verbs": ["get"], "nonResourceURLs": ["/healthz"]}
    assert models.KubeRole.objects.get().rules == kinds.RULES
    assert models.KubeClusterRoleBinding.objects.get().role_name == "view"
    assert models.LimitRange.objects.get().limits[0]["defaultRequest"] == {"cpu": "100m"}
    assert models.NetworkPolicy.objects.get().pods == "app=web,tier in (a,b)"
    account = models.ServiceAccount.objects.get()
    assert (account.automount, account.pull_secrets) == (False, ["registry"])
    assert models.Ingress.objects.get().names == ["shop.example.org"]
    assert models.DisruptionBudget.objects.get().min_available == "50%"
    assert models.StorageClass.objects.get().is_default is True
    custom = models.CustomResource.objects.get()
    assert (custom.api_group, custom.kind, custom.versions, custom.stored_version) == (
        "example.org",
        "One",
        ["v1"],
        "v1",
    )
    assert selectors.body_of(custom) == ""


def test_reading_all_of_it_again_writes_nothing(estate: MakeEstate) -> None:
    found = estate(**everything())
    found.load()
    before = found.places()
    found.forget_position(*(kind.name for kind in KINDS))
    report = found.load()
    assert report.as_result()["changed"] == 0
    assert found.places() == before


def test_many_at_once_take_the_other_way_into_the_database(estate: MakeEstate) -> None:
    names = [f"people-{number}" for number in range(60)]
    found = estate(
        namespaces=[namespace("shop")],
        rolebindings_rbac_authorization_k8s_io=[kinds.role_binding(name, "shop") for name in names],
        clusterroles_rbac_authorization_k8s_io=[kinds.cluster_role(name) for name in names],
    )
    found.load()
    assert models.KubeRoleBinding.objects.filter(namespace__name="shop").count() == 60
    assert models.KubeRoleBinding.objects.first().subjects[0]["name"] == "shop-people"  # type: ignore[union-attr]
    assert models.KubeClusterRole.objects.filter(aggregated=False).count() == 60


def test_every_column_of_a_kind_is_filled(estate: MakeEstate) -> None:
    """A row field without a column, or the other way round, is a mistake of whoever adds a kind."""
    head = {"id", "cluster", "observed_at", "gone_at", "namespace"} | {"started_at", "ended_at"}
    apart = {"namespace": {"team_id", "project_id"}, "volume": {"claim_namespace_uid"}}
    for model in vars(models).values():
        table = TABLES.get(getattr(getattr(model, "_meta", None), "db_table", ""))
        if table is None or table.name == "workload":
            continue
        columns = {field.name for field in model._meta.concrete_fields}
        assert columns - head - apart.get(table.name, set()) == set(table.stored) - head, table.name


OLD_RIGHTS = [
    {"verbs": ["list", "watch"], "apiGroups": [group], "resources": ["*"]}
    for group in (kinds.RBAC, "networking.k8s.io", "policy", "autoscaling", "storage.k8s.io", "apiextensions.k8s.io")
] + [{"verbs": ["list", "watch"], "apiGroups": [""], "resources": ["events", "limitranges", "serviceaccounts"]}]


def test_a_manifest_from_before_leaves_the_others_going(estate: MakeEstate) -> None:
    found = estate(denied=OLD_RIGHTS, **shop())
    report = found.load()
    unseen = {kind.name for kind in KINDS if not kind.essential}
    assert set(report.failed) == unseen
    assert {found.stream(kind.name).state for kind in KINDS if kind.essential} == {"ok"}
    assert found.lease().fails == 0
    assert set(selectors.unseen_kinds(found.cluster)) == {kind.kubernetes_kind for kind in KINDS if kind.name in unseen}
    lines = {line.name: line for line in presenting.lines(selectors.streams_of(found.cluster))}
    assert str(lines["RoleBinding"].word) == "Not visible with these rights"
    assert lines["RoleBinding"].tone == "unknown"
    at = clock.now()
    assert selectors.freshness([found.cluster.pk])[found.cluster.pk] is not None
    found.stream("role_binding").refresh_from_db()
    assert found.stream("role_binding").due_at > at  # type: ignore[operator]


# Events


def test_events_are_added_up_by_object_and_reason(estate: MakeEstate) -> None:
    now = clock.now()
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    fresh = {"firstTimestamp": stamp, "lastTimestamp": stamp}
    first = kinds.occurrence("a", "shop", count=3) | fresh
    second = kinds.occurrence("b", "shop", count=1) | fresh
    other = kinds.occurrence("c", "shop", count=7, reason="Scaled") | fresh
    found = estate(namespaces=[namespace("shop")], events=[first, second, other])
    found.load(now)
    assert counts() == {"FailedCreate": 4, "Scaled": 7}
    row = models.Occurrence.objects.get(reason="FailedCreate")
    assert (row.involved_kind, row.involved_name, row.type, row.source) == (
        "ReplicaSet",
        "web",
        "Warning",
        "replicaset-controller",
    )
    assert row.namespace is not None
    found.put("events", first | {"count": 9, "message": "again"})
    found.sync(now)
    assert counts() == {"FailedCreate": 10, "Scaled": 7}
    found.forget_position("occurrence")
    found.load(now)
    assert counts() == {"FailedCreate": 10, "Scaled": 7}
    found.delete("events", "a", "shop")
    found.sync(now)
    assert counts() == {"FailedCreate": 10, "Scaled": 7}


def test_events_are_kept_for_a_day(estate: MakeEstate) -> None:
    found = estate(namespaces=[namespace("shop")], events=[kinds.occurrence("a", "shop")])
    found.load(datetime(2026, 11, 23, 11, tzinfo=UTC))
    assert counts() == {"FailedCreate": 3}
    found.forget_position("occurrence")
    found.load(datetime(2026, 11, 24, 12, tzinfo=UTC))
    assert counts() == {}


def test_a_storm_of_events_pushes_the_oldest_out(estate: MakeEstate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clusters.inventory.occurrences.MOST", 20)
    storm = [
        kinds.occurrence(f"e{number}", "shop", about=f"web-{number}")
        | {"lastTimestamp": f"2026-11-23T10:{number:02}:00Z", "firstTimestamp": f"2026-11-23T10:{number:02}:00Z"}
        for number in range(50)
    ]
    found = estate(namespaces=[namespace("shop")], events=storm)
    found.load(datetime(2026, 11, 23, 11, tzinfo=UTC))
    assert models.Occurrence.objects.count() == found.stream("occurrence").objects_live == 20
    assert set(models.Occurrence.objects.values_list("involved_name", flat=True)) == {f"web-{n}" for n in range(30, 50)}


def counts() -> dict[str, int]:
    return dict(models.Occurrence.objects.values_list("reason", "count"))


def test_what_was_reported_stands_on_the_page(estate: MakeEstate, ann: User, bob: User) -> None:
    now = clock.now()
    stamp = {"firstTimestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "lastTimestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ")}
    web = deployment("web")
    web["metadata"]["uid"] = "uid-of-front"
    set_of_it = deployment("web-abc")
    set_of_it["metadata"] |= {
        "uid": "uid-of-web",
        "ownerReferences": [{"kind": "Deployment", "name": "web", "uid": "uid-of-front", "controller": True}],
    }
    message = 'Error creating: pods "web-1" is forbidden: exceeded quota: tight, requested: pods=1, used: pods=1'
    forged = kinds.occurrence("forged", "other", reason="Forged")
    found = estate(
        namespaces=[namespace("shop"), namespace("other")],
        deployments_apps=[web],
        replicasets_apps=[set_of_it],
        events=[kinds.occurrence("a", "shop") | stamp | {"message": message}, forged | stamp],
    )
    found.load(now)
    workload = models.Workload.objects.get(name="web")
    page = client_of(ann).get(workload.get_absolute_url()).content.decode()
    assert "FailedCreate" in page
    assert "exceeded quota: tight" in page
    assert "Forged" not in page
    (refusal,) = occurred.refused_by_quota([models.Namespace.objects.get(name="shop").pk])
    assert (refusal.quota, refusal.kind, refusal.count, refusal.lacks_requests) == ("tight", "ReplicaSet", 3, False)
    assert client_of(bob).get(workload.get_absolute_url()).status_code == 404


def test_rights_outdated_is_said_with_the_command(estate: MakeEstate, ann: User) -> None:
    found = estate(denied=OLD_RIGHTS, **shop())
    found.load()
    page = client_of(ann).get(reverse("inventory:streams_panel", args=[found.cluster.slug])).content.decode()
    assert "Rights outdated" in page
    assert "kubectl apply -f paddock-read.yaml" in page
    assert "RoleBinding, ClusterRoleBinding, Role" in page
    fleet = client_of(ann).get(reverse("inventory:fleet_panel")).content.decode()
    assert "Up to date" in fleet
