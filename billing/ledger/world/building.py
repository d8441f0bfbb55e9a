"""From read members to the dataclasses of the allocation."""

from collections.abc import Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from billing.ledger.allocation import model
from portal.core.periods import Period

Members = Mapping[str, Any]


def span(entry: Members, default: Period = model.ALWAYS) -> Period:
    """Return [from, to) of an entry; what it leaves out comes from the default."""
    return Period(entry["from"] or default.start, entry["to"] or default.end)


def build(world: Members, zone: ZoneInfo) -> model.World:
    """Build a world whose members have been read and checked."""
    reference = world["reference_prices"]
    shared = world["shared"]
    return model.World(
        window=span(world["window"]),
        clusters=tuple(model.Cluster(one["id"], span(one)) for one in world["clusters"]),
        currency=world["currency"],
        zone=zone,
        grain=model.Grain(world["grain"]),
        namespaces=tuple(model.Namespace(**one) for one in world["namespaces"]),
        nodes=tuple(_node(one) for one in world["nodes"]),
        segments=tuple(_segment(one) for one in world["segments"]),
        volumes=tuple(_volume(one) for one in world["volumes"]),
        load_balancers=tuple(_load_balancer(one) for one in world["load_balancers"]),
        network=tuple(_traffic(one) for one in world["network"]),
        fees=tuple(_fee(one) for one in world["fees"]),
        prices=tuple(_price(one) for one in world["prices"]),
        reference_prices=model.ReferencePrices(**reference) if reference else model.ReferencePrices(),
        memberships=tuple(
            model.Membership(one["cluster"], one["namespace"], one["project"], span(one))
            for one in world["memberships"]
        ),
        projects=tuple(model.ProjectOwner(one["project"], one["team"], span(one)) for one in world["projects"]),
        shared=None
        if shared is None
        else tuple(model.SharedNamespace(one["cluster"], one["namespace"], span(one)) for one in shared),
        rules=tuple(_rule(one) for one in world["rules"]),
    )


def _node(one: Members) -> model.Node:
    capacity = one["capacity"]
    allocatable = {name: size for name, size in (one["allocatable"] or {}).items() if size is not None}
    return model.Node(
        cluster=one["cluster"],
        uid=one["uid"],
        life=span(one),
        capacity=model.Amounts(**capacity),
        allocatable=model.Amounts(**{**capacity, **allocatable}),
        instance_type=one["instance_type"],
        region=one["region"],
        capacity_class=one["class"],
        provider_id=one["provider_id"],
    )


def _segment(one: Members) -> model.Segment:
    life = span(one)
    samples = (model.Sample(span(sample, life), sample["cpu"], sample["memory"]) for sample in one["usage"])
    return model.Segment(
        cluster=one["cluster"],
        uid=one["uid"],
        namespace=one["namespace"],
        life=life,
        requests=model.Amounts(**one["requests"]),
        node=one["node"],
        usage=tuple(sorted(samples, key=lambda sample: sample.span)),
    )


def _pod_spans(entries: Iterable[Members]) -> tuple[model.PodSpan, ...]:
    return tuple(model.PodSpan(one["pod"], span(one)) for one in entries)


def _volume(one: Members) -> model.Volume:
    return model.Volume(
        cluster=one["cluster"],
        uid=one["uid"],
        life=span(one),
        capacity=one["capacity"],
        storage_class=one["storage_class"],
        region=one["region"],
        claims=tuple(model.Claim(claim["namespace"], span(claim)) for claim in one["claims"]),
        mounts=_pod_spans(one["mounts"]),
    )


def _load_balancer(one: Members) -> model.LoadBalancer:
    return model.LoadBalancer(
        cluster=one["cluster"],
        uid=one["uid"],
        namespace=one["namespace"],
        life=span(one),
        units=one["units"],
        region=one["region"],
        shared=one["shared"],
        pods=_pod_spans(one["pods"]),
    )


def _traffic(one: Members) -> model.Traffic:
    return model.Traffic(one["cluster"], one["namespace"], one["class"], one["bytes"], span(one))


def _fee(one: Members) -> model.Fee:
    return model.Fee(one["cluster"], one["id"], one["amount"], model.Unit(one["unit"]), span(one))


def _price(one: Members) -> model.Price:
    return model.Price(
        asset=one["asset"],
        amount=one["price"],
        unit=model.Unit(one["unit"] or model.Unit.HOUR),
        span=span(one),
        instance_type=one["instance_type"],
        region=one["region"],
        capacity_class=one["class"],
        storage_class=one["storage_class"],
        provider_id=one["provider_id"],
        clusters=frozenset(one["clusters"]),
    )


def _rule(one: Members) -> model.Rule:
    return model.Rule(
        cluster=one["cluster"],
        idle=model.IdlePolicy(one["idle"]),
        idle_scope=model.IdleScope(one["idle_scope"]),
        sharing=model.Sharing(one["sharing"]),
        sharing_scope=model.SharingScope(one["sharing_scope"]),
        span=span(one),
    )
