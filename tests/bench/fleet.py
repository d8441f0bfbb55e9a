"""Fifty clusters with what is in them, its owners, and a month of cost. Runs in children only: Django is set up there.

Written by SQL rather than by passes and closes: what is measured here is reading. `size` counts pods; there is a
namespace to ten of them, a workload to five, a project to five namespaces, a team to five projects. Names are drawn,
so that what somebody may see lies between what others may.
"""

import uuid
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models.fields import NOT_PROVIDED

from billing.ledger.models import CostDay, CostMonth, CostProjectDay
from clusters.inventory.models import Namespace, Pod, Stream, Workload
from clusters.kube.objects.table import KINDS
from clusters.projects.models import NamespaceTenure, Project, ProjectTenure, Team
from clusters.registry.models import Cluster, State
from portal.access.scopes import ScopeKind
from portal.accounts import services as accounts
from portal.accounts.bindings import role_bindings
from portal.accounts.models import User
from portal.core import clock
from portal.core.actors import COMMAND
from tests.bench.accounts import MONTH, NEXT, OWNER, SUMS
from tests.bench.contest import Sample

CLUSTERS = 50
PODS_PER_NAMESPACE, PODS_PER_WORKLOAD = 10, 5
NAMESPACES_PER_PROJECT, PROJECTS_PER_TEAM = 5, 5
# The member is in all projects of these teams, which makes sixty.
MEMBERS_TEAMS = 12
ADMIN, MEMBER = "admin", "member"

_EMPTY: dict[type[Any], str] = {
    models.BooleanField: "false",
    models.IntegerField: "0",
    models.TextField: "''",
    models.CharField: "''",
    models.JSONField: "'{}'",
    ArrayField: "'{}'",
}
# n numbers what is made; the cluster of a namespace is drawn by its number.
_CLUSTER = f"md5('cluster' || {{}} % {CLUSTERS})::uuid"
_PROJECT = f"md5('project' || {{}} / {NAMESPACES_PER_PROJECT})::uuid"
_TEAM = f"md5('team' || {{}} / {NAMESPACES_PER_PROJECT * PROJECTS_PER_TEAM})::uuid"


