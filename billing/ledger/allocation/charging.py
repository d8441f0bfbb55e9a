"""Charged quantities: what each thing takes of an hour, for whom. No prices here."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from billing.ledger.allocation import apportion, model, ownership, rates, spans
from billing.ledger.allocation.model import NODE_RESOURCES, Kind, PriceKey, Resource
from portal.core.periods import Period

# A node's life, named so that two lives under one uid stay apart.
NodeId = tuple[str, str, datetime]


@dataclass(slots=True)
class Charge:
    """What one thing takes of one part of an hour.

    `pod` takes it alone, or `pods` by weight (volumes and load balancers; pod "" is no pod): for display.
    """

    slice: spans.Slice
    span: Period
    cluster: str
    namespace: str | None
    owner: ownership.Owner
    kind: Kind
    price_key: PriceKey | None
    quantities: dict[Resource, int]
    pod: str = ""
    pods: Mapping[str, Fraction] | None = None
    node: NodeId | None = None
    overcommitted: bool = False

    def pod_weights(self, resource: Resource) -> Mapping[str, Fraction]:
        """Return how this charge falls to pods."""
        return {self.pod: Fraction(self.quantities[resource])} if self.pods is None else self.pods


@dataclass(slots=True)
class NodeHour:
    """What one life of a node offers in an hour; `free` is what nobody was charged for."""

    slice: spans.Slice
    node: NodeId
    cluster: str
    price_key: PriceKey
    seconds: int
    capacity: dict[Resource, int]
    reserved: dict[Resource, int]
    free: dict[Resource, int] = field(default_factory=dict)
    overcommitted: bool = False


@dataclass(slots=True)
class Charges:
    """Everything charged in a window, before prices."""

    all: list[Charge]
    nodes: list[NodeHour]


@dataclass(slots=True)
class PodCharge:
    """A pod's charge before a node that is asked for too much cuts it down, with what of it is requested."""

    charge: Charge
    base: dict[Resource, int]


