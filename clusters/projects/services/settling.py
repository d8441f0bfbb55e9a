"""What clusters made of wishes and deletions: read from what was applied and observed, run as often as one likes."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import OuterRef, Subquery

from clusters.applying.models import AppliedObject
from clusters.applying.models import State as Applied
from clusters.inventory import services as inventory
from clusters.inventory.models import Namespace
from clusters.projects import desired, selectors
from clusters.projects.models import NamespaceTenure, NamespaceWish, WishState
from clusters.projects.services import leaving, namespaces, removals
from portal.core.actors import SYSTEM

# What the inventory reads later than this is found by the nightly comparison.
LATE = timedelta(days=1)


def settle(*, at: datetime) -> dict[str, int]:
    """Hold the namespaces that were made, keep why others were not, follow deletions, close projects that left."""
    made, failed = _settle_wishes(at)
    return {
        "made": made,
        "failed": failed,
        "held": _hold_late(at),
        "gone": removals.follow(at=at),
        "left": leaving.finish(at=at),
    }


def outcome(*, source_id: UUID, uid: str, text: str, at: datetime) -> None:
    """Hear what a cluster made of a wish (`OUTCOME_HOOKS`): the uid of what was made, or why nothing was."""
    wish = NamespaceWish.objects.filter(pk=source_id).first()
    if wish is not None and uid:
        namespaces.note_made(wish=wish, uid=uid, by=SYSTEM, at=at)
    elif wish is not None:
        namespaces.note_failed(wish=wish, text=text, at=at)


def _settle_wishes(at: datetime) -> tuple[int, int]:
    rows = AppliedObject.objects.filter(source=desired.WISH, source_id=OuterRef("pk"))
    wishes = NamespaceWish.objects.filter(state=WishState.WANTED).annotate(
        applied_state=Subquery(rows.values("state")[:1]),
        applied_uid=Subquery(rows.values("uid")[:1]),
        applied_text=Subquery(rows.values("text")[:1]),
    )
    made = failed = 0
    for wish in wishes[:1000]:
        if wish.applied_state == Applied.APPLIED and wish.applied_uid:
            made += namespaces.note_made(wish=wish, uid=wish.applied_uid, by=SYSTEM, at=at)
        elif wish.applied_state == Applied.FAILED:
            failed += namespaces.note_failed(wish=wish, text=wish.applied_text or "", at=at)
    return made, failed


def _hold_late(at: datetime) -> int:
    """Write the owners of namespaces that were made before the inventory had read them."""
    young = NamespaceWish.objects.filter(state=WishState.MADE, settled_at__gt=at - LATE)
    held = NamespaceTenure.objects.current().filter(cluster_id=OuterRef("cluster_id"), namespace_uid=OuterRef("uid"))
    rows = Namespace.objects.filter(uid__in=young.values("made_uid"), project_id=None, gone_at=None).annotate(
        holder=Subquery(held.values("project_id")[:1])
    )
    count = 0
    for row in rows:
        if row.holder is not None:
            inventory.hold_namespace(
                cluster_id=row.cluster_id,
                namespace_uid=row.uid,
                team_id=selectors.team_id_of(row.holder),
                project_id=row.holder,
            )
            count += 1
    return count
