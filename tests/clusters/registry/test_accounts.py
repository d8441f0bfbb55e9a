"""The account to write with: kept sealed, replaced, forgotten, gone with the cluster; what a real server lets it do."""

import json
import uuid
from typing import Any

import pytest
import yaml

from clusters.kube import errors as kube
from clusters.kube import kubeconfig, write_rights, writing
from clusters.kube.connection import Connection
from clusters.kube.conversation import Conversation
from clusters.kube.writing import Target
from clusters.registry import accounts, services
from clusters.registry.models import Account, Cluster, ClusterAccount
from portal.access.scopes import ScopeKind
from portal.accounts.bindings import role_bindings
from portal.accounts.models import User
from portal.audit.models import Event
from portal.core import clock, errors
from portal.core.actors import COMMAND
from tests import people
from tests.clusters.registry.conftest import Propose
from tests.testbed.control_plane import Bed

pytestmark = pytest.mark.django_db
CANARY = "a-token-nobody-may-see-again"


def keep(cluster: Cluster, token: str = CANARY) -> ClusterAccount:
    return accounts.keep(cluster=cluster, account=Account.MANAGE, token=token, by=COMMAND, at=clock.now())


def test_it_is_kept_sealed_replaced_and_forgotten(attach: Propose) -> None:
    cluster = attach("prod")
    with pytest.raises(errors.Conflict):
        accounts.connection(cluster, Account.MANAGE)
    row = keep(cluster)
    assert CANARY not in row.token
    found = accounts.connection(cluster, Account.MANAGE)
    assert (found.token, found.server) == (CANARY, services.connection(cluster).server)
    assert (found.client_certificate, found.client_key) == (None, None)
    keep(cluster, "another")
    assert accounts.connection(cluster, Account.MANAGE).token == "another"
    assert ClusterAccount.objects.count() == 1
    accounts.forget(cluster=cluster, account=Account.MANAGE, by=COMMAND)
    with pytest.raises(errors.Conflict):
        accounts.forget(cluster=cluster, account=Account.MANAGE, by=COMMAND)
    told = json.dumps([[one.before, one.after] for one in Event.objects.all()])
    assert CANARY not in told
    assert Event.objects.filter(kind="registry.account.keep").count() == 2


def test_it_goes_with_the_cluster(attach: Propose) -> None:
    cluster = attach("prod")
    keep(cluster)
    services.detach(cluster=cluster, by=COMMAND, at=clock.now())
    assert not ClusterAccount.objects.exists()
    with pytest.raises(errors.Conflict):
        keep(cluster)


@pytest.mark.parametrize("token", ["", "   ", "two words", "line\nline", "é", "x" * (16 * 1024 + 1)])
def test_what_is_no_token_is_refused_at_its_field(attach: Propose, token: str) -> None:
    with pytest.raises(errors.Refused) as refused:
        keep(attach("prod"), token)
    assert list(refused.value.errors) == ["token"]


def test_the_page_keeps_and_forgets_it_and_never_shows_it(attach: Propose, ann: User) -> None:
    cluster, browser = attach("prod"), people.client_of(ann)
    page = browser.get("/clusters/prod/writing/").content.decode()
    assert "only reads this cluster" in page
    assert "create token paddock-manage" in page
    broken = browser.post("/clusters/prod/writing/", {"token": "two words"})
    assert (broken.status_code, "two words" in broken.content.decode()) == (422, False)
    assert browser.post("/clusters/prod/writing/", {"token": CANARY}).status_code == 302
    kept = browser.get("/clusters/prod/writing/").content.decode()
    assert "Paddock writes to this cluster" in kept
    assert CANARY not in kept
    assert browser.post("/clusters/prod/writing/forget/").status_code == 302
    assert not cluster.accounts.exists()
    file = browser.get("/clusters/rights/paddock-projects.yaml")
    assert file.content.decode() == write_rights.manifests()


