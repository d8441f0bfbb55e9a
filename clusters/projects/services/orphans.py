"""Leaving things without owner alone: they are not shown again, or not until an instant."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from clusters.projects.models import OrphanKept
from clusters.registry.models import Cluster
from portal.audit import services as audit
from portal.core import errors
from portal.core.actors import Actor, Subject

MOST = 500


def keep(
    *,
    kind: str,
    things: Sequence[tuple[UUID, str] | tuple[None, str]],
    by: Actor,
    at: datetime,
    until: datetime | None = None,
) -> int:
    """Leave things, by cluster and uid, alone. Returns how many. Raises `Refused` at "pick"."""
    if not 0 < len(things) <= MOST:
        raise errors.Refused.one("pick", f"1 – {MOST}")
    with transaction.atomic():
        for cluster_id, uid in things:
            OrphanKept.objects.update_or_create(
                kind=kind,
                cluster=Cluster(pk=cluster_id) if cluster_id else None,
                uid=uid,
                defaults={"by": by.label, "at": at, "until": until},
            )
            subject = Subject(kind, uid, uid)
            audit.record("projects.orphan.keep", by=by, on=subject, after={"cluster": str(cluster_id or "")})
    return len(things)
