"""A real cluster that Paddock reads and writes with accounts of its own, and a project that holds namespaces there."""

import uuid
from datetime import datetime
from typing import Any

from django.db import connection

from clusters.applying import services as applying
from clusters.applying.models import AppliedObject
from clusters.applying.reconciling import Report
from clusters.inventory import services as inventory
from clusters.inventory.models import Namespace, Stream
from clusters.kube import kubeconfig
from clusters.kube.objects import table
from clusters.projects.models import Project
from clusters.projects.services import holdings, projects, teams
from clusters.registry import accounts
from clusters.registry.models import Account, Cluster, State
from portal.core import clock, sealed
from portal.core.actors import COMMAND
from tests.testbed import objects
from tests.testbed.api import Json, path_of, wait_until
from tests.testbed.control_plane import Cluster as RealCluster

RBAC = "rbac.authorization.k8s.io"
KINDS = ("namespace", "role_binding", "quota", "limit_range", "network_policy", "cluster_role_binding")
ROLES = ("paddock-edit", "paddock-view")
# What is read for these tests, and what `paddock-manage` may do.
RULES: list[Json] = [
    {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "list", "watch", "create", "patch", "delete"]},
    {
        "apiGroups": [""],
        "resources": ["resourcequotas", "limitranges"],
        "verbs": ["list", "watch", "create", "patch", "delete"],
    },
    {
        "apiGroups": ["networking.k8s.io"],
        "resources": ["networkpolicies"],
        "verbs": ["list", "watch", "create", "patch", "delete"],
    },
    {"apiGroups": [RBAC], "resources": ["rolebindings"], "verbs": ["list", "watch", "create", "patch", "delete"]},
    {"apiGroups": [RBAC], "resources": ["clusterrolebindings"], "verbs": ["list", "watch"]},
    {"apiGroups": [RBAC], "resources": ["clusterroles"], "resourceNames": list(ROLES), "verbs": ["bind"]},
]


class Ground:
    """One real cluster, from both sides."""

    def __init__(self, real: RealCluster, name: str) -> None:
        self.real = real
        self.api = real.api
        for role in ROLES:
            if self.api.find("ClusterRole", role) is None:
                rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}
                role_body = {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": role}}
                self.api.create({**role_body, "rules": [rule]})
        self.cluster = self._attached(real.account_kubeconfig(f"{name}-{uuid.uuid4().hex[:6]}", rules=RULES), name)
        self.made: list[str] = []

    def _attached(self, config: str, name: str) -> Cluster:
        address = kubeconfig.read(config.encode())
        cluster = Cluster(
            slug=name,
            name=name,
            state=State.ATTACHED,
            server=address.server,
            kube_system_uid=inventory.identity_of(address),
            generation=1,
            attached_at=clock.now(),
        )
        sealed.set_sealed(cluster, "credential", address.to_json())
        cluster.save()
        accounts.keep(cluster=cluster, account=Account.MANAGE, token=address.token or "", by=COMMAND, at=clock.now())
        return cluster

    def namespace(self, name: str = "") -> str:
        """Make a namespace by hand; returns its name."""
        name = name or f"apply-{uuid.uuid4().hex[:8]}"
        self.api.create(objects.namespace(name))
        self.made.append(name)
        return name

    def sync(self, at: datetime | None = None) -> None:
        """Read the kinds that are written."""
        Stream.objects.filter(cluster=self.cluster).update(due_at=None)
        wanted = [kind for kind in table.KINDS if kind.name in KINDS]
        report = inventory.sync_once(self.cluster, at=at or clock.now(), kinds=wanted)
        assert report.failed == {}

    def look(self) -> Any:
        return applying.look(cluster_id=self.cluster.pk, at=clock.now())

    def reconcile(self) -> Report:
        return applying.reconcile(cluster_id=self.cluster.pk, at=clock.now(), owner="test")

    def row(self, kind: str, name: str, namespace: str = "") -> AppliedObject:
        return AppliedObject.objects.get(cluster=self.cluster, kind=kind, name=name, namespace=namespace)

    def hold(self, project: Project, *names: str) -> None:
        """Have the project hold namespaces that were read."""
        found = Namespace.objects.filter(cluster=self.cluster, name__in=names, gone_at=None)
        keys = [(self.cluster.pk, uid) for uid in found.values_list("uid", flat=True)]
        assert len(keys) == len(names)
        holdings.assign(project=project, namespaces=keys, by=COMMAND, at=clock.now())

    def cleared(self) -> None:
        for name in self.made:
            self.api.send("DELETE", path_of("Namespace", name))
        # Each test is another installation: what one leaves would stop the next.
        wait_until(lambda: not any(self.api.find("Namespace", name) for name in self.made), what="namespaces are gone")


def project(slug: str) -> Project:
    """Make a project of a team of its own."""
    team = teams.open(name=f"Team {slug}", slug=f"team-{slug}", by=COMMAND, at=clock.now())
    return projects.open(name=slug, slug=slug, team=team, by=COMMAND, at=clock.now())


def written_rows() -> int:
    """How many rows of our tables were ever inserted, updated or deleted."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(
            "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables WHERE relname IN"
            " ('applied_object', 'write_lease', 'foreign_object', 'job', 'audit_event')"
        )
        return int(cursor.fetchone()[0])


__all__ = ["KINDS", "RBAC", "Ground", "project", "wait_until", "written_rows"]
