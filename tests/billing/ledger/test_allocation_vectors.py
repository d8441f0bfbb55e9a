"""The worked example (cost reference 3) and the vectors (18.1), to the digits printed there."""

from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

import pytest

from billing.ledger import allocation
from billing.ledger.allocation import apportion, efficiency
from billing.ledger.allocation.model import Kind, Resource, Result
from tests.billing.ledger import figures, vectors

NAMESPACES = ("alpha", "beta", "gamma", "kube-system")
CORE_HOUR = 1000 * 3600
GIB_HOUR = 2**30 * 3600


def printed(amount: Decimal, places: str = "0.000001") -> str:
    """Return an amount as the reference prints it."""
    return str(amount.quantize(Decimal(places)))


def example(grain: str) -> Result:
    return allocation.allocate(vectors.read(vectors.worked_example(grain)))


@pytest.mark.parametrize("grain", ["hour", "day"])
def test_direct_columns_of_the_worked_example(grain: str) -> None:
    result = example(grain)
    table: dict[str, tuple[object, ...]] = {}
    for namespace in NAMESPACES:
        own = figures.rows(result, kind=Kind.WORKLOAD, namespace=namespace)
        direct = figures.amount(own, Resource.STORAGE) + figures.amount(own, Resource.LOAD_BALANCER)
        table[namespace] = (
            Fraction(figures.quantity(own, Resource.CPU), CORE_HOUR),
            Fraction(figures.quantity(own, Resource.MEMORY), GIB_HOUR),
            printed(figures.amount(own, Resource.CPU)),
            printed(figures.amount(own, Resource.MEMORY)),
            printed(direct),
            printed(figures.cost(own)),
        )
    assert table == {
        "alpha": (24, 48, "0.749930", "0.201035", "0.731507", "1.682472"),
        "beta": (12, 24, "0.374965", "0.100517", "0.000000", "0.475483"),
        "gamma": (6, 12, "0.187483", "0.050259", "0.000000", "0.237741"),
        "kube-system": (12, 24, "0.374965", "0.100517", "0.000000", "0.475483"),
    }
    idle = figures.rows(result, kind=Kind.IDLE)
    assert Fraction(figures.quantity(idle, Resource.CPU), CORE_HOUR) == 42
    assert Fraction(figures.quantity(idle, Resource.MEMORY), GIB_HOUR) == 276
    assert printed(figures.amount(idle, Resource.CPU)) == "1.312378"
    assert printed(figures.amount(idle, Resource.MEMORY)) == "1.155950"
    assert printed(figures.cost(idle)) == "2.468328"
    assert printed(figures.cost(idle) / Decimal("4.608") * 100, "0.01") == "53.57"


def test_unit_prices_of_the_split_node() -> None:
    node = next(asset for asset in example("hour").assets if asset.price_key.asset == "node")
    cpu, memory = node.amounts[Resource.CPU], node.amounts[Resource.MEMORY]
    assert cpu is not None and memory is not None
    assert cpu + memory == Decimal("0.192")
    assert printed(cpu / 4, "0.0000001") == "0.0312471"
    assert printed(memory / 16, "0.00000001") == "0.00418822"


@pytest.mark.parametrize("grain", ["hour", "day"])
def test_assets_of_the_worked_example(grain: str) -> None:
    result = example(grain)
    costs: dict[str, Decimal] = defaultdict(Decimal)
    for asset in result.assets:
        costs[asset.price_key.asset] += figures.known(asset)
    assert {asset: printed(amount) for asset, amount in costs.items()} == {
        "node": "4.608000",
        "volume": "0.131507",
        "load_balancer": "0.600000",
        "fee": "2.400000",
    }
    assert printed(figures.cost(result.assets)) == "7.739507"
    figures.assert_conserved(result)


