"""The one list mechanism: one declaration gives the HTML table, the JSON rows and the CSV file.

Declare a list in a room, beside its selectors (for example `clusters/inventory/lists.py`):

    class PodList(listing.Listing):
        key = "pods"                                    # CSV file name, id of the table on its page
        title = _("Pods")
        columns = (
            Column("name", _("Name"), "code", href=link("inventory:pod", "id")),
            Column("cluster", _("Cluster")),
            Column("state", _("State"), "state", states={"Running": ("ok", _("Running"))}),
            Column("cpu_m", _("CPU requested"), "cpu", total=True),
            Column("memory_bytes", _("Memory requested"), "bytes", total=True),
            Column("cost", _("Cost"), "money", unit_key="currency", total=True, absent=_("unpriced")),
            Column("created_at", _("Age"), "age"),
        )
        filters = (
            Filter("cluster", _("Cluster"), choices=cluster_choices, lookup="cluster_id"),
            Filter("name", _("Name"), "text", lookup="name__startswith"),
        )
        orders = {"name": ("name", "id"), "cost": ("cost", "id")}       # ascending; `?order=-cost` descends
        default_order = "-cost"                                         # without it: the first order

        def rows(self, user, params):
            return Pod.objects.visible_to(user).values("id", "name", "cpu_m", ..., cluster=F("cluster__name"))

`rows` gives a `QuerySet.values(...)` (annotations and GROUP BY allowed) or, for raw SQL of bounded size, a
sequence of dicts. It starts at `visible_to(user)` and sets no order. Filters with a `lookup` are applied by
the mechanism, the others are read by `rows` from `params.filters[key]` (parsed; absent filters are None or
their default). The keys of an order are keys of the row dicts that the database can sort and compare; the
last one is unique. NULLs sort last in both directions. In each row `None` means not known, and is shown as
such, never as zero.

Values in the dict rows: money `Decimal`; cpu millicores; bytes bytes; percent a ratio (0.42); instant and age
aware `datetime`; duration seconds; day `date`; labels a dict; state a machine word; flag a bool.

What comes out:
- `Listing(**scope).page(user, query, at=now, path=...) -> ListPage`: one keyset page and all the table
  component needs: count (capped), totals of all rows, data age, the state of filters and order, URLs. `scope`
  is what the page is inside of (`PodList(project_id=...)`), read as `self.scope["project_id"]`.
- `Listing.dicts(user, params) -> Iterator[dict]`: all rows, streamed. `export.row(columns, row)` makes of
  each the dict that API and CSV carry: decimal strings, integers, ISO instants.
- `ListView`: a class-based view (mix in `gate.Gated`, set `listing` and `template_name`). GET gives the page,
  with `HX-Request` the table fragment, with `?format=csv` or `?format=jsonl` the file. The template gets
  `page` (a ListPage) and writes `{% include "_components/list.html" with page=page only %}`.
- `ApiList`: mix into a DRF view set (with the gate's mixin), set `listing`: `list` answers `{next, results}`.
- `BadQuery`: a parameter that cannot be used; 400 with the parameter's name on the page and in the API.

Pages ignore parameters that they do not know (a link from elsewhere still opens); the API refuses them by
name.
"""

from portal.core.listing.api import ApiList
from portal.core.listing.declare import Column, Filter, Link, Row, Total, link
from portal.core.listing.health import Health, Missing
from portal.core.listing.lists import Listing
from portal.core.listing.page import ListPage
from portal.core.listing.query import BadQuery, Params
from portal.core.listing.views import ListView

__all__ = [
    "ApiList",
    "BadQuery",
    "Column",
    "Filter",
    "Health",
    "Link",
    "ListPage",
    "ListView",
    "Listing",
    "Missing",
    "Params",
    "Row",
    "Total",
    "link",
]
