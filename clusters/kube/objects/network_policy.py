"""NetworkPolicies: whom they hold for, and how many rules let something through."""

import msgspec

from clusters.kube import label_selector
from clusters.kube.objects.metadata import Item, Odd, decoded


class NetworkPolicySpec(msgspec.Struct, gc=False, rename="camel"):
    pod_selector: label_selector.LabelSelector | None = None
    policy_types: list[str] | None = None
    ingress: list[msgspec.Raw] | None = None
    egress: list[msgspec.Raw] | None = None


class NetworkPolicyRow(msgspec.Struct, gc=False, frozen=True):
    """`pods` is a selector, "" for all of the namespace. A type without rules lets nothing through."""

    pods: str
    types: list[str]
    ingress_rules: int
    egress_rules: int


_SPEC = msgspec.json.Decoder(NetworkPolicySpec | None)


def extract(item: Item) -> NetworkPolicyRow:
    spec = decoded(_SPEC, item.spec) or NetworkPolicySpec()
    try:
        pods = label_selector.of_object(spec.pod_selector)
    except ValueError as error:
        raise Odd(str(error)) from None
    return NetworkPolicyRow(
        pods=pods,
        types=spec.policy_types or (["Ingress", "Egress"] if spec.egress else ["Ingress"]),
        ingress_rules=len(spec.ingress or ()),
        egress_rules=len(spec.egress or ()),
    )
