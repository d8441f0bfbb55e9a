"""PersistentVolumes: capacity, class, and the claim that holds or last held them."""

import msgspec

from clusters.kube.objects.metadata import Item, decoded
from clusters.kube.objects.resources import Amounts, pieces


class ClaimReference(msgspec.Struct, gc=False):
    namespace: str | None = None
    name: str | None = None
    uid: str | None = None


class Csi(msgspec.Struct, gc=False, rename="camel"):
    driver: str | None = None
    volume_handle: str | None = None


class AwsDisk(msgspec.Struct, gc=False):
    volume_id: str | None = msgspec.field(default=None, name="volumeID")


class GcePersistentDisk(msgspec.Struct, gc=False, rename="camel"):
    pd_name: str | None = None


class AzureDisk(msgspec.Struct, gc=False):
    disk_uri: str | None = msgspec.field(default=None, name="diskURI")


class VolumeSpec(msgspec.Struct, gc=False, rename="camel"):
    capacity: Amounts | None = None
    storage_class_name: str | None = None
    claim_ref: ClaimReference | None = None
    persistent_volume_reclaim_policy: str | None = None
    csi: Csi | None = None
    aws_elastic_block_store: AwsDisk | None = None
    gce_persistent_disk: GcePersistentDisk | None = None
    azure_disk: AzureDisk | None = None


class VolumeStatus(msgspec.Struct, gc=False):
    phase: str | None = None


class VolumeRow(msgspec.Struct, gc=False, frozen=True):
    """`driver` and `handle` name the disk where its provider does; "" for local and host paths."""

    phase: str
    capacity_bytes: int
    storage_class: str
    reclaim_policy: str
    claim_namespace: str
    claim_name: str
    claim_uid: str
    driver: str
    handle: str


_SPEC = msgspec.json.Decoder(VolumeSpec | None)
_STATUS = msgspec.json.Decoder(VolumeStatus | None)
_NO_CLAIM = ClaimReference()


def extract(item: Item) -> VolumeRow:
    spec = decoded(_SPEC, item.spec) or VolumeSpec()
    status = decoded(_STATUS, item.status) or VolumeStatus()
    claim = spec.claim_ref or _NO_CLAIM
    driver, handle = _disk(spec)
    return VolumeRow(
        phase=status.phase or "Pending",
        capacity_bytes=pieces(spec.capacity, "storage"),
        storage_class=spec.storage_class_name or "",
        reclaim_policy=spec.persistent_volume_reclaim_policy or "",
        claim_namespace=claim.namespace or "",
        claim_name=claim.name or "",
        claim_uid=claim.uid or "",
        driver=driver,
        handle=handle,
    )


def _disk(spec: VolumeSpec) -> tuple[str, str]:
    if spec.csi:
        return spec.csi.driver or "", spec.csi.volume_handle or ""
    if spec.aws_elastic_block_store:
        return "kubernetes.io/aws-ebs", spec.aws_elastic_block_store.volume_id or ""
    if spec.gce_persistent_disk:
        return "kubernetes.io/gce-pd", spec.gce_persistent_disk.pd_name or ""
    if spec.azure_disk:
        return "kubernetes.io/azure-disk", spec.azure_disk.disk_uri or ""
    return "", ""
