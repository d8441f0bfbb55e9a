"""CustomResourceDefinitions: which kinds a cluster has learned. Their schemas are not kept."""

import msgspec

from clusters.kube.objects.metadata import Item, decoded


class Names(msgspec.Struct, gc=False):
    kind: str | None = None
    plural: str | None = None


class Version(msgspec.Struct, gc=False):
    name: str | None = None
    served: bool | None = None
    storage: bool | None = None


class DefinitionSpec(msgspec.Struct, gc=False):
    group: str | None = None
    scope: str | None = None
    names: Names | None = None
    versions: list[Version] | None = None


class Condition(msgspec.Struct, gc=False):
    type: str | None = None
    status: str | None = None


class DefinitionStatus(msgspec.Struct, gc=False):
    conditions: list[Condition] | None = None


class CustomResourceRow(msgspec.Struct, gc=False, frozen=True):
    """`versions` are those served; `stored_version` is the one kept in etcd."""

    api_group: str
    kind: str
    plural: str
    namespaced: bool
    versions: list[str]
    stored_version: str
    established: bool


_SPEC = msgspec.json.Decoder(DefinitionSpec | None)
_STATUS = msgspec.json.Decoder(DefinitionStatus | None)


def extract(item: Item) -> CustomResourceRow:
    spec = decoded(_SPEC, item.spec) or DefinitionSpec()
    status = decoded(_STATUS, item.status) or DefinitionStatus()
    names, versions = spec.names or Names(), spec.versions or []
    return CustomResourceRow(
        api_group=spec.group or "",
        kind=names.kind or "",
        plural=names.plural or "",
        namespaced=spec.scope == "Namespaced",
        versions=[each.name for each in versions if each.served and each.name],
        stored_version=next((each.name for each in versions if each.storage and each.name), ""),
        established=any(each.type == "Established" and each.status == "True" for each in status.conditions or ()),
    )
