"""Quantities as a server writes them, and what pods use of a quota."""

import pytest

from clusters.simulator.api import kinds, quantities, quotas


@pytest.mark.parametrize(
    ("addends", "total"),
    [
        ((), "0"),
        (("600m", "600m"), "1200m"),
        (("500m", "1500m"), "2"),
        (("64Mi", "64Mi"), "128Mi"),
        (("512Mi", "512Mi"), "1Gi"),
        (("1Gi", "1"), "1073741825"),
        (("999", "1"), "1k"),
        (("1.5Gi",), "1536Mi"),
        (("1e3", "0"), "1k"),
        (("0", "0Mi"), "0"),
        (("100n",), "100n"),
    ],
)
def test_sums(addends: tuple[str, ...], total: str) -> None:
    assert quantities.add(addends) == total


def test_nonsense_is_no_quantity() -> None:
    for text in ("", "1 Gi", "Gi", "1KiB", "--1", "1e"):
        with pytest.raises(ValueError, match="quantity"):
            quantities.parse(text)


def test_the_largest_init_container_counts() -> None:
    def container(cpu: str, gpu: str = "0") -> dict[str, object]:
        return {"resources": {"requests": {"cpu": cpu, "nvidia.com/gpu": gpu}}}

    pod = {"spec": {"containers": [container("1", "1"), container("500m")], "initContainers": [container("2")]}}
    used = quotas.usage(kinds.POD, pod)
    assert (used["requests.cpu"], used["cpu"], used["requests.nvidia.com/gpu"], used["pods"]) == ("2", "2", "1", "1")
    assert quotas.usage(kinds.POD, pod | {"status": {"phase": "Succeeded"}}) == {}
