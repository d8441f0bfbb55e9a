"""Worlds written as JSON: what is refused, with which path, and what the JSON Schema says."""

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import jsonschema
import pytest

from billing.ledger import world
from billing.ledger.allocation import model
from tests.billing.ledger import vectors, worlds

Json = dict[str, Any]
GIB = 2**30


def small() -> Json:
    """Return a world with one entry in every list."""
    span = {"from": "2025-03-03T10:00:00Z", "to": "2025-03-03T12:00:00Z"}
    return {
        "window": dict(span),
        "clusters": [{"id": "c1"}],
        "namespaces": [{"cluster": "c1", "uid": "u1", "name": "shop"}],
        "nodes": [{"cluster": "c1", "uid": "n1", "capacity": {"cpu": 4, "memory": GIB}, "allocatable": {"cpu": 3}}],
        "segments": [
            {
                "cluster": "c1",
                "uid": "p1",
                "namespace": "u1",
                "node": "n1",
                **span,
                "requests": {"cpu": 1, "memory": 1},
                "usage": [{"from": "2025-03-03T10:00:00Z", "to": "2025-03-03T11:00:00Z", "cpu": 2}],
            }
        ],
        "volumes": [
            {
                "cluster": "c1",
                "uid": "v1",
                "capacity": GIB,
                "claims": [{"namespace": "u1"}],
                "mounts": [{"pod": "p1"}],
            }
        ],
        "load_balancers": [{"cluster": "c1", "uid": "lb1", "namespace": "u1", "pods": [{"pod": "p1"}]}],
        "network": [{"cluster": "c1", "class": "zone", "bytes": 1, **span}],
        "fees": [{"cluster": "c1", "amount": 1, "unit": "hour"}],
        "prices": [{"asset": "core", "price": "0.03", "unit": "hour"}, {"asset": "network", "price": "0.01"}],
        "reference_prices": {"cpu": 9, "memory": 1},
        "memberships": [{"cluster": "c1", "namespace": "u1", "project": "web"}],
        "projects": [{"project": "web", "team": "red"}],
        "shared": [{"cluster": "c1", "namespace": "kube-system"}],
        "rules": [{"cluster": "c1", "idle": "weighted"}],
    }


def refused(text: str) -> list[tuple[str, str]]:
    with pytest.raises(world.WorldError) as error:
        world.parse(text)
    return [(fault.path, fault.message) for fault in error.value.faults]


def changed(path: str, value: Any) -> str:
    """Return the small world with one member set (or, for None at the end of a path in brackets, removed)."""
    written: Any = copy.deepcopy(small())
    *way, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    at = written
    for part in way:
        at = at[part]
    if value is GONE:
        del at[last]
    elif isinstance(at, list) and last == len(at):
        at.append(value)
    else:
        at[last] = value
    return json.dumps(written)


GONE = object()
FEE = {"cluster": "c1", "amount": 1, "unit": "hour"}
NODE = {"cluster": "c1", "uid": "n1", "capacity": {"cpu": 1, "memory": 1}}
POD = {"cluster": "c1", "uid": "p1", "namespace": "u2", "from": "2025-03-03T11:00:00Z"}


