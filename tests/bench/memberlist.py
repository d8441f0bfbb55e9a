"""A list as the member of sixty projects of a thousand sees it, against the same list for an administrator.

The first page of fifty, in the order it has by itself; or (`…-of-one`) narrowed to what both see alike: the
namespaces, workloads, pods and costs of one project, the projects of one team. The whole page is made: session,
rights, rows, capped count, age of the data, filters, HTML. Both get as many rows: `rows`, heads included.
"""

import statistics
from typing import Any

from tests.bench import estate, fleet, pages
from tests.bench.accounts import MONTH
from tests.bench.contest import Sample
from tests.bench.measuring import Clock, rounds

ROUNDS = 30
PATHS = {
    "projects": "/projects/?",
    "pods": "/inventory/pods/?",
    "workloads": "/inventory/workloads/?",
    "namespaces": "/inventory/namespaces/?",
    "costs": f"/costs/?month={MONTH:%Y-%m}&by=project",
}
NARROWED = {
    "projects": "team={team}",
    "costs": "&by=namespace&project={project}",
}


def paddock(inputs: dict[str, Any]) -> Sample:
    return _timed(fleet.MEMBER, inputs)


def reference(inputs: dict[str, Any]) -> Sample:
    return _timed(fleet.ADMIN, inputs)


def path_of(part: str) -> str:
    """The address of `pods`, or of `pods-of-one`."""
    which, _dash, narrowed = part.partition("-")
    if not narrowed:
        return PATHS[which]
    words = NARROWED.get(which, "project={project}")
    return PATHS[which].replace("&by=project", "") + words.format(
        team=fleet.team_of_member(), project=fleet.project_of_member()
    )


def _timed(username: str, inputs: dict[str, Any]) -> Sample:
    """CPU of process and database for one of some rounds; the first two warm both and write that the right is used."""
    client, path = pages.browser(username), path_of(inputs["part"])
    for _round in range(2):
        page = pages.get(client, path)
    walls, clock, many = [], Clock(estate.backend()), rounds(inputs, ROUNDS)
    for _round in range(many):
        wall = clock.wall
        with clock:
            page = pages.get(client, path)
        walls.append(clock.wall - wall)
    return {
        "cost": (clock.cpu + clock.database) / many,
        "client": clock.cpu / many,
        "database": clock.database / many,
        "wall": statistics.median(walls),
        "rows": pages.rows(page),
        "bytes": len(page),
    }