def test_a_viewer_of_the_cluster_cannot(attach: Propose, bob: User) -> None:
    cluster = attach("prod")
    scope = role_bindings.Scope(ScopeKind.CLUSTER, cluster.pk, cluster.name)
    role_bindings.grant(user=bob, role="cluster_viewer", scope=scope, by=COMMAND, at=clock.now())
    browser = people.client_of(bob)
    assert browser.get("/clusters/prod/writing/").status_code == 404
    assert browser.post("/clusters/prod/writing/", {"token": CANARY}).status_code == 404
    assert not ClusterAccount.objects.exists()


@pytest.fixture
def manager(testbed: Bed) -> Connection:
    """The account of the manifest, with a token that the real server made for it."""
    real = testbed["one"]
    admin = kubeconfig.read(real.kubeconfig().encode())
    for document in yaml.safe_load_all(write_rights.manifests()):
        meta = document["metadata"]
        group, _slash, version = document["apiVersion"].rpartition("/")
        resource = f"{document['kind'].lower()}s"
        target = Target(group, version, resource, meta["name"], meta.get("namespace", ""))
        done(admin, writing.apply(target, document, manager="tests", force=True))
    made = done(admin, writing.create_token("paddock-system", "paddock-manage", seconds=600))
    return Connection(admin.server, admin.ca_data, token=made.token)


def done(connection: Connection, talk: Conversation[Any]) -> Any:
    return writing.perform(connection, talk, deadline=20, allow_loopback=True)


def binding(namespace: str, role: str, group: str = "shop-developers") -> tuple[Target, dict[str, Any]]:
    body = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group}],
    }
    return Target("rbac.authorization.k8s.io", "v1", "rolebindings", role, namespace), body


def test_on_a_real_server_it_holds_a_project_together_and_can_become_nobody(manager: Connection) -> None:
    name = f"manage-{uuid.uuid4().hex[:8]}"
    namespace = Target("", "v1", "namespaces", name)
    made = done(manager, writing.apply(namespace, {"apiVersion": "v1", "kind": "Namespace"}, manager="paddock"))
    assert made.created
    for resource, kind, group, spec in (
        ("resourcequotas", "ResourceQuota", "", {"hard": {"pods": "5"}}),
        ("limitranges", "LimitRange", "", {"limits": [{"type": "Container", "default": {"cpu": "1"}}]}),
        ("networkpolicies", "NetworkPolicy", "networking.k8s.io", {"podSelector": {}, "policyTypes": ["Ingress"]}),
    ):
        version = f"{group}/v1" if group else "v1"
        target = Target(group, "v1", resource, "paddock", name)
        done(manager, writing.apply(target, {"apiVersion": version, "kind": kind, "spec": spec}, manager="paddock"))
        done(manager, writing.delete(target))
    for role in ("paddock-edit", "paddock-view"):
        target, body = binding(name, role)
        done(manager, writing.apply(target, body, manager="paddock"))
        done(manager, writing.delete(target))
    refused: list[Conversation[Any]] = [
        writing.apply(*binding(name, "cluster-admin"), manager="paddock"),
        writing.apply(*binding(name, "edit"), manager="paddock"),
        writing.read(Target("", "v1", "secrets", "any", name)),
        writing.create_token("kube-system", "default", seconds=600),
        writing.create_token("paddock-system", "paddock-manage", seconds=600),
        writing.merge_patch(
            Target("rbac.authorization.k8s.io", "v1", "clusterroles", "paddock-edit"), {"rules": []}, manager="paddock"
        ),
        writing.merge_patch(
            Target("rbac.authorization.k8s.io", "v1", "clusterrolebindings", "paddock-manage"),
            {"metadata": {"labels": {"a": "b"}}},
            manager="paddock",
        ),
        writing.apply(
            Target("rbac.authorization.k8s.io", "v1", "roles", "mine", name),
            {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "rules": []},
            manager="paddock",
        ),
    ]
    for talk in refused:
        with pytest.raises(kube.Forbidden):
            done(manager, talk)
    for verb, resource in (("impersonate", "users"), ("impersonate", "groups"), ("escalate", "clusterroles")):
        asked = writing.Question(verb, resource, "rbac.authorization.k8s.io" if verb == "escalate" else "")
        assert not done(manager, writing.access_review(asked)).allowed
    assert done(manager, writing.delete(namespace)).uid == made.uid
