"""Keeping the inventory's owner columns in step with the dated rows."""

import structlog
from django.db import transaction

from clusters.inventory import services as inventory
from clusters.projects import selectors

log = structlog.get_logger(__name__)


def correct() -> int:
    """Write the owners of the dated rows where the columns say something else. Returns how many; each is logged."""
    with transaction.atomic():
        found = selectors.drift()
        for one in found:
            log.warning(
                "projects.drift",
                cluster=str(one.cluster_id),
                namespace=one.name,
                columns=[str(owner) for owner in one.columns],
                dated=[str(owner) for owner in one.dated],
            )
            inventory.hold_namespace(
                cluster_id=one.cluster_id,
                namespace_uid=one.namespace_uid,
                team_id=one.dated[0],
                project_id=one.dated[1],
            )
    return len(found)
