"""What namespaces cost lately, for who decides about them (`NAMESPACE_MONEY`)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import Sum

from billing.ledger import selectors
from billing.ledger.asking import DAY, Ask
from portal.access.permissions import Permission
from portal.access.scopes import Person
from portal.core import periods

SPAN = timedelta(days=30)


def of_namespaces(
    person: Person, keys: Sequence[tuple[UUID, str]], at: datetime
) -> tuple[dict[tuple[UUID, str], Decimal], str]:
    """Return what each namespace, by cluster and uid, cost over the last 30 days, and the currency.

    As far as the person sees cost: what they do not, or what has no price, is left out.
    """
    if person.scopes_for(Permission.COST_VIEW).none:
        return {}, ""
    today = periods.billing_day(at, selectors.zone())
    rows = selectors.narrowed(person, Ask(today - SPAN, today + DAY, by="namespace"))
    rows = rows.filter(namespace_uid__in={uid for _cluster, uid in keys}).order_by()
    sums = rows.values_list("cluster_id", "namespace_uid").annotate(whole=Sum("amount"))
    wanted = set(keys)
    found = {(cluster, uid): whole for cluster, uid, whole in sums if (cluster, uid) in wanted and whole is not None}
    return found, selectors.currency()