@pytest.mark.parametrize(
    ("path", "value", "fault", "message"),
    [
        ("segments/0/requests/cpu", "two", "segments[0].requests.cpu", "not a number"),
        ("segments/0/requests/cpu", True, "segments[0].requests.cpu", "not a number"),
        ("segments/0/requests/cpu", None, "segments[0].requests.cpu", "not a number"),
        ("segments/0/requests/cpu", -1, "segments[0].requests.cpu", "negative"),
        ("segments/0/requests/cpu", 0.0001, "segments[0].requests.cpu", "more than 3 decimal places"),
        ("segments/0/requests/cpu", 5000, "segments[0].requests.cpu", "more than 4096"),
        ("segments/0/requests/cpu", float("nan"), "segments[0].requests.cpu", "NaN is not a number"),
        ("segments/0/requests/memory", float("inf"), "segments[0].requests.memory", "Infinity is not a number"),
        ("segments/0/requests/memory", 1.5, "segments[0].requests.memory", "not a whole number"),
        ("segments/0/requests/memory", "1Gi", "segments[0].requests.memory", "not a number"),
        ("segments/0/requests", [], "segments[0].requests", "not an object"),
        ("segments/0/requests/cpus", 1, "segments[0].requests.cpus", "unknown; meant is cpu?"),
        ("segments/0/uid", GONE, "segments[0].uid", "missing"),
        ("segments/0/uid", "", "segments[0].uid", "empty"),
        ("segments/0/uid", 7, "segments[0].uid", "not a text"),
        ("segments/0/uid", "x" * 254, "segments[0].uid", "longer than 253 characters"),
        ("segments/0/to", "2025-03-03T10:00:00Z", "segments[0].to", "not after from"),
        ("segments/0/from", "2025-03-03", "segments[0].from", "not an instant"),
        ("segments/0/from", "2025-03-03T10:00:00.5Z", "segments[0].from", "not an instant"),
        ("segments/0/from", "2025-03-03T10:00:00", "segments[0].from", "not an instant"),
        ("segments/0/from", "2025-02-30T10:00:00Z", "segments[0].from", "no such instant"),
        ("segments/0/node", "n2", "segments[0].node", "no such node in the cluster"),
        ("fees/0/cluster", "c2", "fees[0].cluster", "no such cluster"),
        ("segments/0/usage/0/to", "2025-03-03T13:00:00Z", "segments[0].usage[0]", "not inside its segment"),
        ("segments/0/usage/1", {"cpu": 1}, "segments[0].usage[1]", "overlaps segments[0].usage[0]"),
        ("segments/0/usage/0/cpu", "fast", "segments[0].usage[0].cpu", "not a number"),
        ("segments/1", POD, "segments[1]", "overlaps segments[0]"),
        ("nodes/1", NODE, "nodes[1]", "overlaps nodes[0]"),
        ("nodes/0/capacity/memory", 0, "nodes[0].capacity.memory", "must be more than 0"),
        ("nodes/0/allocatable/cpu", 5, "nodes[0].allocatable.cpu", "more than the capacity"),
        ("nodes/0/class", "cheap", "nodes[0].class", "not one of on_demand, spot, committed"),
        ("volumes/0/capacity", GONE, "volumes[0].capacity", "missing"),
        ("volumes/0/claims/1", {"namespace": "u2"}, "volumes[0].claims[1]", "overlaps volumes[0].claims[0]"),
        ("volumes/0/mounts/0/pod", "p9", "volumes[0].mounts[0].pod", "no such pod"),
        ("load_balancers/0/pods/0/pod", "p9", "load_balancers[0].pods[0].pod", "no such pod"),
        ("load_balancers/0/shared", "yes", "load_balancers[0].shared", "neither true nor false"),
        ("network/0/bytes", -5, "network[0].bytes", "negative"),
        ("network/0/from", GONE, "network[0].from", "missing"),
        ("fees/0/from", "2025-03-03T10:30:00Z", "fees[0].from", "not a whole hour (UTC)"),
        ("fees/1", FEE, "fees[1]", "overlaps fees[0]"),
        ("prices/0/unit", GONE, "prices[0].unit", "missing: hour or month"),
        ("prices/1/unit", "hour", "prices[1].unit", "a price per GiB sent has none"),
        ("prices/0/price", "0.1234567890123", "prices[0].price", "not a number"),
        ("prices/0/price", 1e-13, "prices[0].price", "more than 12 decimal places"),
        ("prices/0/price", 10**13, "prices[0].price", "more than 1000000000000"),
        ("prices/0/to", "2025-03-03T10:00:01+01:00", "prices[0].to", "not a whole hour (UTC)"),
        ("prices/0/clusters", ["c9"], "prices[0].clusters[0]", "no such cluster"),
        (
            "prices/2",
            {"asset": "core", "price": 1, "unit": "month", "clusters": ["c1"]},
            "prices[2]",
            "overlaps prices[0]",
        ),
        ("reference_prices/cpu", 0, "reference_prices.cpu", "must be more than 0"),
        (
            "memberships/1",
            {"cluster": "c1", "namespace": "u1", "project": "db"},
            "memberships[1]",
            "overlaps memberships[0]",
        ),
        ("projects/1", {"project": "web", "team": "blue"}, "projects[1]", "overlaps projects[0]"),
        ("rules/0/from", "2025-03-03T10:00:30Z", "rules[0].from", "not a whole hour (UTC)"),
        ("rules/0/idle", "hide", "rules[0].idle", "not one of apart, weighted"),
        ("rules/1", {"cluster": "c1"}, "rules[1]", "overlaps rules[0]"),
        ("clusters", [], "clusters", "needs at least 1"),
        ("clusters/1", {"id": "c1"}, "clusters[1].id", "the same as clusters[0]"),
        (
            "namespaces/1",
            {"cluster": "c1", "uid": "u1", "name": "b"},
            "namespaces[1].uid",
            "the same as namespaces[0]",
        ),
        ("window", GONE, "window", "missing"),
        ("window/to", "2025-03-03T10:00:00Z", "window.to", "not after from"),
        ("window/to", "2027-03-03T10:00:00Z", "window", "longer than 400 days"),
        ("window/to", None, "window.to", "not an instant"),
        ("currency", "dollars", "currency", "not a code of three capital letters"),
        ("grain", "week", "grain", "not one of hour, day"),
        ("time_zone", "Mars/Olympus", "time_zone", "no such time zone"),
        ("time_zone", "../../etc/passwd", "time_zone", "no such time zone"),
        ("segment", [], "segment", "unknown; meant is segments?"),
        ("segments", {}, "segments", "not a list"),
    ],
)
def test_a_bad_world_is_refused_with_the_path_of_the_fault(path: str, value: Any, fault: str, message: str) -> None:
    faults = refused(changed(path, value))
    assert [(one, text[: len(message)]) for one, text in faults] == [(fault, message)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON: line 1, column 1"),
        ('{"window": ', "not JSON: line 1"),
        ("[]", "not an object"),
        ("[" * 100_000, "not JSON: nested too deeply"),
        ('{"window": ' + "9" * 5000 + "}", "not JSON: "),
        ('{"window": 1, "window": 2}', "not JSON: 'window' stands twice"),
    ],
)
def test_a_text_that_is_no_world_at_all(text: str, message: str) -> None:
    ((path, found),) = refused(text)
    assert path == ""
    assert found.startswith(message)


