"""What Paddock says costs are: on its page, in its API and in its file, each read the way its user reads it."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from tests.e2e.browser import Visit

API = "/api/v1"


@dataclass(frozen=True)
class Costs:
    """Amounts of workloads by name, and what stands beside them."""

    amounts: dict[str, Decimal]
    notes: Mapping[str, str]

    @property
    def counted_to(self) -> datetime:
        return datetime.fromisoformat(self.notes["counted_to"])

    @property
    def coverage(self) -> Decimal:
        return Decimal(self.notes["coverage"])


def fetch(visit: Visit, path: str) -> dict[str, Any]:
    """Ask the API as the person who is signed in."""
    answer = visit.page.request.get(visit.address + API + path)
    assert answer.ok, f"{answer.status} {answer.text()}"
    found: dict[str, Any] = answer.json()
    assert not found.get("next"), "more than one page"
    return found


def by_api(visit: Visit, **filters: str) -> Costs:
    """Of teams."""
    found = fetch(visit, f"/costs/?{urlencode({'by': 'team', 'kind': 'workload', **filters})}")
    rows = {row["team"]: Decimal(row["cost"]) for row in found.pop("results")}
    return Costs(rows, found)


def by_file(visit: Visit, **filters: str) -> Costs:
    """The same as a file, with the remarks at its end."""
    query = urlencode({"by": "team", "kind": "workload", "format": "csv", **filters})
    answer = visit.page.request.get(f"{visit.address}/costs/?{query}")
    assert answer.ok, answer.status
    lines = answer.text().splitlines()
    records = list(csv.DictReader(line for line in lines if not line.startswith(("#", '"#'))))
    remarks = [cells for cells in csv.reader(lines) if cells and cells[0].startswith("# ")]
    notes = {cells[0].removeprefix("# "): cells[1] for cells in remarks if len(cells) == 2}
    return Costs({record["team"]: Decimal(record["cost"]) for record in records}, notes)


def by_page(visit: Visit, **filters: str) -> Costs:
    """The exact amounts are the titles of the cells; the last cell of a row with an amount is its cost."""
    visit.open(f"/costs/?{urlencode({'by': 'team', 'kind': 'workload', **filters})}")
    table = visit.page.locator("section[data-list] table")
    heads = [text.partition(",")[0].strip(" ▼▲\n") for text in table.locator("thead th").all_inner_texts()]
    place = heads.index("Cost")
    rows = {}
    for row in table.locator("tbody tr").all():
        cells = row.locator("th, td")
        titled = cells.nth(place).locator("xpath=descendant-or-self::*[@title]")
        exact = titled.first.get_attribute("title") or ""
        rows[cells.first.inner_text().strip()] = Decimal(exact.split()[0])
    counted = visit.page.locator("#cost-summary time[datetime]").first.get_attribute("datetime") or ""
    return Costs(rows, {"counted_to": counted})


def counted_to(visit: Visit) -> dict[str, datetime]:
    """Up to when each cluster was counted in its last closed hour."""
    found: dict[str, datetime] = {}
    for row in fetch(visit, "/cost-runs/?size=100")["results"]:
        instant = datetime.fromisoformat(row["counted_to"])
        found[row["cluster_name"]] = max(instant, found.get(row["cluster_name"], instant))
    return found
