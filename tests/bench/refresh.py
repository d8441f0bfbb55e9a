"""The refresh of a directory: read everything, write the differences. `first` knows no group before, `again` all.

Everybody in the directory has an account here, so that everybody's groups count. Rows are those written or written
anew in the tables of accounts, whoever they are about; the log is that of the whole run.
"""

from typing import Any

import ldap
from django.db import connection
from ldap.controls.libldap import SimplePagedResultsControl

from portal.accounts.models import GroupMembership, Identity, OutsideGroup, Provider, User
from portal.accounts.outside import refresh
from portal.accounts.providers import ldap as directory
from portal.accounts.providers import rows
from portal.core import clock
from tests.bench import estate
from tests.bench.contest import Sample
from tests.bench.database import wal_of
from tests.bench.measuring import Clock, peak_memory

KEY = "corp"
PAGE = 500
TABLES = (
    "identity",
    "outside_group",
    "outside_group_nesting",
    "outside_group_membership",
    "user_account",
    "role_binding",
    "audit_event",
)


def prepare(inputs: dict[str, Any]) -> Sample:
    """Everybody has signed in once, and the first refresh was made."""
    known = {one.row.key: one for one in rows.every()}[KEY]
    Provider.objects.filter(key=KEY).update(enabled=True)
    found = list(directory.people(known.ldap))
    users = [User(username=one.username, username_folded=one.username, password="!") for one in found]
    User.objects.bulk_create(users)
    Identity.objects.bulk_create(
        Identity(provider=known.row, user=user, subject=one.subject, username=one.username)
        for user, one in zip(users, found, strict=True)
    )
    if len(found) != inputs["size"]:
        raise RuntimeError(f"{len(found)} people were found")
    _read()
    return {"memberships": GroupMembership.objects.count()}


def paddock(inputs: dict[str, Any]) -> Sample:
    first = inputs["part"] == "first"
    if OutsideGroup.objects.exists() is first:
        raise RuntimeError("the ground is not as it should be")
    rested, timed = peak_memory(), Clock(estate.backend())
    counted, transaction, start = _counts(), *_position()
    with timed:
        changed = _read()
    peak = peak_memory()
    _next, end = _position()
    _ours, log = wal_of(inputs["wal_reader"], start, end, set())
    written = _written_since(transaction)
    if changed is not first or OutsideGroup.objects.count() != inputs["groups"]:
        raise RuntimeError(f"{OutsideGroup.objects.count()} groups are known, changed: {changed}")
    if not any(written.values()) and counted != _counts():
        raise RuntimeError("rows were removed")
    return {
        "cost": timed.wall,
        "client": timed.cpu,
        "database": timed.database,
        "peak": peak,
        "grown": peak - rested,
        "rows": sum(written.values()),
        **{f"rows_{table}": count for table, count in written.items() if count},
        "wal": log,
        "memberships": GroupMembership.objects.count(),
    }


def reference(inputs: dict[str, Any]) -> Sample:
    with Clock() as timed:
        line = bound(inputs, *inputs["service"])
        people, groups = inputs["bases"]
        found = _pages(line, groups, "(objectClass=groupOfNames)", ["entryUUID", "cn", "member"])
        found += _pages(line, people, "(objectClass=inetOrgPerson)", ["entryUUID", "uid", "cn", "mail", "memberOf"])
        line.unbind_s()
    if found != inputs["size"] + inputs["groups"]:
        raise RuntimeError(f"{found} entries were read")
    return {"cost": timed.wall, "client": timed.cpu, "peak": peak_memory()}


def bound(inputs: dict[str, Any], who: str, password: str) -> Any:
    """A connection of python-ldap over TLS, bound."""
    line = ldap.initialize(inputs["url"])
    line.set_option(ldap.OPT_X_TLS_CACERTFILE, inputs["ca_file"])
    line.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
    line.simple_bind_s(who, password)
    return line


def _pages(line: Any, base: str, condition: str, attributes: list[str]) -> int:
    control, found = SimplePagedResultsControl(True, size=PAGE, cookie=""), 0
    while True:
        asked = line.search_ext(base, ldap.SCOPE_SUBTREE, condition, attributes, serverctrls=[control])
        _kind, entries, _number, controls = line.result3(asked)
        found += len(entries)
        control.cookie = controls[0].cookie
        if not control.cookie:
            return found


def _read() -> bool:
    outcome = refresh.run(key=KEY, at=clock.now(), guard=lambda: None)
    if outcome.why:
        raise RuntimeError(outcome.why)
    return outcome.changed


def _position() -> tuple[int, str]:
    """The number of the next transaction, and how far the log is written."""
    with connection.cursor() as cursor:
        # A transaction of its own number: its commit puts all before it into the files.
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        number = cursor.fetchone()[0]
        cursor.execute("SELECT pg_current_wal_flush_lsn()::text")
        return int(number), str(cursor.fetchone()[0])


def _counts() -> list[int]:
    with connection.cursor() as cursor:
        found = []
        for table in TABLES:
            cursor.execute(f"SELECT count(*) FROM {table}")
            found.append(cursor.fetchone()[0])
    return found


def _written_since(transaction: int) -> dict[str, int]:
    """Rows by table that a later transaction wrote; the numbers of a young server have not turned round."""
    written = {}
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT count(*) FROM {table} WHERE xmin::text::bigint > %s", [transaction])
            written[table] = cursor.fetchone()[0]
    return written
