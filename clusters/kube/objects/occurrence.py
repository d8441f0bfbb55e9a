"""Events, as the core group has them. Those of events.k8s.io are the same objects under other names.

A source counts repeats on one object: in `count`, or in `series` where it uses the newer way.
"""

from datetime import datetime

import msgspec

from clusters.kube.objects.metadata import Item

# What is kept of a message: the API allows 1 KiB, older servers did not say.
MESSAGE_LONGEST = 1_024


class Involved(msgspec.Struct, gc=False, rename="camel"):
    kind: str | None = None
    namespace: str | None = None
    name: str | None = None
    uid: str | None = None


class Source(msgspec.Struct, gc=False):
    component: str | None = None


class Series(msgspec.Struct, gc=False, rename="camel"):
    count: int | None = None
    last_observed_time: datetime | None = None


class Occurrence(Item, gc=False, rename="camel"):
    involved_object: Involved | None = None
    type: str | None = None
    reason: str | None = None
    message: str | None = None
    count: int | None = None
    series: Series | None = None
    source: Source | None = None
    reporting_component: str | None = None
    first_timestamp: datetime | None = None
    last_timestamp: datetime | None = None
    event_time: datetime | None = None


class OccurrenceRow(msgspec.Struct, gc=False, frozen=True):
    """`count` is at least 1; `last_at` is empty only where the object bears no instant at all."""

    type: str
    reason: str
    message: str
    source: str
    involved_kind: str
    involved_namespace: str
    involved_name: str
    involved_uid: str
    count: int
    first_at: datetime | None
    last_at: datetime | None


def extract(item: Occurrence) -> OccurrenceRow:
    involved, series = item.involved_object or Involved(), item.series or Series()
    made = item.event_time or item.metadata.creation_timestamp
    return OccurrenceRow(
        type=item.type or "Normal",
        reason=item.reason or "",
        message=(item.message or "")[:MESSAGE_LONGEST],
        source=item.reporting_component or (item.source.component if item.source else None) or "",
        involved_kind=involved.kind or "",
        involved_namespace=involved.namespace or "",
        involved_name=involved.name or "",
        involved_uid=involved.uid or "",
        count=max(item.count or 0, series.count or 0, 1),
        first_at=item.first_timestamp or made,
        last_at=series.last_observed_time or item.last_timestamp or made,
    )