def test_all_faults_are_told_at_once_up_to_a_limit() -> None:
    written = small()
    written["fees"] = [{"cluster": "c1", "amount": "x", "unit": "hour"} for _ in range(80)]
    faults = refused(json.dumps(written))
    assert len(faults) == 50
    assert faults[0] == ("fees[0].amount", "not a number")
    assert faults[49] == ("fees[49].amount", "not a number")


def test_numbers_are_read_exactly_whether_written_as_number_or_text() -> None:
    as_number = changed("prices/0/price", 0).replace('"price": 0', '"price": 0.031611')
    as_text = changed("prices/0/price", "0.031611")
    assert world.parse(as_number) == world.parse(as_text)
    assert world.parse(as_number).prices[0].amount == Decimal("0.031611")


def test_what_is_left_out_has_its_default() -> None:
    read = world.parse(json.dumps({"window": small()["window"], "clusters": [{"id": "c1"}]}))
    assert read == model.World(window=read.window, clusters=(model.Cluster("c1"),))
    assert read.window.start == datetime(2025, 3, 3, 10, tzinfo=UTC)


def test_units_become_the_smallest_parts() -> None:
    read = world.parse(changed("segments/0/requests/cpu", "0.25"))
    assert read.segments[0].requests == model.Amounts(cpu=250, memory=1, gpu=0)
    assert read.nodes[0].capacity == model.Amounts(cpu=4000, memory=GIB, gpu=0)
    assert read.nodes[0].allocatable == model.Amounts(cpu=3000, memory=GIB, gpu=0)


def test_instants_of_any_offset_are_the_same_instant() -> None:
    there = changed("segments/0/from", "2025-03-03T11:00:00+01:00")
    assert world.parse(there) == world.parse(json.dumps(small()))


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(small, id="small"),
        pytest.param(lambda: vectors.worked_example("day"), id="worked example"),
        pytest.param(lambda: vectors.twelve_containers(shared=["ns1"], rule={"idle": "weighted"}), id="twelve"),
        pytest.param(vectors.shared_claim, id="shared claim"),
        *(pytest.param(lambda seed=seed: worlds.make(seed), id=f"random {seed}") for seed in range(5)),
    ],
)
def test_the_schema_accepts_what_the_reader_accepts(make: Callable[[], Json]) -> None:
    validator = jsonschema.Draft202012Validator(world.schema())
    written = json.loads(json.dumps(make()))
    assert [error.message for error in validator.iter_errors(written)] == []
    world.parse(json.dumps(written))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("segments/0/requests/cpu", "two"),
        ("segments/0/requests/cpu", -1),
        ("segments/0/requests/cpus", 1),
        ("segments/0/uid", GONE),
        ("segments/0/from", "2025-03-03"),
        ("nodes/0/capacity/memory", 0),
        ("rules/0/idle", "hide"),
        ("clusters", []),
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(path: str, value: Any) -> None:
    validator = jsonschema.Draft202012Validator(world.schema())
    assert not validator.is_valid(json.loads(changed(path, value)))


def test_the_schema_is_valid_and_describes_every_member() -> None:
    schema = world.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    undescribed: list[str] = []

    def walk(shape: Json, path: str) -> None:
        if path and not shape.get("description"):
            undescribed.append(path)
        for name, member in shape.get("properties", {}).items():
            walk(member, f"{path}.{name}")
        if "items" in shape:
            walk(shape["items"], f"{path}[]")

    walk(schema, "")
    assert undescribed == []
    assert schema["properties"]["segments"]["items"]["properties"]["requests"]["properties"]["cpu"]["x-unit"] == "core"