def prepare(inputs: dict[str, Any]) -> Sample:
    pods = inputs["size"]
    namespaces = max(pods // PODS_PER_NAMESPACE, 1)
    projects = -(-namespaces // NAMESPACES_PER_PROJECT)
    _clusters()
    _owners(namespaces, projects)
    _objects(pods, namespaces)
    _costs(namespaces)
    _people(projects)
    return {"pods": Pod.objects.count(), "namespaces": namespaces, "projects": projects}


def project_of_member() -> str:
    """The slug of a project that both people see."""
    return "project-0"


def team_of_member() -> str:
    """The slug of a team all of whose projects both people see."""
    return "team-0"


def _clusters() -> None:
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT n, {_CLUSTER.format('n')} FROM generate_series(0, {CLUSTERS - 1}) n")
        found = cursor.fetchall()
    Cluster.objects.bulk_create(
        Cluster(
            id=key,
            slug=f"cluster-{number}",
            name=f"Cluster {number}",
            state=State.ATTACHED,
            server="https://cluster.example.test",
            credential="none",
            kube_system_uid=str(uuid.uuid4()),
            generation=1,
            attached_at=now,
        )
        for number, key in found
    )
    Stream.objects.bulk_create(
        Stream(cluster_id=key, kind=kind.name, state="ok", last_ok_at=now) for _number, key in found for kind in KINDS
    )


def _owners(namespaces: int, projects: int) -> None:
    teams = -(-projects // PROJECTS_PER_TEAM)
    of_team = {"id": "md5('team' || n)::uuid", "slug": "'team-' || n", "name": "'Team ' || n"}
    _insert(Team, teams, {**of_team, "name_folded": "'team ' || n"})
    of_project = {"id": "md5('project' || n)::uuid", "slug": "'project-' || n"}
    _insert(Project, projects, {**of_project, "name": "substr(md5('p' || n), 1, 8) || ' ' || n"})
    team = f"md5('team' || n / {PROJECTS_PER_TEAM})::uuid"
    _insert(ProjectTenure, projects, {"project_id": of_project["id"], "team_id": team, "period": "'(,)'::tstzrange"})
    held = {
        "project_id": _PROJECT.format("n"),
        "cluster_id": _CLUSTER.format("n"),
        "namespace_uid": "'namespace-' || n",
        "namespace_name": "'namespace-' || n",
        "period": "tstzrange('2026-01-01', NULL)",
    }
    _insert(NamespaceTenure, namespaces, held)


def _objects(pods: int, namespaces: int) -> None:
    _insert(
        Namespace,
        namespaces,
        {
            "id": "n + 1",
            "cluster_id": _CLUSTER.format("n"),
            "uid": "'namespace-' || n",
            "name": "substr(md5('s' || n), 1, 8) || '-' || n",
            "labels": """'{"app.kubernetes.io/part-of": "bench"}'""",
            "phase": "'Active'",
            "project_id": _PROJECT.format("n"),
            "team_id": _TEAM.format("n"),
        },
    )
    place = {
        "cluster_id": _CLUSTER.format(f"(n % {namespaces})"),
        "namespace_id": f"n % {namespaces} + 1",
        "namespace_name": f"'namespace-' || n % {namespaces}",
    }
    _insert(
        Workload,
        max(pods // PODS_PER_WORKLOAD, 1),
        {
            **place,
            "uid": "'workload-' || n",
            "name": "substr(md5('w' || n), 1, 8)",
            "kind": "'Deployment'",
            "images": "'{registry.example.test/shop/web:1.2.3}'",
            **dict.fromkeys(("desired", "ready", "updated", "available"), "5"),
        },
    )
    _insert(
        Pod,
        pods,
        {
            **place,
            "uid": "'pod-' || n",
            "name": "substr(md5('o' || n), 1, 8) || '-' || n",
            "phase": "'Running'",
            "node": "'node-' || n % 100",
            "workload_kind": "'Deployment'",
            "workload_name": "'web'",
            "cpu_m": "250",
            "memory_bytes": "268435456",
            "containers": "2",
            "containers_ready": "2",
        },
    )


def _costs(namespaces: int) -> None:
    """A month, priced; the coarser tables are sums of the finest one that is filled, the days of namespaces."""
    place = f"""{_CLUSTER.format("n")}, 'cluster-' || n % {CLUSTERS}, 'Cluster ' || n % {CLUSTERS},
        {_TEAM.format("n")}, 'team-' || n / {NAMESPACES_PER_PROJECT * PROJECTS_PER_TEAM}, 'Team',
        {_PROJECT.format("n")}, 'project-' || n / {NAMESPACES_PER_PROJECT}, 'Project', 'workload', false"""
    days = f"generate_series('{MONTH}'::date, '{NEXT}'::date - 1, '1 day')"
    sums = ", ".join(SUMS)
    added = ", ".join(f"sum({name})" for name in SUMS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO {CostDay._meta.db_table} ({OWNER}, day, namespace_uid, namespace_name, {sums}, hour_rows)
            SELECT {place}, day::date, 'namespace-' || n, 'namespace-' || n,
                86400000, 92771293593600, 0.758664, 0.101688, 0.860352, 24
            FROM generate_series(0, {namespaces - 1}) n, {days} day"""
        )
        for table, keys, made in (
            (CostProjectDay, "day", "day"),
            (
                CostMonth,
                "month, namespace_uid, namespace_name",
                "date_trunc('month', day), namespace_uid, namespace_name",
            ),
        ):
            cursor.execute(
                f"""INSERT INTO {table._meta.db_table} ({OWNER}, {keys}, {sums}, hour_rows)
                SELECT {OWNER}, {made}, {added}, sum(hour_rows) FROM {CostDay._meta.db_table}
                GROUP BY {OWNER}, {made}"""
            )
        cursor.execute(
            f"""INSERT INTO cost_run (cluster_id, hour, number, state, counted_to, counted_seconds, due_seconds,
                currency, method, closed_at)
            SELECT id, hour, 1, 'final', hour + interval '1 hour', 3600, 3600, 'USD', 'bench', hour + interval '2 hours'
            FROM cluster, generate_series('{MONTH}'::timestamptz, '{NEXT}'::timestamptz - interval '1 hour', '1 hour')
                hour"""
        )


def _people(projects: int) -> None:
    now = clock.now()
    admin, _password = accounts.create_user(username=ADMIN, by=COMMAND)
    for role in ("admin", "finance"):
        role_bindings.grant(user=admin, role=role, scope=role_bindings.EVERYTHING, by=COMMAND, at=now)
    member, _password = accounts.create_user(username=MEMBER, by=COMMAND)
    # Spread over the teams; team 0 is among them.
    teams = -(-projects // PROJECTS_PER_TEAM)
    chosen = {number * teams // MEMBERS_TEAMS for number in range(MEMBERS_TEAMS)}
    slugs = [f"project-{number}" for number in range(projects) if number // PROJECTS_PER_TEAM in chosen]
    for project in Project.objects.filter(slug__in=slugs):
        scope = role_bindings.Scope(ScopeKind.PROJECT, project.pk, project.name)
        role_bindings.grant(user=member, role="project_member", scope=scope, by=COMMAND, at=now)
    # As if both had chosen their passwords: nothing else is shown before that.
    User.objects.update(password_is_one_time=False)


def _insert(model: type[models.Model], count: int, given: dict[str, str]) -> None:
    """Write rows numbered n; what is not given is empty, zero, or the present."""
    values = {}
    for field in model._meta.concrete_fields:
        column = str(field.column)
        if column in given:
            values[column] = given[column]
        elif isinstance(field, models.DateTimeField) and (not field.null or column == "created_at"):
            values[column] = "now()"
        elif not (field.null or field.primary_key or field.db_default is not NOT_PROVIDED):
            values[column] = next(empty for kind, empty in _EMPTY.items() if isinstance(field, kind))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {model._meta.db_table} ({', '.join(values)})"
            f" SELECT {', '.join(values.values())} FROM generate_series(0, {count - 1}) n"
        )
