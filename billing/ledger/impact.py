"""What scopes cost, for whoever is about to give rights on them (`ROLE_IMPACT`)."""

from datetime import datetime
from decimal import Decimal

from django.db.models import Q, Sum

from billing.ledger import asking, selectors
from billing.ledger.asking import Ask
from portal.access.permissions import Permission
from portal.access.scopes import Person, Scopes
from portal.accounts.bindings.impact import Money
from portal.core import periods


def touched(person: Person, scopes: Scopes, at: datetime) -> Money | None:
    """Return the last full month's cost of the scopes as far as the person sees it, None for who sees no cost."""
    if person.scopes_for(Permission.COST_VIEW).none:
        return None
    this = periods.billing_day(at, selectors.zone()).replace(day=1)
    month = (this - asking.DAY).replace(day=1)
    rows = selectors.narrowed(person, Ask(month, this, by="project"))
    if not scopes.everything:
        here = Q(team_id__in=scopes.teams) | Q(project_id__in=scopes.projects) | Q(cluster_id__in=scopes.clusters)
        rows = rows.filter(here)
    found: Decimal | None = rows.aggregate(whole=Sum("amount"))["whole"]
    return Money(found, selectors.currency(), month)
