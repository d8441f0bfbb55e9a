"""The edge cases of the cost reference (part 4), one by one; their numbers stand in the names."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from billing.ledger import allocation, world
from billing.ledger.allocation.model import Kind, Resource, Result
from tests.billing.ledger import figures

GIB = 2**30
CORE_HOUR = 1000 * 3600
Json = dict[str, Any]


def at(clock: str, day: str = "2025-03-03") -> str:
    return f"{day}T{clock}Z" if clock.count(":") == 2 else f"{day}T{clock}:00Z"


def node(uid: str = "n1", **more: Any) -> Json:
    return {"cluster": "c1", "uid": uid, "capacity": {"cpu": 4, "memory": 4 * GIB}, **more}


def pod(uid: str = "p1", cpu: Any = 1, **more: Any) -> Json:
    """Return a pod of namespace ns1 that asks for CPU alone."""
    return {
        "cluster": "c1",
        "uid": uid,
        "namespace": "ns1",
        "node": "n1",
        "requests": {"cpu": cpu, "memory": 0},
        **more,
    }


def core(price: Any = 1, **more: Any) -> Json:
    return {"asset": "core", "price": price, "unit": "hour", **more}


MEMORY = {"asset": "memory", "price": 0, "unit": "hour"}
STORAGE = {"asset": "volume", "price": 1, "unit": "hour"}


def run(**written: Any) -> Result:
    """Allocate a world of two hours on one cluster; a core-hour costs 1 and memory nothing, unless told."""
    members = {
        "window": {"from": at("10:00"), "to": at("12:00")},
        "clusters": [{"id": "c1"}],
        "prices": [core(), MEMORY, STORAGE],
        **written,
    }
    result = allocation.allocate(world.parse(json.dumps(members)))
    figures.assert_conserved(result)
    return result


def costs(result: Result, kind: Kind = Kind.WORKLOAD) -> list[Decimal]:
    return [figures.known(row) for row in figures.rows(result, kind=kind)]


def test_1_a_pod_is_charged_by_the_second_and_clipped_to_the_window() -> None:
    result = run(
        nodes=[node()],
        segments=[
            {**pod("p1"), "from": at("11:30"), "to": at("11:45")},
            {**pod("p2"), "namespace": "ns2", "from": at("09:00"), "to": at("10:00:36")},
            {**pod("p3"), "namespace": "ns3", "from": at("11:59:24"), "to": at("13:00")},
        ],
    )
    assert figures.by(result, lambda row: row.namespace) == {
        "ns1": Decimal("0.25"),
        "ns2": Decimal("0.01"),
        "ns3": Decimal("0.01"),
        None: Decimal("7.73"),
    }


def test_3_a_pod_over_midnight_of_the_billing_zone_is_split_there() -> None:
    # Midnight in Kathmandu is 18:15 UTC
    result = run(
        time_zone="Asia/Kathmandu",
        window={"from": at("18:00"), "to": at("19:00")},
        nodes=[node()],
        segments=[pod()],
    )
    found = figures.rows(result, kind=Kind.WORKLOAD)
    assert [(row.hour.minute, row.span.start.minute, figures.known(row)) for row in found] == [
        (0, 0, Decimal("0.25")),
        (0, 15, Decimal("0.75")),
    ]
    assert len(figures.rows(result, kind=Kind.IDLE)) == 2
    assert len(result.assets) == 2


def test_4_and_22_and_23_namespaces_and_pods_are_kept_apart_by_uid_and_cluster() -> None:
    result = run(
        clusters=[{"id": "c1"}, {"id": "c2"}],
        namespaces=[
            {"cluster": "c1", "uid": "old", "name": "shop"},
            {"cluster": "c1", "uid": "new", "name": "shop"},
            {"cluster": "c2", "uid": "old", "name": "shop"},
        ],
        nodes=[node(), {**node(), "cluster": "c2"}],
        segments=[
            pod("p1", namespace="old", to=at("11:00")),
            pod("p2", namespace="new", **{"from": at("11:00")}),
            {**pod("p1", namespace="old"), "cluster": "c2"},
        ],
    )
    rows = figures.rows(result, kind=Kind.WORKLOAD)
    assert {(row.cluster, row.namespace, row.namespace_name) for row in rows} == {
        ("c1", "old", "shop"),
        ("c1", "new", "shop"),
        ("c2", "old", "shop"),
    }
    assert figures.by(result, lambda row: (row.cluster, row.namespace))["c1", "old"] == 1


def test_7_nothing_is_charged_after_the_end() -> None:
    result = run(nodes=[node()], segments=[pod(to=at("10:30"))])
    assert [row.hour.hour for row in figures.rows(result, kind=Kind.WORKLOAD)] == [10]
    assert costs(result) == [Decimal("0.5")]


def test_11_a_pod_without_request_is_charged_by_usage() -> None:
    result = run(nodes=[node()], segments=[pod(cpu=0, usage=[{"cpu": "0.25"}])])
    assert sum(costs(result)) == Decimal("0.5")


def test_12_the_maximum_is_taken_per_sample() -> None:
    usage = [
        {"cpu": 3, "from": at("10:00"), "to": at("10:30")},
        {"cpu": 0, "from": at("10:30"), "to": at("11:00")},
    ]
    assert costs(run(nodes=[node()], segments=[pod(usage=usage)])) == [2, 1]


def test_13_usage_above_request_is_cut_to_what_the_node_has() -> None:
    result = run(
        nodes=[node(to=at("11:00"))],
        segments=[
            pod("p1", 1, namespace="a", usage=[{"cpu": 4}]),
            pod("p2", 1, namespace="b", usage=[{"cpu": 2}]),
            pod("p3", 1, namespace="c"),
        ],
    )
    # 1 core is left above the requests, wanted 3 : 1
    sums = figures.by(result, lambda row: row.namespace)
    assert sums == {"a": Decimal("1.75"), "b": Decimal("1.25"), "c": 1}
    assert figures.cost(figures.rows(result, kind=Kind.IDLE)) == 0
    marked = {row.namespace: row.overcommitted for row in figures.rows(result, kind=Kind.WORKLOAD)}
    assert marked == {"a": True, "b": True, "c": False}
    assert all(asset.overcommitted for asset in result.assets)


def test_13_requests_above_the_node_are_cut_in_proportion() -> None:
    result = run(
        nodes=[node(to=at("11:00"))],
        segments=[pod("p1", 6, namespace="a", usage=[{"cpu": 8}]), pod("p2", 2, namespace="b")],
    )
    assert figures.by(result, lambda row: row.namespace) == {"a": 3, "b": 1}


def test_13_a_crowded_node_takes_nothing_from_an_empty_one_of_the_same_price() -> None:
    result = run(nodes=[node(), node("n2")], segments=[pod("p1", 1, usage=[{"cpu": 9}])])
    assert costs(result) == [4, 4]
    assert costs(result, Kind.IDLE) == [4, 4]


def test_14_capacity_is_priced_and_reserved_is_a_row_of_its_own() -> None:
    result = run(nodes=[node(allocatable={"cpu": "3.5"})], segments=[pod()])
    assert costs(result, Kind.RESERVED) == [Decimal("0.5")] * 2
    assert costs(result, Kind.IDLE) == [Decimal("2.5")] * 2
    assert all(row.namespace is None and row.team is None for row in figures.rows(result, kind=Kind.RESERVED))


def test_15_two_lives_of_a_node_each_have_their_price() -> None:
    result = run(
        nodes=[
            node(to=at("10:30"), instance_type="old"),
            node(**{"from": at("10:30"), "to": at("11:00")}, instance_type="new"),
        ],
        segments=[pod()],
        prices=[core(1, instance_type="old"), core(3, instance_type="new"), MEMORY],
    )
    rows = figures.rows(result, kind=Kind.WORKLOAD)
    assert {row.price_key.instance_type: figures.known(row) for row in rows if row.price_key} == {
        "old": Decimal("0.5"),
        "new": Decimal("1.5"),
    }


def test_15_a_pod_that_outlives_its_node_is_charged_while_the_node_lives_and_the_rest_is_told() -> None:
    members = {
        "window": {"from": at("10:00"), "to": at("12:00")},
        "clusters": [{"id": "c1"}],
        "nodes": [node(to=at("10:30"))],
        "segments": [pod()],
        "prices": [core(), MEMORY],
    }
    answer = json.loads(world.answer(json.dumps(members)))
    assert [row["amount"] for row in answer["allocations"] if row["kind"] == "workload"] == ["0.500000000000"]
    assert answer["totals"]["pod_seconds_off_node"] == 90 * 60


def test_16_a_running_machine_costs_and_is_idle_a_stopped_one_costs_nothing() -> None:
    result = run(nodes=[node(to=at("11:00"))], segments=[pod()])
    assert figures.cost(result.assets) == 4
    assert costs(result) == [1]
    assert costs(result, Kind.IDLE) == [3]


def test_20_a_move_inside_an_hour_cuts_the_row_at_that_instant() -> None:
    moved = at("10:20")
    result = run(
        nodes=[node()],
        segments=[pod(cpu=3)],
        memberships=[
            {"cluster": "c1", "namespace": "ns1", "project": "a", "to": moved},
            {"cluster": "c1", "namespace": "ns1", "project": "b", "from": moved},
        ],
        projects=[{"project": "a", "team": "red"}, {"project": "b", "team": "blue"}],
    )
    found: list[tuple[object, ...]] = [
        (row.team, row.project, row.span.start.strftime("%H:%M"), row.span.end.strftime("%H:%M"), figures.known(row))
        for row in figures.rows(result, kind=Kind.WORKLOAD)
    ]
    assert found == [
        ("red", "a", "10:00", "10:20", 1),
        ("blue", "b", "10:20", "11:00", 2),
        ("blue", "b", "11:00", "12:00", 3),
    ]


def test_20_a_project_that_changes_its_team_cuts_its_rows_too() -> None:
    result = run(
        nodes=[node()],
        segments=[pod(cpu=2)],
        memberships=[{"cluster": "c1", "namespace": "ns1", "project": "a"}],
        projects=[
            {"project": "a", "team": "red", "to": at("10:30")},
            {"project": "a", "team": "blue", "from": at("11:30")},
        ],
    )
    found: list[tuple[object, ...]] = [
        (row.team, row.project, figures.known(row)) for row in figures.rows(result, kind=Kind.WORKLOAD)
    ]
    assert found == [
        ("red", "a", 1),
        (None, "a", 1),
        (None, "a", 1),
        ("blue", "a", 1),
    ]


def test_21_a_namespace_in_no_project_is_unassigned() -> None:
    (first, *_) = figures.rows(run(nodes=[node()], segments=[pod()]), kind=Kind.WORKLOAD)
    assert (first.team, first.project, first.shared) == (None, None, False)


def test_24_a_price_changes_on_a_whole_hour_and_splits_no_row() -> None:
    change = at("11:00")
    result = run(nodes=[node()], segments=[pod()], prices=[core(1, to=change), core(2, **{"from": change}), MEMORY])
    assert costs(result) == [1, 2]


def test_26_without_a_price_the_quantity_stays_and_the_amount_is_unknown() -> None:
    result = run(nodes=[node(instance_type="new")], segments=[pod()], prices=[core(instance_type="old"), MEMORY])
    for row in result.allocations:
        assert row.amounts[Resource.CPU] is None
        assert row.amount is None
        assert row.quantities[Resource.CPU] > 0
    assert all(asset.amount is None for asset in result.assets)


def test_26_a_pod_whose_node_was_never_seen_is_unpriced() -> None:
    result = run(segments=[pod(node=None)])
    assert [(row.price_key, row.amount) for row in result.allocations] == [(None, None)] * 2
    assert figures.quantity(result.allocations, Resource.CPU) == 2 * CORE_HOUR


def test_26_one_unpriced_resource_leaves_the_row_without_total_but_keeps_the_others() -> None:
    (row, *_) = figures.rows(
        run(nodes=[node()], segments=[pod(requests={"cpu": 1, "memory": GIB})], prices=[core()]),
        kind=Kind.WORKLOAD,
    )
    assert row.amounts == {Resource.CPU: 1, Resource.MEMORY: None}
    assert row.amount is None


def test_30_a_volume_goes_to_the_last_claim_and_before_any_is_unattached() -> None:
    volume = {
        "cluster": "c1",
        "uid": "v1",
        "capacity": GIB,
        "claims": [{"namespace": "ns1", "from": at("10:15"), "to": at("11:00")}],
    }
    result = run(volumes=[volume])
    found = [(row.kind, row.namespace, figures.known(row)) for row in result.allocations]
    assert found == [
        (Kind.UNATTACHED, None, Decimal("0.25")),
        (Kind.WORKLOAD, "ns1", Decimal("0.75")),
        (Kind.WORKLOAD, "ns1", 1),
    ]


def test_31_a_claim_no_pod_mounts_is_paid_by_its_namespace() -> None:
    result = run(volumes=[{"cluster": "c1", "uid": "v1", "capacity": GIB, "claims": [{"namespace": "ns1"}]}])
    assert figures.by(result, lambda row: row.namespace) == {"ns1": 2}
    assert result.pods == ()


def test_32_seconds_without_a_mount_stand_beside_those_of_the_pods() -> None:
    mounts = [
        {"pod": "p1", "from": at("10:00"), "to": at("10:30")},
        {"pod": "p2", "from": at("10:15"), "to": at("10:45")},
    ]
    result = run(
        window={"from": at("10:00"), "to": at("11:00")},
        nodes=[node()],
        segments=[pod("p1", 0), pod("p2", 0)],
        volumes=[{"cluster": "c1", "uid": "v1", "capacity": GIB, "claims": [{"namespace": "ns1"}], "mounts": mounts}],
    )
    parts = {share.pod: figures.known(share) for share in result.pods}
    assert parts == {"p1": Decimal("0.375"), "p2": Decimal("0.375"), "": Decimal("0.25")}


def test_33_a_resized_volume_is_charged_per_size() -> None:
    resized = at("10:30")
    volume = {"cluster": "c1", "uid": "v1"}
    result = run(
        window={"from": at("10:00"), "to": at("11:00")},
        volumes=[
            {**volume, "capacity": GIB, "to": resized, "claims": [{"namespace": "ns1"}]},
            {**volume, "capacity": 3 * GIB, "from": resized},
        ],
        prices=[{**STORAGE, "price": "0.04"}],
    )
    # The claim of the first size lasts for ever, so the second size is its too
    assert figures.by(result, lambda row: row.namespace) == {"ns1": Decimal("0.08")}


def test_34_a_load_balancer_goes_to_its_namespace_and_that_of_an_ingress_is_shared() -> None:
    balancer = {"cluster": "c1", "namespace": "ns1", "units": 2}
    result = run(
        window={"from": at("10:00"), "to": at("11:00")},
        load_balancers=[{**balancer, "uid": "lb1"}, {**balancer, "uid": "lb2", "shared": True}],
        prices=[{"asset": "load_balancer", "price": "0.025", "unit": "hour"}],
    )
    assert [(row.shared, figures.known(row)) for row in result.allocations] == [
        (False, Decimal("0.05")),
        (True, Decimal("0.05")),
    ]


def test_34_pods_behind_a_load_balancer_share_it_by_their_seconds() -> None:
    behind = [{"pod": "p1"}, {"pod": "p2", "from": at("10:00"), "to": at("10:30")}]
    result = run(
        window={"from": at("10:00"), "to": at("11:00")},
        segments=[pod("p1", 0, node=None), pod("p2", 0, node=None)],
        load_balancers=[{"cluster": "c1", "uid": "lb", "namespace": "ns1", "pods": behind}],
        prices=[{"asset": "load_balancer", "price": 3, "unit": "hour"}],
    )
    assert {share.pod: figures.known(share) for share in result.pods} == {"p1": 2, "p2": 1}


def test_35_network_without_a_namespace_is_shared_never_nothing() -> None:
    sent = {"cluster": "c1", "class": "internet", "bytes": 3 * GIB, "from": at("10:00"), "to": at("12:00")}
    result = run(network=[sent], prices=[{"asset": "network", "class": "internet", "price": "0.12"}])
    assert [(row.shared, row.namespace, figures.known(row)) for row in result.allocations] == [
        (True, None, Decimal("0.18"))
    ] * 2


def test_35_bytes_of_the_parts_add_up_to_the_whole() -> None:
    sent = {
        "cluster": "c1",
        "namespace": "ns1",
        "class": "zone",
        "bytes": 1000,
        "from": at("10:00"),
        "to": at("13:00"),
    }
    result = run(network=[sent], window={"from": at("09:00"), "to": at("14:00")})
    assert [row.quantities[Resource.NETWORK] for row in result.allocations] == [333, 333, 334]


@pytest.mark.parametrize(
    ("day", "hours"), [("2025-03-30", 23), ("2025-10-26", 25), ("2025-06-01", 24)], ids=["23 h", "25 h", "24 h"]
)
@pytest.mark.parametrize("grain", ["hour", "day"])
def test_36_days_of_23_and_25_hours_are_exact(day: str, hours: int, grain: str) -> None:
    edges = {
        "2025-03-30": ("2025-03-29T23:00:00Z", "2025-03-30T22:00:00Z"),
        "2025-10-26": ("2025-10-25T22:00:00Z", "2025-10-26T23:00:00Z"),
        "2025-06-01": ("2025-05-31T22:00:00Z", "2025-06-01T22:00:00Z"),
    }
    first, last = edges[day]
    result = run(
        time_zone="Europe/Berlin",
        grain=grain,
        window={"from": first, "to": last},
        nodes=[node()],
        segments=[pod()],
        rules=[{"cluster": "c1", "idle": "weighted"}],
    )
    assert figures.cost(result.assets) == 4 * hours
    assert sum(costs(result)) == hours
    shares = [row for row in figures.rows(result, kind=Kind.IDLE_SHARE) if row.namespace]
    assert len(shares) == (1 if grain == "day" else hours)
    assert figures.cost(shares) == 3 * hours
    if grain == "day":
        assert (shares[0].span.start, shares[0].span.end) == (
            datetime.fromisoformat(first).astimezone(UTC),
            datetime.fromisoformat(last).astimezone(UTC),
        )


@pytest.mark.parametrize(
    ("month", "hours", "zone"),
    [
        ("2025-02", 672, "UTC"),
        ("2025-03", 743, "Europe/Berlin"),
        ("2025-04", 720, "UTC"),
        ("2025-10", 745, "Europe/Berlin"),
        ("2025-12", 744, "UTC"),
    ],
)
def test_36_and_37_a_fixed_month_is_spread_over_its_real_hours_a_rate_over_730(
    month: str, hours: int, zone: str
) -> None:
    fees = [
        {"cluster": "c1", "id": "fixed", "amount": hours, "unit": "calendar_month"},
        {"cluster": "c1", "id": "rate", "amount": 730, "unit": "month"},
    ]
    result = run(
        time_zone=zone,
        window={"from": at("10:00", f"{month}-10"), "to": at("11:00", f"{month}-10")},
        fees=fees,
    )
    assert costs(result, Kind.FEE) == [1, 1]
    assert all(row.shared for row in result.allocations)


def test_36_a_whole_month_of_a_fixed_amount_is_the_amount() -> None:
    result = run(
        window={"from": "2025-02-01T00:00:00Z", "to": "2025-03-01T00:00:00Z"},
        fees=[{"cluster": "c1", "amount": 100, "unit": "calendar_month"}],
    )
    assert abs(figures.cost(result.assets) - 100) < Decimal("1E-9")


def test_39_idle_nobody_can_receive_becomes_undistributed_and_stays_visible() -> None:
    result = run(
        window={"from": at("10:00"), "to": at("11:00")},
        nodes=[node(capacity={"cpu": 4, "memory": GIB, "gpu": 1})],
        segments=[pod()],
        prices=[core(), MEMORY, {"asset": "gpu", "price": 5, "unit": "hour"}],
        rules=[{"cluster": "c1", "idle": "weighted"}],
    )
    assert figures.amount(figures.rows(result, kind=Kind.IDLE), Resource.GPU) == 5
    (left,) = figures.rows(result, kind=Kind.UNDISTRIBUTED)
    assert left.amounts == {Resource.GPU: 5}
    assert figures.by(result, lambda row: row.namespace) == {"ns1": 4, None: 5}


def test_39_a_platform_nobody_uses_stays_undistributed() -> None:
    result = run(
        window={"from": at("10:00"), "to": at("11:00")},
        nodes=[node()],
        segments=[pod(namespace="kube-system")],
        fees=[{"cluster": "c1", "amount": 2, "unit": "hour"}],
        rules=[{"cluster": "c1", "idle": "weighted", "sharing": "weighted"}],
    )
    assert figures.by(result, lambda row: (row.kind, row.shared)) == {
        (Kind.WORKLOAD, True): 1,
        (Kind.IDLE, False): 3,
        (Kind.IDLE_SHARE, False): -3,
        (Kind.IDLE_SHARE, True): 3,
        (Kind.FEE, True): 2,
        (Kind.PLATFORM_SHARE, True): -6,
        (Kind.UNDISTRIBUTED, False): 6,
    }


def test_43_and_8_rounding_is_half_up_once_per_row() -> None:
    # 1 core-second at 0.0000000018 costs 5E-13 exactly; two pods of one namespace are added before they are rounded
    tiny = core("0.0000000018")
    one = {"from": at("10:00:00"), "to": at("10:00:01")}
    apart = run(nodes=[node()], segments=[pod("p1", **one), pod("p2", namespace="ns2", **one)], prices=[tiny, MEMORY])
    assert costs(apart) == [Decimal("1E-12"), Decimal("1E-12")]
    together = run(nodes=[node()], segments=[pod("p1", **one), pod("p2", **one)], prices=[tiny, MEMORY])
    assert costs(together) == [Decimal("1E-12")]
    assert sorted(figures.known(share) for share in together.pods) == [0, Decimal("1E-12")]


def test_48_static_pods_are_shared_by_rule_and_the_rule_cuts_the_hour() -> None:
    shared = [{"cluster": "c1", "namespace": "agents", "from": at("10:30")}]
    result = run(
        namespaces=[{"cluster": "c1", "uid": "u1", "name": "agents"}],
        nodes=[node()],
        segments=[pod(namespace="u1")],
        shared=shared,
    )
    assert [(row.shared, figures.known(row)) for row in figures.rows(result, kind=Kind.WORKLOAD)] == [
        (False, Decimal("0.5")),
        (True, Decimal("0.5")),
        (True, 1),
    ]


def test_48_without_a_list_the_namespaces_of_kubernetes_are_shared() -> None:
    result = run(nodes=[node()], segments=[pod(namespace="kube-system"), pod("p2")])
    assert {row.namespace: row.shared for row in figures.rows(result, kind=Kind.WORKLOAD)} == {
        "kube-system": True,
        "ns1": False,
    }


def test_idle_within_a_node_goes_to_those_on_it() -> None:
    def shares(scope: str) -> dict[str | None, Decimal]:
        result = run(
            window={"from": at("10:00"), "to": at("11:00")},
            nodes=[node(), node("n2")],
            segments=[pod("p1", 1, namespace="a"), pod("p2", 3, namespace="b", node="n2")],
            rules=[{"cluster": "c1", "idle": "weighted", "idle_scope": scope}],
        )
        given = [row for row in figures.rows(result, kind=Kind.IDLE_SHARE) if row.namespace]
        return {row.namespace: figures.known(row) for row in given}

    assert shares("node") == {"a": 3, "b": 1}
    assert shares("cluster") == {"a": 1, "b": 3}


def test_rules_are_dated() -> None:
    result = run(
        nodes=[node()],
        segments=[pod()],
        rules=[{"cluster": "c1", "idle": "weighted", "from": at("11:00")}],
    )
    assert {row.hour.hour for row in figures.rows(result, kind=Kind.IDLE_SHARE)} == {11}


def test_unattached_and_reserved_take_no_part_in_sharing() -> None:
    result = run(
        window={"from": at("10:00"), "to": at("11:00")},
        nodes=[node(allocatable={"cpu": 2})],
        segments=[pod()],
        volumes=[{"cluster": "c1", "uid": "v1", "capacity": GIB}],
        fees=[{"cluster": "c1", "amount": 2, "unit": "hour"}],
        rules=[{"cluster": "c1", "idle": "weighted", "sharing": "even"}],
    )
    assert figures.by(result, lambda row: row.namespace or row.kind.value)["ns1"] == 1 + 1 + 2
    assert costs(result, Kind.RESERVED) == [2]
    assert costs(result, Kind.UNATTACHED) == [1]


def test_even_sharing_counts_teams_not_namespaces() -> None:
    result = run(
        window={"from": at("10:00"), "to": at("11:00")},
        nodes=[node()],
        segments=[pod("p1", namespace="a"), pod("p2", namespace="b"), pod("p3", namespace="c")],
        memberships=[{"cluster": "c1", "namespace": one, "project": one} for one in "abc"],
        projects=[
            {"project": "a", "team": "red"},
            {"project": "b", "team": "red"},
            {"project": "c", "team": "blue"},
        ],
        fees=[{"cluster": "c1", "amount": 4, "unit": "hour"}],
        rules=[{"cluster": "c1", "sharing": "even"}],
    )
    received = [row for row in figures.rows(result, kind=Kind.PLATFORM_SHARE) if not row.shared]
    assert {row.namespace: figures.known(row) for row in received} == {"a": 1, "b": 1, "c": 2}


@pytest.mark.parametrize(
    ("prices", "cost"),
    [
        pytest.param([("node", 8, {})], 8, id="whole node"),
        pytest.param([("node", 8, {}), ("node", 9, {"class": "spot"})], 9, id="class beats default"),
        pytest.param([("node", 9, {"class": "spot"}), ("node", 10, {"region": "north"})], 10, id="region beats class"),
        pytest.param(
            [("node", 10, {"region": "north"}), ("node", 11, {"instance_type": "big"})], 11, id="type beats region"
        ),
        pytest.param(
            [("node", 11, {"instance_type": "big"}), ("node", 12, {"provider_id": "i-1"})], 12, id="own rate first"
        ),
        pytest.param([("node", 8, {}), ("core", 5, {})], 8, id="whole node beats its parts"),
        pytest.param(
            [("node", 8, {}), ("core", 5, {"instance_type": "big"})], 20, id="closer part beats the whole node"
        ),
        pytest.param([("node", 8, {"region": "south"}), ("core", 5, {})], 20, id="another region does not fit"),
        pytest.param([("node", 8, {"clusters": ["c2"]}), ("core", 5, {})], 20, id="another cluster's book"),
    ],
)
def test_price_match(prices: list[tuple[str, int, Json]], cost: int) -> None:
    machine = node(instance_type="big", region="north", provider_id="i-1", **{"class": "spot"})
    result = run(
        window={"from": at("10:00"), "to": at("11:00")},
        clusters=[{"id": "c1"}, {"id": "c2"}],
        nodes=[machine],
        prices=[MEMORY, *({"asset": asset, "price": price, "unit": "hour", **m} for asset, price, m in prices)],
    )
    assert figures.cost(result.assets) == cost


def test_a_whole_price_is_met_exactly_with_gpus_and_thirds() -> None:
    result = run(
        window={"from": at("10:00"), "to": at("10:47:11")},
        nodes=[node(capacity={"cpu": 3, "memory": 7 * GIB + 1, "gpu": 1})],
        segments=[pod(requests={"cpu": "0.333", "memory": 12345, "gpu": "0.5"})],
        prices=[{"asset": "node", "price": 1000, "unit": "month"}],
    )
    seconds = 47 * 60 + 11
    whole = (Decimal(1000) * seconds / (730 * 3600)).quantize(Decimal("1E-12"), "ROUND_HALF_UP")
    assert figures.cost(result.assets) == whole