class Charger:
    """Turns the things of a world into charges."""

    def __init__(self, world: model.World, slices: spans.Slices, book: rates.PriceBook) -> None:
        self._world = world
        self._slices = slices
        self._book = book
        self.ownership = ownership.Ownership(world)
        self._lives: dict[tuple[str, str], list[model.Node]] = defaultdict(list)
        for node in sorted(world.nodes, key=_node_id):
            self._lives[node.cluster, node.uid].append(node)

    def run(self) -> Charges:
        """Return every charge and every node-hour, in a stable order."""
        nodes = {(hour.node, hour.slice.span.start): hour for hour in self._node_hours()}
        by_node: dict[tuple[NodeId, datetime], list[PodCharge]] = defaultdict(list)
        charges: list[Charge] = []
        for taken in self._pod_charges():
            charges.append(taken.charge)
            if taken.charge.node is not None:
                by_node[taken.charge.node, taken.charge.slice.span.start].append(taken)
        for key, hour in nodes.items():
            _fit(hour, sorted(by_node[key], key=lambda one: (one.charge.pod, one.charge.span.start)))
        charges += [_reserved(hour) for hour in nodes.values()]
        for more in (self._volumes(), self._load_balancers(), self._network(), self._fees()):
            charges += more
        return Charges([one for one in charges if any(one.quantities.values())], list(nodes.values()))

    def _node_hours(self) -> Iterator[NodeHour]:
        for node in sorted(self._world.nodes, key=_node_id):
            key = self._book.node_key(node)
            for one, part in self._slices.touched(node.life):
                yield NodeHour(
                    slice=one,
                    node=_node_id(node),
                    cluster=node.cluster,
                    price_key=key,
                    seconds=part.seconds,
                    capacity={r: node.capacity.of(r) * part.seconds for r in NODE_RESOURCES},
                    reserved={r: (node.capacity.of(r) - node.allocatable.of(r)) * part.seconds for r in NODE_RESOURCES},
                )

    def _pod_charges(self) -> Iterator[PodCharge]:
        for segment in sorted(self._world.segments, key=lambda one: (one.cluster, one.uid, one.life)):
            for node, alive in self._on_nodes(segment):
                for one, within in self._slices.touched(alive):
                    for part, span, owner in self._owned(segment.cluster, segment.namespace, one, within):
                        base, charged = _requested_and_charged(segment, part)
                        charge = Charge(
                            slice=one,
                            span=span,
                            cluster=segment.cluster,
                            namespace=segment.namespace,
                            owner=owner,
                            kind=Kind.WORKLOAD,
                            price_key=self._book.node_key(node) if node else None,
                            quantities=charged,
                            pod=segment.uid,
                            node=_node_id(node) if node else None,
                        )
                        yield PodCharge(charge, base)

    def _on_nodes(self, segment: model.Segment) -> Iterator[tuple[model.Node | None, Period]]:
        """Yield the lives of its node that a pod lived through; a pod whose node was never seen has none."""
        if segment.node is None:
            yield None, segment.life
            return
        for node in self._lives[segment.cluster, segment.node]:
            shared = node.life.clip(segment.life)
            if shared is not None:
                yield node, shared

    def _owned(
        self, cluster: str, namespace: str, one: spans.Slice, within: Period
    ) -> Iterator[tuple[Period, Period, ownership.Owner]]:
        """Yield what of `within` falls into each part of the hour: that, the part itself, its owner."""
        for span, owner in self.ownership.parts(cluster, namespace, one.span):
            part = span.clip(within)
            if part is not None:
                yield part, span, owner

    def _volumes(self) -> Iterator[Charge]:
        last = _claims_by_volume(self._world)
        for volume in sorted(self._world.volumes, key=lambda one: (one.cluster, one.uid, one.life)):
            key = PriceKey("volume", "", volume.region, "", volume.storage_class)
            claims = last[volume.cluster, volume.uid]
            for namespace, held in _holders(claims, volume.life):
                for one, within in self._slices.touched(held):
                    for part, span, owner in self._places(volume.cluster, namespace, one, within):
                        yield Charge(
                            slice=one,
                            span=span,
                            cluster=volume.cluster,
                            namespace=namespace,
                            owner=owner,
                            kind=Kind.WORKLOAD if namespace else Kind.UNATTACHED,
                            price_key=key,
                            quantities={Resource.STORAGE: volume.capacity * part.seconds},
                            pods=_scaled(mount_shares(volume.mounts, part), volume.capacity),
                        )

    def _places(
        self, cluster: str, namespace: str | None, one: spans.Slice, within: Period
    ) -> Iterator[tuple[Period, Period, ownership.Owner]]:
        if namespace is None:
            return iter([(within, one.span, ownership.NOBODY)])
        return self._owned(cluster, namespace, one, within)

    def _load_balancers(self) -> Iterator[Charge]:
        for balancer in sorted(self._world.load_balancers, key=lambda one: (one.cluster, one.uid, one.life)):
            key = PriceKey("load_balancer", "", balancer.region)
            for one, within in self._slices.touched(balancer.life):
                for part, span, owner in self._owned(balancer.cluster, balancer.namespace, one, within):
                    if balancer.shared:
                        owner = ownership.Owner(owner.team, owner.project, shared=True)
                    yield Charge(
                        slice=one,
                        span=span,
                        cluster=balancer.cluster,
                        namespace=balancer.namespace,
                        owner=owner,
                        kind=Kind.WORKLOAD,
                        price_key=key,
                        quantities={Resource.LOAD_BALANCER: balancer.units * part.seconds},
                        pods=_pod_seconds(balancer, part),
                    )

    def _network(self) -> Iterator[Charge]:
        order = sorted(self._world.network, key=lambda one: (one.cluster, one.namespace or "", one.span))
        for sent in order:
            key = PriceKey("network", "", "", sent.traffic_class)
            for one, within in self._slices.touched(sent.span):
                for part, span, owner in self._places(sent.cluster, sent.namespace, one, within):
                    byte_count = _bytes_until(sent, part.end) - _bytes_until(sent, part.start)
                    yield Charge(
                        slice=one,
                        span=span,
                        cluster=sent.cluster,
                        namespace=sent.namespace,
                        owner=owner if sent.namespace else ownership.Owner(shared=True),
                        kind=Kind.WORKLOAD,
                        price_key=key,
                        quantities={Resource.NETWORK: byte_count},
                    )

    def _fees(self) -> Iterator[Charge]:
        lives = {cluster.id: cluster.life for cluster in self._world.clusters}
        for fee in sorted(self._world.fees, key=lambda one: (one.cluster, one.id, one.span)):
            span = fee.span.clip(lives[fee.cluster])
            for one, part in self._slices.touched(span) if span else ():
                yield Charge(
                    slice=one,
                    span=one.span,
                    cluster=fee.cluster,
                    namespace=None,
                    owner=ownership.Owner(shared=True),
                    kind=Kind.FEE,
                    price_key=rates.fee_key(fee),
                    quantities={Resource.FEE: rates.MILLI * part.seconds},
                )


def seconds_off_node(world: model.World) -> int:
    """Return the pod-seconds in the window that are not charged because their node did not live then."""
    lives: dict[tuple[str, str], list[Period]] = defaultdict(list)
    for node in world.nodes:
        lives[node.cluster, node.uid].append(node.life)
    missing = 0
    for segment in world.segments:
        within = segment.life.clip(world.window)
        if segment.node is not None and within is not None:
            parts = [life.clip(within) for life in lives[segment.cluster, segment.node]]
            missing += within.seconds - sum(part.seconds for part in parts if part is not None)
    return missing


