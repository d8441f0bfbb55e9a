"""The allocation: what each owner is charged for an hour. Pure: no clock, no settings, no database.

`allocate(world)` is the oracle the SQL close is held to, to the last digit. The direct part (every kind but
idle_share, platform_share and undistributed) is worked out per slice: a UTC hour, clipped to the window and
cut where a billing day begins. It does not depend on the grain.

**Quantities** are whole numbers: millicore-seconds, byte-seconds (memory, storage), milli-unit-seconds
(GPU, load balancers: 1000 = one rule; fees: 1000 = the whole cluster), bytes (network). A segment is
charged max(request, usage) × seconds per sample, request × seconds where no sample covers; GPU by request
alone. A pod is charged while its segment and a life of its node overlap, at that life's price key. A pod
without a node (never seen) has no price key and is unpriced.

**Too much for a node** (per life of a node, slice and resource; room = (capacity − reserved) × seconds):
when the charged quantities exceed the room, usage above request is cut to what the requests leave; when the
requests alone exceed it, they are cut to the room and nothing above them counts. Quantities being cut stay
whole: ordered by pod uid and start, part i = floor(S_i × target ÷ S_n) − floor(S_(i−1) × target ÷ S_n), S_i
the running sum. Such rows, their asset and its idle row are marked overcommitted.

**Rows**: GROUP BY slice, part of the slice, cluster, namespace uid, team, project, shared, kind, price key.
Parts end exactly where team, project or shared mark of *that* namespace change inside the slice; rows
without a namespace are never cut. A part is priced by itself, like any row.

**Amounts**, per row and resource, q the row's quantity, p the price as entered, U = 1 for a price per hour
and 730 for one per month:

    cpu, gpu, load_balancer, fee   round(q × p ÷ (1000 × 3600 × U), 12)   p per core-, GPU-, rule- or fee-hour
    memory, storage                round(q × p ÷ (2^30 × 3600 × U), 12)   p per GiB-hour
    network                        round(q × p ÷ 2^30, 12)                p per GiB
    fee per calendar month         round(q × p ÷ (1000 × real seconds of the month), 12)

A node with one price P for the whole, per cluster, price key and slice, over all nodes of the key there: N
= Σ node seconds, C, M, G = Σ capacity × seconds, R the reference prices per core, GiB and GPU, W = C ×
R_cpu × 2^30 + M × R_memory × 1000 + G × R_gpu × 2^30:

    cpu      round(q × R_cpu × 2^30 × P × N ÷ (W × 3600 × U), 12)
    gpu      round(q × R_gpu × 2^30 × P × N ÷ (W × 3600 × U), 12)
    memory   round(q × R_memory × 1000 × P × N ÷ (W × 3600 × U), 12)

The whole numerator is multiplied out exactly (prices and ratios have at most twelve places, so it has at
most 24), cast to 30 places, divided once by the exact denominator to 30 places half up, and rounded once to
12 half up: in PostgreSQL `round((q * … )::numeric(1000,30) / (… ), 12)`. Where no price fits, the amount is
None.

**Price match**: of the prices whose filled columns all equal the key's, the one with the first filled
column in the order provider id, instance type, region, class, storage class. The price of a whole node
beats those of its parts unless one of these fits more closely. Rates hold for whole UTC hours.

**Assets**, per cluster, price key and slice: the same formulas on the summed capacity. With one price for
the whole, the asset costs A = round(N × P ÷ (3600 × U), 12), CPU and GPU by formula and memory A less
these. Volumes, load balancers, network and fees cannot be idle: their asset is the sum of their rows.

**Idle**, per cluster, price key, slice and resource = asset − Σ workload rows − reserved row, never
rounded, so that

    Σ assets = Σ workload + reserved + idle + unattached + fee

per resource to the last digit. Where nothing is free the idle row holds only what rounding the rows left,
which may be a few 1E-12 below zero; it is left out when that is nil. reserved = (capacity − allocatable) ×
seconds.

**Distribution**, once per slice or billing day: coefficients from pre-idle cost, then idle (per resource,
within cluster or node), then shared rows with their idle, by pre-idle cost or evenly among teams.
Unattached and reserved rows take no part. Splits are largest remainders at 1E-12, ties by (cluster,
namespace, team, project). Sources get the same amount with the opposite sign, so distributed rows add up to
zero. A pool with nobody to receive it becomes an undistributed row.
"""

from billing.ledger.allocation import direct, sharing, spans
from billing.ledger.allocation.model import Allocation, AssetHour, PodShare, PriceKey, Result, World

__all__ = ["METHOD_VERSION", "allocate"]

# Printed on every statement; raised whenever a formula or a rule above changes.
METHOD_VERSION = "1"


def allocate(world: World) -> Result:
    """Allocate every asset of the world's window. The order of the world's entries makes no difference."""
    slices = spans.Slices(world.window, world.zone)
    found = direct.work_out(world, slices)
    rows = [placed.row for placed in found.rows] + sharing.distribute(world, slices, found)
    return Result(
        assets=tuple(sorted(found.assets, key=_asset_order)),
        allocations=tuple(sorted(rows, key=_row_order)),
        pods=tuple(sorted(found.pods, key=_pod_order)),
    )


def _asset_order(asset: AssetHour) -> tuple[object, ...]:
    return asset.span, asset.cluster, asset.price_key


def _key_order(key: PriceKey | None) -> tuple[PriceKey, ...]:
    return () if key is None else (key,)


def _row_order(row: Allocation) -> tuple[object, ...]:
    owner = (row.cluster, row.namespace or "", row.team or "", row.project or "", row.shared)
    return row.hour, row.span, *owner, row.kind, _key_order(row.price_key)


def _pod_order(share: PodShare) -> tuple[object, ...]:
    holder = (share.cluster, share.namespace or "", share.pod)
    return share.hour, share.span, *holder, _key_order(share.price_key)
