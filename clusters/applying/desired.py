"""What a producer wants in a cluster: the seam between the rooms that decide and the loop that writes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any, Literal
from uuid import UUID


class Order(IntEnum):
    """What is written before what; removal goes the other way."""

    NAMESPACE = 0
    LABELS = 1
    LIMITS = 2
    QUOTA = 3
    NETWORK = 4
    RIGHTS = 5


@dataclass(frozen=True)
class Desired:
    """An object as it shall stand in a cluster.

    `kind` is a key of `clusters.kube.objects.table`; `namespace` is empty for what lies in none. `namespace_uid` binds
    the object to one life of its namespace: in another one of the same name nothing is written. `body` holds the fields
    that Paddock owns, without apiVersion, kind and name. `source` and `source_id` say which row asked for it.
    `forced` takes fields from other managers; else a conflict is shown. `drift` says what happens to a change by
    somebody else. `version` is the resourceVersion that a write depends on; `wait` why nothing can be written yet.
    """

    kind: str
    namespace: str
    namespace_uid: str
    name: str
    body: Mapping[str, Any]
    source: str
    source_id: UUID
    project_id: UUID | None
    order: Order
    forced: bool
    drift: Literal["restore", "hold"]
    version: str = ""
    wait: str = ""


# All that one room wants in one cluster now: `(cluster id, instant)`. Listed in `settings.DESIRED_STATES`.
Producer = Callable[[UUID, datetime], Iterable[Desired]]
