"""PersistentVolumeClaims: bytes asked for, and bytes the bound volume gives."""

import msgspec

from clusters.kube.objects.metadata import Item, decoded
from clusters.kube.objects.resources import Amounts, pieces


class Resources(msgspec.Struct, gc=False):
    requests: Amounts | None = None


class ClaimSpec(msgspec.Struct, gc=False, rename="camel"):
    volume_name: str | None = None
    storage_class_name: str | None = None
    access_modes: list[str] | None = None
    resources: Resources | None = None


class ClaimStatus(msgspec.Struct, gc=False):
    phase: str | None = None
    capacity: Amounts | None = None


class VolumeClaimRow(msgspec.Struct, gc=False, frozen=True):
    phase: str
    volume: str
    storage_class: str
    requested_bytes: int
    capacity_bytes: int
    access_modes: list[str]


_SPEC = msgspec.json.Decoder(ClaimSpec | None)
_STATUS = msgspec.json.Decoder(ClaimStatus | None)


def extract(item: Item) -> VolumeClaimRow:
    spec = decoded(_SPEC, item.spec) or ClaimSpec()
    status = decoded(_STATUS, item.status) or ClaimStatus()
    return VolumeClaimRow(
        phase=status.phase or "Pending",
        volume=spec.volume_name or "",
        storage_class=spec.storage_class_name or "",
        requested_bytes=pieces(spec.resources.requests if spec.resources else None, "storage"),
        capacity_bytes=pieces(status.capacity, "storage"),
        access_modes=spec.access_modes or [],
    )
