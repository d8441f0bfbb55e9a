"""From the world file's records of the past to segments."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.conf import settings

from billing.metering.lives import Measure
from billing.metering.rows import Key
from billing.metering.services import Past

Record = dict[str, Any]


def segments(records: Iterable[Record]) -> Iterator[Past]:
    """Yield what metering writes; labels that cost is not kept by are left out."""
    for record in records:
        yield Past(
            kind=record["kind"],
            uid=record["uid"],
            name=record["name"],
            starts_at=_instant(record["from"]),
            ends_at=_instant(record["to"]) if record["to"] else None,
            asset=Key(**record["asset"]) if "asset" in record else None,
            namespace_name=record.get("namespace", ""),
            measure=_measure(record),
            labels=_labels(record.get("labels", {})),
        )


def _measure(record: Record) -> Measure:
    kind, name = record.get("owner", ("", ""))
    return Measure(
        cpu_m=record.get("cpu_m", 0),
        memory_bytes=record.get("memory_bytes", 0),
        gpu_m=record.get("gpu_m", 0),
        storage_bytes=record.get("storage_bytes", 0),
        reserved_cpu_m=record.get("reserved_cpu_m", 0),
        reserved_memory_bytes=record.get("reserved_memory_bytes", 0),
        owner_kind=kind,
        owner_name=name,
        provider_id=record.get("provider_id", ""),
        namespace_uid=record.get("namespace_uid", ""),
        node_name=record.get("node", "") if record["kind"] == "pod" else "",
        node_uid=record.get("node_uid", "") if record["kind"] == "pod" else "",
    )


def _labels(labels: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((key, value) for key, value in labels.items() if key in settings.COST_LABELS))


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
