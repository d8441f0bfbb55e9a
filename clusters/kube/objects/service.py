"""Services: `ingress` holds the addresses a load balancer was given, empty while it waits for one."""

import msgspec

from clusters.kube.objects.metadata import Item, decoded


class ServiceSpec(msgspec.Struct, gc=False):
    type: str | None = None
    cluster_ip: str | None = msgspec.field(default=None, name="clusterIP")


class Ingress(msgspec.Struct, gc=False):
    ip: str | None = None
    hostname: str | None = None


class LoadBalancer(msgspec.Struct, gc=False):
    ingress: list[Ingress] | None = None


class ServiceStatus(msgspec.Struct, gc=False, rename="camel"):
    load_balancer: LoadBalancer | None = None


class ServiceRow(msgspec.Struct, gc=False, frozen=True):
    type: str
    cluster_ip: str
    ingress: list[str]


_SPEC = msgspec.json.Decoder(ServiceSpec | None)
_STATUS = msgspec.json.Decoder(ServiceStatus | None)


def extract(item: Item) -> ServiceRow:
    spec = decoded(_SPEC, item.spec) or ServiceSpec()
    status = decoded(_STATUS, item.status) or ServiceStatus()
    balancer = status.load_balancer or LoadBalancer()
    addresses = [each.ip or each.hostname or "" for each in balancer.ingress or ()]
    return ServiceRow(
        type=spec.type or "ClusterIP",
        cluster_ip=spec.cluster_ip or "",
        ingress=[address for address in addresses if address],
    )
