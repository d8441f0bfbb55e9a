"""The benchmarks, written out. Targets are ratios (Paddock to its reference) that the median of the pairs must hold."""

from tests.bench import grounds
from tests.bench.contest import Bench

MICRO = 1e6
MILLI = 1e3
MIB = 1 / 1024**2

DIFFERENT_WORK = "different work is compared: the reference builds every object with every field"

# A check of a right, with the most seconds it may take.
PERMISSIONS = tuple(
    Bench(
        f"permission-{part}",
        target=None,
        sizes=(500,),
        things="bindings of one person",
        ground="permission",
        paddock=paddock,
        reference="the bare SELECT of the bindings, fetched",
        unit_shown="µs",
        scale=MICRO,
        whole=True,
        bounds={"cost": 0.001},
    )
    for part, paddock in (
        ("loaded", "where a right holds, asked of rights that are read"),
        ("read", "the rights read from the database, and asked once"),
    )
)

# 5,000 people, 2,000 groups, and a chain of a thousand more. The megabytes are those of the issue, 10^6 bytes.
DIRECTORY = (
    Bench(
        "signin",
        target=None,
        sizes=(5_000,),
        things="people",
        ground="directory",
        paddock="a sign-in by the page that stores 1,000 nested groups, 95th percentile",
        reference="bind, search, bind as the person, read their groups: python-ldap alone",
        unit_shown="ms",
        scale=MILLI,
        whole=True,
        bounds={"cost": 1.0},
    ),
    Bench(
        "refresh-first",
        target=None,
        sizes=(5_000,),
        things="people",
        ground="directory",
        paddock="everything read and stored, where no group was known",
        reference="the same entries read page by page by python-ldap, dropped",
        unit_shown="s",
        scale=1,
        whole=True,
        before=grounds.ungrouped,
        bounds={"cost": 60.0, "peak": 150e6},
    ),
    Bench(
        "refresh-again",
        target=None,
        sizes=(5_000,),
        things="people",
        ground="directory",
        paddock="everything read again, nothing changed",
        reference="the same entries read page by page by python-ldap, dropped",
        unit_shown="s",
        scale=1,
        whole=True,
        bounds={"cost": 60.0, "peak": 150e6, "rows": 0.0},
    ),
)

# Each list whole, and narrowed to what both people see alike.
MEMBERS_LISTS = tuple(
    Bench(
        f"memberlist-{part}",
        target=1.2,
        sizes=(50_000,),
        things="pods in 50 clusters",
        ground="fleet",
        paddock="the page as the member of 60 projects of 1,000",
        reference="the same page as administrator",
        unit_shown="ms CPU",
        scale=MILLI,
        whole=True,
    )
    for one in ("projects", "pods", "workloads", "namespaces", "costs")
    for part in (one, f"{one}-of-one")
)

SENDING = tuple(
    Bench(
        f"frozen-{part}",
        target=1.1,
        sizes=(10_000,),
        things="pods in 50 clusters",
        ground="sending",
        paddock=f"{what}, no target answers",
        reference=f"{what}, all targets answer",
        unit_shown="ms",
        scale=MILLI,
        whole=True,
    )
    for part, what in (("pages", "six pages"), ("enqueue", "a mail, an event and a line written"))
)

AUDIT = tuple(
    Bench(
        f"seal-{part}",
        target=None,
        sizes=(10_000,),
        things="events",
        ground="seal",
        paddock=paddock,
        reference=reference,
        unit_shown="µs per event",
        scale=MICRO,
    )
    for part, paddock, reference in (
        ("record", "recorded, each in its transaction", "the same row by a bare INSERT, each in its transaction"),
        ("chain", "sealed, in batches of 500", "rows of one SELECT hashed one after the other"),
        ("verify", "the chain read and checked from its beginning", "rows of one SELECT hashed one after the other"),
    )
)

BENCHES: tuple[Bench, ...] = (
    Bench(
        "decode",
        target=0.30,
        sizes=(10_000,),
        things="pods",
        ground="stored",
        paddock="pages into rows",
        reference="orjson.loads of the same bytes, collector off",
        unit_shown="µs CPU per pod",
        scale=MICRO,
    ),
    Bench(
        "kubectl",
        target=0.02,
        sizes=(10_000,),
        things="pods",
        ground="served",
        paddock="list over TLS, all rows kept",
        reference="kubectl get pods -A -o json",
        unit_shown="µs CPU per pod",
        scale=MICRO,
        note=DIFFERENT_WORK,
    ),
    Bench(
        "typed",
        target=0.03,
        sizes=(10_000,),
        things="pods",
        ground="served",
        paddock="list over TLS, all rows kept",
        reference="official Python client, typed, same pages",
        unit_shown="µs CPU per pod",
        scale=MICRO,
        note=DIFFERENT_WORK,
    ),
    Bench(
        "relist",
        target=0.35,
        sizes=(10_000, 100_000),
        things="pods",
        ground="synced",
        paddock="the pass: fetch, decode, compare with the stored",
        reference="same pages fetched, orjson.loads, collector off",
        unit_shown="µs CPU per pod",
        scale=MICRO,
    ),
    Bench(
        "memory",
        target=2.5,
        sizes=(100_000,),
        things="pods",
        ground="synced",
        paddock="largest resident set while all are listed again",
        reference="a process that has loaded the same and waits",
        unit_shown="MiB",
        scale=MIB,
        whole=True,
    ),
    Bench(
        "unchanged",
        target=0.0,
        sizes=(100_000,),
        things="pods",
        ground="synced",
        paddock="rows of object tables, and bytes of the log about them",
        reference="",
        unit_shown="rows and bytes",
        scale=1,
        whole=True,
        before=grounds.settle,
    ),
    Bench(
        "changed",
        target=1.5,
        sizes=(100_000,),
        things="pods",
        ground="synced",
        paddock="list with 1 % changed, CPU of process and database",
        reference="list with none changed",
        unit_shown="µs CPU per pod",
        scale=MICRO,
        before=grounds.advance,
    ),
    Bench(
        "firstload",
        target=1.8,
        sizes=(100_000,),
        things="pods",
        ground="synced",
        paddock="rows, facts and bodies merged, pages of 500",
        reference="COPY of the same rows straight in, pages of 500",
        unit_shown="µs per pod",
        scale=MICRO,
        before=grounds.empty,
    ),
    Bench(
        "close",
        target=3.0,
        sizes=(100_000,),
        things="pods",
        ground="metered",
        paddock="one hour: allocated, written, rolled up",
        reference="the bare SELECT of its sums, dropped",
        unit_shown="ms",
        scale=MILLI,
        whole=True,
    ),
    Bench(
        "costpage",
        target=3.0,
        sizes=(4_000,),
        things="namespaces",
        ground="accounted",
        paddock="a month by team and day, query layer and JSON",
        reference="one SQL statement over the same rollup, orjson",
        unit_shown="ms CPU",
        scale=MILLI,
        whole=True,
    ),
    Bench(
        "month",
        target=0.02,
        sizes=(4_000,),
        things="namespaces",
        ground="accounted",
        paddock="a month by team from its rollup",
        reference="the same sums from the month's hour rows",
        unit_shown="ms",
        scale=MILLI,
        whole=True,
    ),
    *DIRECTORY,
    *PERMISSIONS,
    *MEMBERS_LISTS,
    *SENDING,
    *AUDIT,
)
BY_NAME = {bench.name: bench for bench in BENCHES}
