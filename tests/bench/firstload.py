"""The first load of all pods, from rows and bodies in memory to the last commit, in pages of 500, by the wall.

Pods, charged facts and bodies are written, with the lease check and the position in each transaction. The reference
starts from the same values and copies the same rows straight into the same three tables, in as many transactions:
what merging, linking, comparing and feeding add is what is measured.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Model

from clusters.inventory import lease, reading
from clusters.inventory.merge import copying, tables
from clusters.inventory.merge.apply import Applied, Store
from clusters.inventory.models import ChargedFact, Pod, Stream
from clusters.kube import conversation, kubeconfig, reactor
from clusters.kube.conversation import Conversation
from clusters.kube.objects.table import POD
from portal.core import clock as portal_clock
from tests.bench import estate
from tests.bench.contest import Sample
from tests.bench.measuring import Clock

DEADLINE = 600.0
PAGE = 500
Page = tuple[list[tables.Values], list[tuple[str, bytes]]]


def paddock(inputs: dict[str, Any]) -> Sample:
    cluster, backend = estate.attached(), estate.backend()
    at = portal_clock.now()
    store = Store(cluster.pk, settings.COST_LABELS)
    pages = _pages(inputs, store)
    stream = Stream.objects.get(cluster=cluster, kind=POD.name)
    grip = lease.claim(cluster_id=cluster.pk, owner="bench", at=at)
    if grip is None:
        raise RuntimeError("somebody holds the lease")
    done = Applied()
    with Clock(backend) as clock:
        for rows, bodies in pages:
            with transaction.atomic(), connection.cursor() as cursor:
                grip.hold(cursor)
                done.add(store.merge(cursor, POD.table, rows, bodies, at))
                reading.save(cursor, [stream])
    lease.give_back(grip)
    _demand(inputs)
    _keep(inputs)
    return {"cost": clock.wall, "client": clock.cpu, "database": clock.database}


def reference(inputs: dict[str, Any]) -> Sample:
    cluster, backend = estate.attached(), estate.backend()
    pages = _pages(inputs, Store(cluster.pk, settings.COST_LABELS))
    pods, facts = _kept(inputs)
    with connection.cursor() as cursor:
        # So that the bodies go in as they are packed for Paddock, with two columns.
        cursor.execute("ALTER TABLE object_body ALTER cluster_id SET DEFAULT %s", [str(cluster.pk)])
    copies = [_copy_into(Pod), _copy_into(ChargedFact), "COPY object_body (uid, body) FROM STDIN WITH (FORMAT binary)"]
    with Clock(backend) as clock:
        for number, (_values, bodies) in enumerate(pages):
            some = slice(number * PAGE, (number + 1) * PAGE)
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.copy_expert(copies[0], copying.text(pods[some]))
                cursor.copy_expert(copies[1], copying.text(facts[some]))
                cursor.copy_expert(copies[2], copying.binary(bodies))
    _demand(inputs)
    return {"cost": clock.wall, "client": clock.cpu, "database": clock.database}


def _pages(inputs: dict[str, Any], store: Store) -> list[Page]:
    address = kubeconfig.read(Path(inputs["kubeconfig"]).read_bytes())
    talk = {"pods": _packed(store)}
    return reactor.run(address, talk, deadline=DEADLINE, allow_loopback=True)["pods"].demand()


def _packed(store: Store) -> Conversation[list[Page]]:
    """All pages as rows and compressed bodies."""
    found: list[Page] = []
    token = ""
    while True:
        page = yield from conversation.page_of(POD, limit=PAGE, continue_token=token)
        bodies = [(item.metadata.uid, store.packed(tables.body_of(item))) for item in page.items]
        found.append(([tables.values_of(POD, item) for item in page.items], bodies))
        token = page.continue_token
        if not token:
            return found


def _keep(inputs: dict[str, Any]) -> None:
    """Put what was stored aside, as the plain values that the reference copies."""
    _file(inputs).write_bytes(msgspec.msgpack.encode([_stored(Pod), _stored(ChargedFact)]))


def _kept(inputs: dict[str, Any]) -> list[list[list[Any]]]:
    found: list[list[list[Any]]] = msgspec.msgpack.decode(_file(inputs).read_bytes())
    return found


def _file(inputs: dict[str, Any]) -> Path:
    return Path(inputs["kubeconfig"]).with_name("stored.msgpack")


def _columns(model: type[Model]) -> list[Any]:
    return [field for field in model._meta.concrete_fields if not field.primary_key]


def _stored(model: type[Model]) -> list[list[Any]]:
    """All rows in the order they were written; a document is one again, as it was for Paddock."""
    columns = _columns(model)
    names = ", ".join(f"{each.column}::text" if each.column == "cluster_id" else each.column for each in columns)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {names} FROM {model._meta.db_table} ORDER BY id")
        return [[_plain(each, value) for each, value in zip(columns, row, strict=True)] for row in cursor.fetchall()]


def _plain(column: Any, value: Any) -> Any:
    if column.get_internal_type() == "JSONField" and isinstance(value, str):
        return msgspec.json.decode(value)
    return int(value) if isinstance(value, Decimal) else value


def _copy_into(model: type[Model]) -> str:
    names = ", ".join(each.column for each in _columns(model))
    return f"COPY {model._meta.db_table} ({names}) FROM STDIN WITH (NULL E'\\x02')"


def _demand(inputs: dict[str, Any]) -> None:
    """Every pod stands there, is charged and has a body."""
    with connection.cursor() as cursor:
        for table in ("pod", "charged_fact", "object_body"):
            cursor.execute(f"SELECT count(*) FROM {table}")
            found = cursor.fetchone()[0]
            if found != inputs["size"]:
                raise RuntimeError(f"{table} has {found} rows")
