"""Seal keys and this database: the check at a start, and moving every sealed value to the first key."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError, models, transaction
from django.db.models import Q

from portal.accounts.models import SealSentinel
from portal.audit import services as audit
from portal.core import sealed
from portal.core.actors import Actor, Subject

TAG = "seals"
KNOWN = "paddock"
BATCH = 200
# How often rows that somebody else holds are tried again, and how long that takes at most.
_PASSES = 20
_PAUSE_SECONDS = 0.25


@dataclass
class Table:
    """What happened to one table: rows sealed anew, rows that no configured key opens, rows left because in use."""

    name: str
    fields: tuple[str, ...]
    resealed: int = 0
    broken: int = 0
    left: int = 0


@register(TAG, Tags.database)
def keys_fit(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Compare the configured keys with the sentinels; an empty or absent database is for others to complain about."""
    if not databases:
        return []
    try:
        keys = list(sealed.parse_keys(settings.SEAL_KEYS))
        sentinels = list(SealSentinel.objects.all())
    except (ValueError, DatabaseError):
        return []
    return [error for row in sentinels if (error := _fits(row, keys)) is not None]


def _fits(row: SealSentinel, keys: list[str]) -> Error | None:
    if row.key_id not in keys:
        return Error(
            f"Values in this database are sealed with the key {row.key_id!r}, which PADDOCK_SEAL_KEYS does not name.",
            hint="Add that key behind the first one; `manage.py rotate_seal_keys` moves the values to the first.",
            id="paddock.E005",
        )
    try:
        right = sealed.open_sealed(row, "value").reveal() == KNOWN
    except sealed.SealBroken:
        right = False
    if right:
        return None
    return Error(
        f"The key {row.key_id!r} in PADDOCK_SEAL_KEYS is not the one this database was written with.",
        hint="Give the key its old value, from the copy that was kept of it.",
        id="paddock.E006",
    )


def leave_sentinel(**_signal: Any) -> None:
    """Write the first key's sentinel where there is none; runs after each migration."""
    try:
        first = next(iter(sealed.parse_keys(settings.SEAL_KEYS)), None)
    except ValueError:
        return
    if first is not None and not SealSentinel.objects.filter(pk=first).exists():
        row = SealSentinel(key_id=first)
        sealed.set_sealed(row, "value", KNOWN)
        SealSentinel.objects.bulk_create([row], ignore_conflicts=True)


def reseal_all() -> Iterator[Table]:
    """Seal every value that another key wrote anew, under the first key; yields each table when it is done.

    May be killed at any row and run again: each batch is its own transaction, and what is done is not read again.
    Rows that somebody is writing are left for a later pass. Once no value needs an earlier key its sentinel goes.
    """
    first = next(iter(sealed.parse_keys(settings.SEAL_KEYS)))
    clean = True
    for model, fields in sealed_columns():
        table = Table(model._meta.db_table, fields)
        _reseal(model, table, first)
        clean = clean and not table.broken and not table.left
        yield table
    leave_sentinel()
    if clean:
        SealSentinel.objects.exclude(pk=first).delete()


def rotate(*, by: Actor) -> Iterator[Table]:
    """Seal everything anew as `reseal_all` does, and tell the audit when it begins and what came of it."""
    first = next(iter(sealed.parse_keys(settings.SEAL_KEYS)))
    key = Subject("seal_key", first, first)
    with transaction.atomic():
        audit.record("accounts.seal.begin", by=by, on=key)
    tables = []
    for table in reseal_all():
        tables.append(table)
        yield table
    counts = {name: sum(getattr(table, name) for table in tables) for name in ("resealed", "broken", "left")}
    with transaction.atomic():
        audit.record("accounts.seal.rotate", by=by, on=key, after=counts)


def sealed_columns() -> list[tuple[type[models.Model], tuple[str, ...]]]:
    """Return every model with sealed columns, except the sentinels, which stay with their keys."""
    found = []
    for model in apps.get_models():
        fields = tuple(field.name for field in model._meta.concrete_fields if isinstance(field, sealed.SealedField))
        if fields and model is not SealSentinel:
            found.append((model, fields))
    return found


def _reseal(model: type[models.Model], table: Table, first: str) -> None:
    done = ~Q(pk__in=[])
    for field in table.fields:
        done &= (
            Q(**{f"{field}__startswith": f"{sealed.VERSION}.{first}."})
            | Q(**{field: ""})
            | Q(**{f"{field}__isnull": True})
        )
    rows = model._base_manager.exclude(done)
    for _number in range(_PASSES):
        broken = _pass(rows, table)
        table.left = rows.count() - broken
        if table.left <= 0:
            table.left, table.broken = 0, broken
            return
        time.sleep(_PAUSE_SECONDS)
    table.broken = broken


def _pass(rows: models.QuerySet[Any], table: Table) -> int:
    """Once through the table by key; returns how many rows could not be opened."""
    after, broken = None, 0
    while True:
        with transaction.atomic():
            ahead = rows if after is None else rows.filter(pk__gt=after)
            batch = list(
                ahead.only("pk", *table.fields).order_by("pk").select_for_update(of=("self",), skip_locked=True)[:BATCH]
            )
            for row in batch:
                broken += not _reseal_row(row, table)
        if not batch:
            return broken
        after = batch[-1].pk


def _reseal_row(row: models.Model, table: Table) -> bool:
    changed = {}
    for field in table.fields:
        if getattr(row, field):
            try:
                sealed.set_sealed(row, field, sealed.open_sealed(row, field).reveal())
            except sealed.SealBroken:
                return False
            changed[field] = getattr(row, field)
    # By columns: what a model's `save` does beside writing is none of this.
    type(row)._base_manager.filter(pk=row.pk).update(**changed)
    table.resealed += 1
    return True
