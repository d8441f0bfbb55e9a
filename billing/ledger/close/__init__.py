"""The close in SQL: the hours of one cluster, from segments, tenures and rates to stored rows.

`allocation`'s docstring defines every formula. A range is worked out in one transaction, step by step in temporary
tables; each module fills those named after what they hold:

- `spans`: `close_slice`, the hours clipped to what is counted and cut at billing days
- `tenancy`: `close_tenancy`, spans in which the owner and the shared mark of a namespace stay the same
- `charging`: `close_node`, `close_node_hour` and `close_charge`, quantities that fit on their nodes
- `rows`: `close_row`, charges grouped, with reserved and fees
- `prices`: `close_place`, numerator and denominator of each amount per slice and price key
- `amounts`: `close_asset` and `close_line`, priced rows with idle as what is left
- `storing`: the tables of the room; the former run's rows go, and the rollups take the difference
"""

# Quantities that a charge, a row and a line have, in the order of their columns.
QUANTITIES = ("cpu_q", "memory_q", "gpu_q", "storage_q", "units_q", "fee_q")
AMOUNTS = ("cpu_amount", "memory_amount", "gpu_amount", "storage_amount", "units_amount", "fee_amount")
