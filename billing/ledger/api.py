"""api/v1 of the room."""

from typing import Any

from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet, ViewSetMixin

from billing.ledger import lists
from billing.ledger.models import CostHour, CostRun
from portal.access.permissions import Permission
from portal.core import listing


class Costs(listing.ApiList, GenericViewSet[CostHour]):
    """Costs of billing days; `by` says what they are split by."""

    permissions = {"list": Permission.COST_VIEW}
    listing = lists.CostList

    def scope(self, request: Request) -> dict[str, Any]:
        """The split decides the columns."""
        given = request.query_params
        return {"by": given.get("by", ""), "days": bool(given.get("from") or given.get("to"))}


class CostRuns(listing.ApiList, GenericViewSet[CostRun]):
    """Closed hours."""

    permissions = {"list": Permission.COST_VIEW}
    listing = lists.RunList


# (prefix, viewset, basename), read by portal/config/api_urls.py
ROUTES: list[tuple[str, type[ViewSetMixin], str]] = [
    ("costs", Costs, "costs"),
    ("cost-runs", CostRuns, "cost-runs"),
]
