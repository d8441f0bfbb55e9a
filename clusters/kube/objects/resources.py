"""Amounts of resources as servers write them, and as integers: millicores, bytes, thousandths of a GPU."""

from collections.abc import Callable, Mapping

from clusters.kube.objects.metadata import Odd
from clusters.kube.quantities import BadQuantity, Quantity, milli, whole

Amounts = dict[str, Quantity]

GPU_NAMES = frozenset(
    {
        "nvidia.com/gpu",
        "nvidia.com/gpu.shared",
        "amd.com/gpu",
        "gpu.intel.com/i915",
        "gpu.intel.com/xe",
        "habana.ai/gaudi",
    }
)
GPU_SLICE_PREFIX = "nvidia.com/mig-"


def cpu_milli(amounts: Mapping[str, Quantity] | None) -> int:
    return _read(milli, amounts.get("cpu")) if amounts else 0


def memory_bytes(amounts: Mapping[str, Quantity] | None) -> int:
    return _read(whole, amounts.get("memory")) if amounts else 0


def pieces(amounts: Mapping[str, Quantity] | None, name: str) -> int:
    return _read(whole, amounts.get(name)) if amounts else 0


def gpu_milli(amounts: Mapping[str, Quantity] | None) -> int:
    """Devices and slices alike count 1000 each."""
    # Most objects name cpu and memory only, so the names are not even looked at.
    if not amounts or all("/" not in name for name in amounts):
        return 0
    return sum(
        _read(milli, amount)
        for name, amount in amounts.items()
        if name in GPU_NAMES or name.startswith(GPU_SLICE_PREFIX)
    )


def _read(convert: Callable[[Quantity], int], quantity: Quantity) -> int:
    try:
        return convert(quantity)
    except BadQuantity as error:
        raise Odd(str(error)) from None
