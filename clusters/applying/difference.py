"""What is to be done so that what is wanted stands: from wishes and rows to steps. Pure."""

import enum
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from clusters.applying import admitting
from clusters.applying.desired import Desired
from clusters.applying.models import FIGHT, HELD, State

Key = tuple[str, str, str]


class Verb(enum.StrEnum):
    """What a step does. FORGET sends nothing: the object went with its namespace, or was never made."""

    CREATE = "create"
    CHANGE = "change"
    REMOVE = "remove"
    FORGET = "forget"
    WAIT = "wait"


@dataclass(frozen=True)
class Row:
    """What is known of an object that was written, or is about to be."""

    id: UUID
    key: Key
    namespace_uid: str
    uid: str
    digest: str
    applied_digest: str
    state: str
    code: str
    due_at: datetime | None
    stage: int
    text: str = ""


@dataclass(frozen=True)
class Step:
    """One thing to do. `row` is None where the object is new; `desired` is None where it shall go."""

    verb: Verb
    key: Key
    row: Row | None
    desired: Desired | None
    digest: str = ""
    restores: bool = False
    code: str = ""
    text: str = ""


def key_of(desired: Desired) -> Key:
    """Return by what an object is found."""
    return desired.kind, desired.namespace, desired.name


def digest_of(desired: Desired) -> str:
    """Return what changes when something else is to be written."""
    told = json.dumps([desired.body, desired.namespace_uid], sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(told.encode()).hexdigest()


def merged(wanted: Iterable[Desired]) -> dict[Key, Desired]:
    """Return the wishes by key. Several rooms may want labels of one namespace: their bodies are laid together.

    Raises `ValueError` where two rooms want one object of another kind.
    """
    found: dict[Key, Desired] = {}
    for one in wanted:
        key = key_of(one)
        known = found.get(key)
        found[key] = one if known is None else _together(known, one)
    return found


def _together(first: Desired, second: Desired) -> Desired:
    if first.kind != "namespace":
        raise ValueError(f"{first.source} and {second.source} both want {key_of(first)}")
    # Of two of one order the first one counts: `sorted` keeps it before the other.
    earlier, later = sorted((first, second), key=lambda one: one.order)
    return replace(
        earlier,
        body=_deep(later.body, earlier.body),
        forced=earlier.forced or later.forced,
        drift="restore" if "restore" in (earlier.drift, later.drift) else "hold",
        wait=earlier.wait or later.wait,
    )


def _deep(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(under)
    for key, value in over.items():
        below = found.get(key)
        found[key] = _deep(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return found


def difference(
    wanted: Mapping[Key, Desired], rows: Sequence[Row], *, ended: Collection[str], at: datetime
) -> list[Step]:
    """Return the steps in the order in which they are to be taken; nothing where all stands.

    What goes, goes before anything comes, rights first. `ended` are uids of namespaces that are gone, with all that
    lay in them.
    """
    known = {row.key: row for row in rows}
    coming = [step for key, one in wanted.items() if (step := _toward(one, known.get(key), ended, at)) is not None]
    going = [step for row in rows if row.key not in wanted and (step := _away(row, ended, at)) is not None]
    return [
        *sorted(going, key=lambda step: (-(step.row.stage if step.row else 0), step.key)),
        *sorted(coming, key=lambda step: (step.desired.order if step.desired else 0, step.key)),
    ]


def _toward(one: Desired, row: Row | None, ended: Collection[str], at: datetime) -> Step | None:
    key, digest = key_of(one), digest_of(one)
    if one.namespace_uid and one.namespace_uid in ended:
        return None if row is None else Step(Verb.FORGET, key, row, None)
    if row is not None and row.namespace_uid != one.namespace_uid and one.kind != "namespace":
        # It lay in another life of the namespace and went with it.
        row = replace(row, uid="", applied_digest="", namespace_uid=one.namespace_uid, state=State.PENDING)
    if text := admitting.wrong(one):
        return _say(one, row, digest, "refused", text)
    if one.wait:
        return _say(one, row, digest, "wait", one.wait)
    if row is None:
        fresh = Verb.CHANGE if one.kind == "namespace" and one.namespace_uid else Verb.CREATE
        return Step(fresh, key, None, one, digest)
    if row.digest == digest and (_stands(row, digest) or not _is_due(row, at)):
        return None
    verb = Verb.CHANGE if row.uid or (one.kind == "namespace" and one.namespace_uid) else Verb.CREATE
    return Step(verb, key, row, one, digest, restores=row.state == State.DRIFTED)


def _stands(row: Row, digest: str) -> bool:
    return row.state == State.APPLIED and row.applied_digest == digest and bool(row.uid)


def _say(one: Desired, row: Row | None, digest: str, code: str, text: str) -> Step | None:
    """Show why nothing is written; a row that says so already stays as it is."""
    if row is not None and (row.code, row.text, row.digest) == (code, text[:300], digest):
        return None
    return Step(Verb.WAIT, key_of(one), row, one, digest, code=code, text=text)


def _is_due(row: Row, at: datetime) -> bool:
    """An object that a person has to decide about is left alone, a failed one until its time comes."""
    if row.state == State.DRIFTED and row.code == HELD:
        return False
    if row.state == State.DRIFTED and row.code == FIGHT:
        return row.due_at is not None and row.due_at <= at
    return row.due_at is None or row.due_at <= at


def _away(row: Row, ended: Collection[str], at: datetime) -> Step | None:
    if not row.uid or row.namespace_uid in ended:
        # A create whose answer never came may have made it: then its mark is found, and told as foreign.
        return Step(Verb.FORGET, row.key, row, None)
    if row.state == State.REMOVING and row.due_at is not None and row.due_at > at:
        return None
    return Step(Verb.REMOVE, row.key, row, None)