@pytest.mark.parametrize(
    ("grain", "idle_shares", "platform_shares", "totals", "cents"),
    [
        pytest.param(
            "day",
            {"alpha": "1.097035", "beta": "0.548517", "gamma": "0.274259", "kube-system": "0.548517"},
            "3.424000",
            {"alpha": "5.184146", "beta": "1.703574", "gamma": "0.851787"},
            {"alpha": "5.19", "beta": "1.70", "gamma": "0.85"},
            id="3.1 once for the day",
        ),
        pytest.param(
            "hour",
            {"alpha": "1.220561", "beta": "0.332346", "gamma": "0.305140", "kube-system": "0.610281"},
            "3.485763",
            {"alpha": "5.505009", "beta": "1.323944", "gamma": "0.910553"},
            {"alpha": "5.51", "beta": "1.32", "gamma": "0.91"},
            id="3.2 once per hour",
        ),
    ],
)
def test_shared_columns_of_the_worked_example(
    grain: str, idle_shares: dict[str, str], platform_shares: str, totals: dict[str, str], cents: dict[str, str]
) -> None:
    result = example(grain)
    given = {
        one: printed(figures.cost(figures.rows(result, kind=Kind.IDLE_SHARE, namespace=one))) for one in NAMESPACES
    }
    assert given == idle_shares
    received = [row for row in figures.rows(result, kind=Kind.PLATFORM_SHARE) if not row.shared]
    assert printed(figures.cost(received)) == platform_shares
    teams = figures.by(result, lambda row: row.team)
    assert {team: printed(amount) for team, amount in teams.items()} == totals
    assert sum(teams.values()) == figures.cost(result.assets)
    lines = {team or "": amount for team, amount in teams.items()}
    assert {team: str(amount) for team, amount in apportion.cents(lines).items()} == cents
    assert sum(apportion.cents(lines).values()) == Decimal("7.74")


def test_platform_shares_at_the_hour() -> None:
    result = example("hour")
    received = {
        one: printed(figures.cost(figures.rows(result, kind=Kind.PLATFORM_SHARE, namespace=one)))
        for one in ("alpha", "beta", "gamma")
    }
    assert received == {"alpha": "2.601976", "beta": "0.516116", "gamma": "0.367672"}


def test_rounding_team_by_team_would_lose_a_cent() -> None:
    teams = figures.by(example("day"), lambda row: row.team)
    assert sum(amount.quantize(Decimal("0.01")) for amount in teams.values()) == Decimal("7.73")


def test_averaging_before_the_maximum_gives_a_smaller_bill() -> None:
    written = vectors.worked_example("hour")
    written["segments"][1]["usage"] = [vectors.sample(0.8, 1.75)]
    own = figures.rows(allocation.allocate(vectors.read(written)), kind=Kind.WORKLOAD, namespace="beta")
    assert Fraction(figures.quantity(own, Resource.CPU), CORE_HOUR) == Fraction("9.6")
    assert Fraction(figures.quantity(own, Resource.MEMORY), GIB_HOUR) == 21
    assert printed(figures.cost(own)) == "0.387925"
    sampled = figures.rows(example("hour"), kind=Kind.WORKLOAD, namespace="beta")
    assert printed(figures.cost(sampled) / figures.cost(own) * 100 - 100, "0.1") == "22.6"


def test_efficiency_of_the_worked_example() -> None:
    world = vectors.read(vectors.worked_example("hour"))
    found = {one.namespace: one for one in efficiency.work_out(world, allocation.allocate(world).allocations)}
    table = {
        name: [printed((ratio.value or Decimal(0)) * 100, "0.01") for ratio in (one.cpu, one.memory, one.total)]
        for name, one in found.items()
        if one.total.state is efficiency.State.MEASURED
    }
    assert table == {"alpha": ["40.00", "75.00", "47.40"], "beta": ["160.00", "175.00", "163.17"]}
    assert found["gamma"].total == efficiency.Ratio(efficiency.State.NO_REQUEST)
    assert found["kube-system"].total == efficiency.Ratio(efficiency.State.UNKNOWN)


def test_efficiency_weighed_by_cost() -> None:
    ratios = {
        Resource.CPU: efficiency.ratio(500, 2000),
        Resource.MEMORY: efficiency.ratio(500_000_000, 1_000_000_000),
    }
    costs = {Resource.CPU: Decimal(20), Resource.MEMORY: Decimal(1)}
    total = efficiency.weighted(ratios, costs).value
    assert total is not None
    assert printed(total * 100, "1") == "26"


