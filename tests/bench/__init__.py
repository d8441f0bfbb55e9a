"""Speed and memory, as ratios to a reference in the same run: `python -m tests.bench`, or `make bench`.

`goals` lists the benchmarks, one module each. A module has two sides, `paddock` and `reference`; each runs in a
process of its own (`child`), one after the other, in pairs (`contest`). What they read is made before the clock runs
(`grounds`): a simulator in replay mode, a PostgreSQL of the run's own, pages in files. `report` prints and keeps.
Nothing here is judged by `make test`: `test_toy` only runs everything once at toy size.
"""
