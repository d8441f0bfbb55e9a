"""From decoded objects to rows: only what changed, in SQL, one short transaction per page or batch.

`tables` says which columns a kind fills and turns an item into plain values; `copying` writes them in the formats
of COPY; `statements` holds the SQL: merge, charged facts, what is gone; `apply` runs it under the lease.
"""