def test_a_node_of_35_splits_by_its_base_shares() -> None:
    written = vectors.twelve_containers(shared=[])
    written.update(
        clusters=[{"id": "c1"}],
        nodes=[{"cluster": "c1", "uid": "n1", "capacity": {"cpu": 1, "memory": vectors.GIB, "gpu": 1}}],
        segments=[],
        volumes=[],
        load_balancers=[],
        network=[],
        memberships=[],
        prices=[{"asset": "node", "price": 35, "unit": "hour"}],
        reference_prices={"cpu": 30, "memory": 30, "gpu": 10},
    )
    (node,) = allocation.allocate(vectors.read(written)).assets
    assert node.amounts == {Resource.CPU: 15, Resource.MEMORY: 15, Resource.GPU: 5}


def totals_by_name(result: Result) -> dict[str, str]:
    """Return the cost per namespace name, idle under its own."""
    sums = figures.by(result, lambda row: row.namespace_name or "idle")
    return {name: printed(amount, "0.0001") for name, amount in sums.items()}


def test_vector_1b_by_namespace() -> None:
    result = allocation.allocate(vectors.read(vectors.twelve_containers(shared=[])))
    assert totals_by_name(result) == {"ns1": "28.0000", "ns2": "36.0000", "ns3": "18.0000", "idle": "30.0000"}
    assert figures.cost(result.assets) == 112
    figures.assert_conserved(result)


def test_vector_1a_by_cluster() -> None:
    result = allocation.allocate(vectors.read(vectors.twelve_containers(shared=[])))
    sums = figures.by(result, lambda row: row.cluster if row.kind is Kind.WORKLOAD else "idle")
    assert sums == {"c1": 46, "c2": 36, "idle": 30}


def test_vectors_1a_and_1b_without_network() -> None:
    written = vectors.twelve_containers(shared=[])
    written["network"] = []
    result = allocation.allocate(vectors.read(written))
    assert figures.by(result, lambda row: row.namespace_name or "idle") == {
        "ns1": 25,
        "ns2": 30,
        "ns3": 15,
        "idle": 30,
    }
    assert figures.by(result, lambda row: row.cluster if row.namespace else "idle") == {
        "c1": 40,
        "c2": 30,
        "idle": 30,
    }


@pytest.mark.parametrize(
    ("shared", "rule", "expected"),
    [
        pytest.param(
            ["ns3"],
            {"sharing": "even", "sharing_scope": "all"},
            {"ns1": "37.0000", "ns2": "45.0000", "idle": "30.0000"},
            id="4a",
        ),
        pytest.param(
            ["ns3"],
            {"sharing": "weighted", "sharing_scope": "all"},
            {"ns1": "35.8750", "ns2": "46.1250", "idle": "30.0000"},
            id="4b",
        ),
        pytest.param(
            ["ns1"],
            {"idle": "weighted", "sharing": "weighted", "sharing_scope": "all"},
            {"ns2": "74.7708", "ns3": "37.2292"},
            id="6g",
        ),
    ],
)
@pytest.mark.parametrize("grain", ["hour", "day"])
def test_vectors_with_sharing(shared: list[str], rule: dict[str, str], expected: dict[str, str], grain: str) -> None:
    result = allocation.allocate(vectors.read({**vectors.twelve_containers(shared=shared, rule=rule), "grain": grain}))
    assert totals_by_name(result) == expected
    assert figures.cost(result.allocations) == 112
    figures.assert_conserved(result)


def test_vector_of_the_shared_claim() -> None:
    result = allocation.allocate(vectors.read(vectors.shared_claim()))
    parts = {share.pod: figures.known(share) / 24 for share in result.pods}
    assert parts == {
        "pod1": Decimal(14) / 24,
        "pod2": Decimal(5) / 24,
        "pod3": Decimal(2) / 24,
        "pod4": Decimal(3) / 24,
    }
    assert Fraction(14, 24) == Fraction(7, 12)
    assert figures.cost(result.pods) == figures.cost(result.allocations) == 24
