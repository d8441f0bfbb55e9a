"""Names and amounts of resources, what events say, and the trend."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusters.quotas import refusals, resources, trend
from clusters.quotas.resources import BadAmount, UnknownResource


@pytest.mark.parametrize(
    ("typed", "quantity", "name", "amount"),
    [
        ("cpu", "1500m", "requests.cpu", 1500),
        ("limits.cpu", "2", "limits.cpu", 2000),
        ("requests.cpu", "0.0001", "requests.cpu", 1),
        ("memory", "1.5Gi", "requests.memory", 1536 * 1024**2),
        ("requests.nvidia.com/gpu", "2", "requests.nvidia.com/gpu", 2),
        ("gold.storageclass.storage.k8s.io/requests.storage", "1Ti", None, 1024**4),
        ("gold.storageclass.storage.k8s.io/persistentvolumeclaims", "3", None, 3),
        ("count/deployments.apps", "10", None, 10),
        ("requests.hugepages-2Mi", "4Mi", None, 4 * 1024**2),
        ("pods", "1e2", "pods", 100),
    ],
)
def test_what_kubernetes_limits_is_read(typed: str, quantity: str, name: str | None, amount: int) -> None:
    kept = resources.name_of(typed)
    assert kept == (name or typed)
    assert resources.parse(typed, quantity) == amount
    assert resources.parse(kept, resources.written(kept, amount)) == amount
    assert resources.label(kept)


@pytest.mark.parametrize("name", ["", "cats", "limits.pods", "requests.kubernetes.io/x", "count/", "a/b", "x" * 300])
def test_what_it_does_not_limit_is_refused(name: str) -> None:
    with pytest.raises(UnknownResource):
        resources.name_of(name)


@pytest.mark.parametrize(("name", "text"), [("pods", "1.5"), ("cpu", "-1"), ("memory", "x"), ("pods", "1e30")])
def test_what_is_no_amount_is_refused(name: str, text: str) -> None:
    with pytest.raises(BadAmount):
        resources.parse(name, text)


@given(st.sampled_from(["requests.cpu", "requests.memory", "pods"]), st.integers(0, resources.MOST))
def test_amounts_survive_writing(name: str, amount: int) -> None:
    assert resources.parse(name, resources.written(name, amount)) == amount


def test_the_three_shapes_are_read_whoever_reports_them() -> None:
    exceeded = (
        'pods "web-0" is forbidden: exceeded quota: paddock, requested: limits.cpu=1,pods=1, '
        "used: limits.cpu=4,pods=3, limited: limits.cpu=4,pods=3"
    )
    stateful = f"create Pod web-0 in StatefulSet web failed error: {exceeded}"
    for message in (exceeded, f"Error creating: {exceeded}", stateful):
        found = refusals.read(message)
        assert found is not None
        assert (found.shape, found.quota) == ("exceeded", "paddock")
        assert [(one.resource, one.requested, one.limited) for one in found.short] == [
            ("limits.cpu", "1", "4"),
            ("pods", "1", "3"),
        ]
    unmet = refusals.read('Error creating: pods "a" is forbidden: failed quota: q: must specify cpu for: app,side')
    assert unmet is not None
    assert (unmet.shape, unmet.missing, unmet.resources) == ("unmet", ("cpu",), frozenset({"requests.cpu"}))
    bound = refusals.read(
        'Error creating: pods "a" is forbidden: [maximum cpu usage per Container is 1, but limit is 2, '
        "maximum memory usage per Container is 1Gi, but limit is 2Gi]"
    )
    assert bound is not None
    assert [(one.which, one.resource, one.is_, one.but) for one in bound.bounds] == [
        ("maximum", "cpu", "1", "2"),
        ("maximum", "memory", "1Gi", "2Gi"),
    ]


@pytest.mark.parametrize("message", ["", "Error creating: Internal error", 'pods "a" is forbidden: no', "x" * 10_000])
def test_other_words_are_nothing(message: str) -> None:
    assert refusals.read(message) is None


def test_the_trend() -> None:
    assert trend.days_to_full([10, 20, 30, 40], 100) == 6
    assert trend.days_to_full([10, 20, 30, 100], 100) == 0
    assert trend.days_to_full([40, 30, 20], 100) is None
    assert trend.days_to_full([10, 20], 100) is None
    assert trend.days_to_full([1, 1, 2], 10**9) is None
    assert trend.recent([]) == 0
    assert trend.recent([(5, 100)]) == 100
    assert 50 < trend.recent([(23, 0), (6, 100)]) < 100
