"""PersistentVolumeClaims and PersistentVolumes."""

from collections.abc import Iterator

from portal.home.demo.catalogue.shapes import Site
from portal.home.demo.world.objects import parts
from portal.home.demo.world.objects.parts import Body
from portal.home.demo.world.storage import Store


def region_of(site: Site) -> str:
    """Return the region that volumes name: provisioners of clouds do, those of machines do not."""
    return site.region if site.distribution == "eks" else ""


def of(store: Store, site: Site) -> Iterator[tuple[str, Body]]:
    """Yield what is there of a claim and its volume."""
    if store.claim_there:
        yield "persistentvolumeclaims", _claim(store)
    if store.volume and store.gone is None:
        yield "persistentvolumes", _volume(store, site)


def _claim(store: Store) -> Body:
    spec: Body = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": store.storage_class,
        "resources": {"requests": {"storage": f"{store.size}Gi"}},
    }
    status: Body = {"phase": store.phase}
    if store.volume:
        spec["volumeName"] = store.volume_name
        status |= {"capacity": {"storage": f"{store.size}Gi"}, "accessModes": ["ReadWriteOnce"]}
    return {
        "metadata": parts.metadata(store.name, store.claim, store.born, namespace=store.space.name),
        "spec": spec,
        "status": status,
    }


def _volume(store: Store, site: Site) -> Body:
    region = region_of(site)
    labels = {"topology.kubernetes.io/region": region} if region else {}
    spec: Body = {
        "capacity": {"storage": f"{store.size}Gi"},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": store.storage_class,
        "persistentVolumeReclaimPolicy": "Retain" if store.phase == "Released" else "Delete",
        "csi": {"driver": site.driver, "volumeHandle": f"vol-{store.volume.replace('-', '')[:17]}"},
    }
    if store.claim:
        spec["claimRef"] = {
            "kind": "PersistentVolumeClaim",
            "namespace": store.space.name,
            "name": store.name,
            "uid": store.claim,
        }
    return {
        "metadata": parts.metadata(store.volume_name, store.volume, store.born, labels=labels),
        "spec": spec,
        "status": {"phase": store.phase},
    }
