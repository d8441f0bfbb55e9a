"""The hours of one month in the ledger, and their rollups. Runs in children only: Django is set up there.

Written by SQL rather than by 720 closes: what is measured here is reading. Amounts are exact to twelve places, as the
close writes them, and the rollups are sums of the very rows.
"""

from datetime import date, timedelta
from typing import Any

from django.db import connection

from billing.ledger.models import CostDay, CostMonth, CostProjectDay, CostRun
from clusters.projects.models import Team, fold
from clusters.registry.models import Cluster, State
from portal.access.permissions import Permission
from portal.accounts import services as accounts
from portal.accounts.bindings import role_bindings
from portal.accounts.models import User
from portal.core import clock
from portal.core.actors import COMMAND
from tests.bench.contest import Sample

# A month of thirty days: two hundred teams have six thousand cells in it.
MONTH = date(2026, 9, 1)
NEXT = date(2026, 10, 1)
DAYS = (NEXT - MONTH).days
NAMESPACES_PER_TEAM = 20
NAMESPACES_PER_PROJECT = 5

# A hundred thousand rows and less in one statement.
HOURS = """INSERT INTO cost_hour (cluster_id, cluster_slug, cluster_name, team_id, team_slug, team_name, project_id,
    project_slug, project_name, kind, shared,
    cpu_q, memory_q, cpu_amount, memory_amount, amount, hour, starts_at, ends_at, day, month, namespace_uid,
    namespace_name, price_key_id)
SELECT %(cluster)s, 'bench', 'bench',
    md5('team' || n / %(per_team)s)::uuid, 'team-' || n / %(per_team)s, 'Team ' || n / %(per_team)s,
    md5('project' || n / %(per_project)s)::uuid, 'project-' || n / %(per_project)s, 'Project ' || n / %(per_project)s,
    'workload', false,
    cpu, memory, round(cpu * 0.031611 / 3600000, 12), round(memory * 0.004237 / 3600 / 1073741824, 12),
    round(cpu * 0.031611 / 3600000, 12) + round(memory * 0.004237 / 3600 / 1073741824, 12),
    start, start, start + interval '1 hour', %(day)s, %(month)s, 'namespace-' || n, 'namespace-' || n, 1
FROM generate_series(0, %(namespaces)s - 1) n,
    generate_series(%(day)s::date::timestamptz, %(day)s::date::timestamptz + interval '23 hours', '1 hour') start,
    LATERAL (SELECT (500 + n %% 37 * 250) * 3600::bigint AS cpu,
        (1 + n %% 11) * 1073741824::numeric * 3600 + EXTRACT(hour FROM start)::bigint AS memory) q"""
SUMS = ("cpu_q", "memory_q", "cpu_amount", "memory_amount", "amount")
OWNER = (
    "cluster_id, cluster_slug, cluster_name, team_id, team_slug, team_name, project_id, project_slug, project_name,"
    " kind, shared"
)


def prepare(inputs: dict[str, Any]) -> Sample:
    cluster = Cluster(
        slug="bench",
        name="bench",
        state=State.ATTACHED,
        server="https://cluster.example.test",
        credential="none",
        kube_system_uid="bench",
        generation=1,
        attached_at=clock.now(),
    )
    cluster.save()
    _teams(inputs["size"])
    _reader()
    with connection.cursor() as cursor:
        for number in range(DAYS):
            values = {
                "cluster": str(cluster.pk),
                "day": MONTH + timedelta(days=number),
                "month": MONTH,
                "namespaces": inputs["size"],
                "per_team": NAMESPACES_PER_TEAM,
                "per_project": NAMESPACES_PER_PROJECT,
            }
            cursor.execute(HOURS, values)
            _roll_up(cursor, CostDay._meta.db_table, "day, namespace_uid, namespace_name", values)
            _roll_up(cursor, CostProjectDay._meta.db_table, "day", values)
        _roll_up(cursor, CostMonth._meta.db_table, "month, namespace_uid, namespace_name", None)
        _runs(cursor, str(cluster.pk))
        cursor.execute("SELECT count(*) FROM cost_hour")
        rows = cursor.fetchone()[0]
    if rows != inputs["size"] * DAYS * 24 or CostRun.objects.count() != DAYS * 24:
        raise RuntimeError(f"{rows} hour rows were written")
    return {"rows": rows}


def reader() -> User:
    """Somebody who sees all costs, with the rights read already."""
    found = User.objects.get()
    if not found.scopes_for(Permission.COST_VIEW).everything:
        raise RuntimeError("the reader does not see everything")
    return found


def _reader() -> None:
    user, _password = accounts.create_user(username="reader", by=COMMAND)
    role_bindings.grant(user=user, role="finance", scope=role_bindings.EVERYTHING, by=COMMAND, at=clock.now())


def teams(namespaces: int) -> int:
    return -(-namespaces // NAMESPACES_PER_TEAM)


def _teams(namespaces: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT md5('team' || n)::uuid FROM generate_series(0, %s) n", [teams(namespaces) - 1])
        ids = [row[0] for row in cursor.fetchall()]
    Team.objects.bulk_create(
        [
            Team(id=pk, slug=f"team-{number}", name=f"Team {number}", name_folded=fold(f"Team {number}"))
            for number, pk in enumerate(ids)
        ]
    )


def _roll_up(cursor: Any, table: str, keys: str, values: dict[str, Any] | None) -> None:
    sums = ", ".join(f"sum({name})" for name in SUMS)
    of_a_day = "WHERE day = %(day)s" if values else ""
    cursor.execute(
        f"INSERT INTO {table} ({OWNER}, {keys}, {', '.join(SUMS)}, hour_rows)"
        f" SELECT {OWNER}, {keys}, {sums}, count(*) FROM cost_hour {of_a_day} GROUP BY {OWNER}, {keys}",
        values,
    )


def _runs(cursor: Any, cluster_id: str) -> None:
    cursor.execute(
        """INSERT INTO cost_run (cluster_id, hour, number, state, counted_to, counted_seconds, due_seconds, currency,
            method, closed_at)
        SELECT %s, hour, 1, 'final', hour + interval '1 hour', 3600, 3600, 'USD', 'bench', hour + interval '2 hours'
        FROM (SELECT DISTINCT hour FROM cost_hour) hours""",
        [cluster_id],
    )