def mount_shares(mounts: Sequence[model.PodSpan], span: Period) -> dict[str, Fraction]:
    """Split the seconds of a span among the pods that mount a claim: 1/n each while n of them do.

    Seconds in which no pod mounts it stand under pod "". The shares add up to the length of the span.
    """
    inside = [(mount.pod, part) for mount in mounts if (part := mount.span.clip(span)) is not None]
    cuts = sorted({span.start, span.end, *(edge for _, part in inside for edge in (part.start, part.end))})
    shares: dict[str, Fraction] = defaultdict(Fraction)
    for start, end in zip(cuts, cuts[1:], strict=False):
        present = sorted({pod for pod, part in inside if part.start <= start < part.end}) or [""]
        for pod in present:
            shares[pod] += Fraction(Period(start, end).seconds, len(present))
    return dict(shares)


def _node_id(node: model.Node) -> NodeId:
    return node.cluster, node.uid, node.life.start


def _requested_and_charged(segment: model.Segment, part: Period) -> tuple[dict[Resource, int], dict[Resource, int]]:
    """Return request × seconds, and the sum of max(request, usage) × seconds over the samples of a part."""
    base = {resource: segment.requests.of(resource) * part.seconds for resource in NODE_RESOURCES}
    charged = dict(base)
    first = max(0, bisect_right(segment.usage, part.start, key=lambda sample: sample.span.start) - 1)
    for sample in segment.usage[first:]:
        if sample.span.start >= part.end:
            break
        covered = sample.span.clip(part)
        if covered is None:
            continue
        for resource, used in ((Resource.CPU, sample.cpu), (Resource.MEMORY, sample.memory)):
            if used is not None:
                charged[resource] += max(0, used - segment.requests.of(resource)) * covered.seconds
    return base, charged


def _fit(hour: NodeHour, taken: list[PodCharge]) -> None:
    """Give pods no more than the node has beside what is reserved: usage above request yields first."""
    for resource in NODE_RESOURCES:
        room = hour.capacity[resource] - hour.reserved[resource]
        charged = [one.charge.quantities[resource] for one in taken]
        if sum(charged) > room:
            hour.overcommitted = True
            base = [one.base[resource] for one in taken]
            fitted = _squeezed(base, charged, room)
            for one, quantity, before in zip(taken, fitted, charged, strict=True):
                one.charge.quantities[resource] = quantity
                one.charge.overcommitted |= quantity < before
            charged = fitted
        hour.free[resource] = room - sum(charged)


def _squeezed(base: list[int], charged: list[int], room: int) -> list[int]:
    """Return quantities that add up to `room`: requests whole while they fit, then usage in proportion."""
    if sum(base) > room:
        return apportion.running(base, room)
    above = [full - own for own, full in zip(base, charged, strict=True)]
    return [own + more for own, more in zip(base, apportion.running(above, room - sum(base)), strict=True)]


def _reserved(hour: NodeHour) -> Charge:
    return Charge(
        slice=hour.slice,
        span=hour.slice.span,
        cluster=hour.cluster,
        namespace=None,
        owner=ownership.NOBODY,
        kind=Kind.RESERVED,
        price_key=hour.price_key,
        quantities=dict(hour.reserved),
    )


def _claims_by_volume(world: model.World) -> Mapping[tuple[str, str], list[model.Claim]]:
    """Return every claim a volume ever had, oldest first, over all its sizes."""
    claims: dict[tuple[str, str], list[model.Claim]] = defaultdict(list)
    for volume in world.volumes:
        claims[volume.cluster, volume.uid] += volume.claims
    for found in claims.values():
        found.sort(key=lambda claim: claim.span)
    return claims


def _holders(claims: Sequence[model.Claim], life: Period) -> Iterator[tuple[str | None, Period]]:
    """Yield who pays for a volume when: the claim's namespace, after it the last one, before any nobody."""
    starts = [claim.span.start for claim in claims]
    cuts = sorted({life.start, life.end, *(start for start in starts if life.start < start < life.end)})
    for start, end in zip(cuts, cuts[1:], strict=False):
        index = bisect_right(starts, start) - 1
        yield (claims[index].namespace if index >= 0 else None), Period(start, end)


def _scaled(seconds: Mapping[str, Fraction], capacity: int) -> dict[str, Fraction]:
    return {pod: share * capacity for pod, share in seconds.items()}


def _pod_seconds(balancer: model.LoadBalancer, part: Period) -> dict[str, Fraction]:
    """Weigh the pods behind a load balancer by their seconds there; its quantity when there are none."""
    weights: dict[str, Fraction] = defaultdict(Fraction)
    for one in balancer.pods:
        shared = one.span.clip(part)
        if shared is not None:
            weights[one.pod] += shared.seconds
    if not weights:
        return {"": Fraction(balancer.units * part.seconds)}
    whole = sum(weights.values(), Fraction(0))
    return {pod: weight / whole * balancer.units * part.seconds for pod, weight in weights.items()}


def _bytes_until(sent: model.Traffic, instant: datetime) -> int:
    """Return how many bytes were sent before an instant, so that parts of a span add up to the whole."""
    return sent.byte_count * Period(sent.span.start, instant).seconds // sent.span.seconds
