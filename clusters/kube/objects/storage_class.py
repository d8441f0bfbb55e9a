"""StorageClasses. Two annotations mark the default one; both are obeyed."""

import msgspec

from clusters.kube.objects.metadata import Item, annotations_of

DEFAULT_MARKS = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")


class StorageClass(Item, gc=False, rename="camel"):
    provisioner: str | None = None
    reclaim_policy: str | None = None
    volume_binding_mode: str | None = None
    allow_volume_expansion: bool | None = None


class StorageClassRow(msgspec.Struct, gc=False, frozen=True):
    provisioner: str
    reclaim_policy: str
    binding_mode: str
    expandable: bool
    is_default: bool


def extract(item: StorageClass) -> StorageClassRow:
    annotations = annotations_of(item)
    return StorageClassRow(
        provisioner=item.provisioner or "",
        reclaim_policy=item.reclaim_policy or "Delete",
        binding_mode=item.volume_binding_mode or "Immediate",
        expandable=bool(item.allow_volume_expansion),
        is_default=any(annotations.get(mark) == "true" for mark in DEFAULT_MARKS),
    )
