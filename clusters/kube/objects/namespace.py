"""Namespaces: `phase` is Active or Terminating."""

from datetime import datetime

import msgspec

from clusters.kube.objects.metadata import Item, annotations_of, decoded

RANCHER_PROJECT = "field.cattle.io/projectId"


class NamespaceStatus(msgspec.Struct, gc=False):
    phase: str | None = None


class NamespaceRow(msgspec.Struct, gc=False, frozen=True):
    phase: str
    rancher_project: str  # "c-abc:p-xyz", "" where Rancher does not manage the namespace
    deleting_since: datetime | None


_STATUS = msgspec.json.Decoder(NamespaceStatus | None)


def extract(item: Item) -> NamespaceRow:
    status = decoded(_STATUS, item.status) or NamespaceStatus()
    return NamespaceRow(
        phase=status.phase or "Active",
        rancher_project=annotations_of(item).get(RANCHER_PROJECT, ""),
        deleting_since=item.metadata.deletion_timestamp,
    )
