"""What was observed in clusters, each row with the instant it was seen; and how it is kept up to date.

`services.sync_once` reads a cluster: one conversation per kind (`drain`), side by side on one thread. `merge` turns
pages and events into rows, bodies and facts for billing, in SQL. `selectors` and `lists` are what pages show.
"""
