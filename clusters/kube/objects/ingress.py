"""Ingresses: the names they answer to, which of them have a certificate, and the addresses they were given."""

import msgspec

from clusters.kube.objects.metadata import Item, decoded


class Rule(msgspec.Struct, gc=False):
    host: str | None = None


class Tls(msgspec.Struct, gc=False):
    hosts: list[str] | None = None


class IngressSpec(msgspec.Struct, gc=False, rename="camel"):
    ingress_class_name: str | None = None
    rules: list[Rule] | None = None
    tls: list[Tls] | None = None


class Address(msgspec.Struct, gc=False):
    ip: str | None = None
    hostname: str | None = None


class LoadBalancer(msgspec.Struct, gc=False):
    ingress: list[Address] | None = None


class IngressStatus(msgspec.Struct, gc=False, rename="camel"):
    load_balancer: LoadBalancer | None = None


class IngressRow(msgspec.Struct, gc=False, frozen=True):
    """`names` are hosts in order, without repeats; a rule for every host adds none."""

    ingress_class: str
    names: list[str]
    tls_names: list[str]
    addresses: list[str]


_SPEC = msgspec.json.Decoder(IngressSpec | None)
_STATUS = msgspec.json.Decoder(IngressStatus | None)


def extract(item: Item) -> IngressRow:
    spec = decoded(_SPEC, item.spec) or IngressSpec()
    status = decoded(_STATUS, item.status) or IngressStatus()
    balancer = status.load_balancer or LoadBalancer()
    return IngressRow(
        ingress_class=spec.ingress_class_name or "",
        names=sorted({rule.host for rule in spec.rules or () if rule.host}),
        tls_names=sorted({host for each in spec.tls or () for host in each.hosts or ()}),
        addresses=[address for each in balancer.ingress or () if (address := each.ip or each.hostname)],
    )
