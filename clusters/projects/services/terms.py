"""Namespaces for a time: owners are told three days and one day before, then it is deleted or waits for their word."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from clusters.projects.models import NamespaceTenure, NamespaceTerm, Project
from clusters.projects.services import removals
from clusters.projects.services.holdings import Key
from portal.access.permissions import Permission
from portal.access.scopes import ScopeKind
from portal.accounts.bindings import givers
from portal.audit import services as audit
from portal.core import errors, formats
from portal.core.actors import SYSTEM, Actor
from portal.outbox import services as outbox

DAY = timedelta(days=1)
# Days before the end, the longest first; 0 is the end itself.
WARN_DAYS = (3, 1, 0)
LONGEST = timedelta(days=3 * 366)


def keep(
    *, project: Project, key: Key, until: datetime | None, by: Actor, at: datetime, delete_then: bool = False
) -> NamespaceTerm | None:
    """Give a namespace of the project an end, another end, or none at all.

    Raises `Refused` at "ends_at" and `Conflict` where the project does not hold it or it is being deleted.
    """
    if until is not None and not at < until <= at + LONGEST:
        raise errors.Refused.one("ends_at", _("Choose an end between now and three years from now."))
    with transaction.atomic():
        held = NamespaceTenure.objects.of([key]).current().filter(project=project).select_related("cluster").first()
        if held is None:
            raise errors.Conflict.one("namespaces", _("This project does not hold the namespace any more."))
        if removals.is_under_way(key):
            raise errors.Conflict.one("namespaces", _("The namespace is being deleted."))
        found = NamespaceTerm.objects.select_for_update().filter(cluster_id=key[0], namespace_uid=key[1]).first()
        before = {"ends_at": found.ends_at.isoformat()} if found else {"ends_at": ""}
        if until is None:
            NamespaceTerm.objects.filter(cluster_id=key[0], namespace_uid=key[1]).delete()
            term = None
        else:
            values = {"ends_at": until, "delete_then": delete_then, "warned_days": None, "set_by": by.label}
            term, _made = NamespaceTerm.objects.update_or_create(
                cluster_id=key[0], namespace_uid=key[1], defaults={**values, "set_at": at}
            )
        label = f"{held.cluster.name}/{held.namespace_name}"
        after = {"namespace": label, "ends_at": until.isoformat() if until else "", "delete_then": delete_then}
        audit.record(
            "projects.namespace.term",
            by=by,
            on=project.as_subject(),
            before={"namespace": label, **before},
            after=after,
        )
    return term


def keep_all(
    *, project: Project, keys: Sequence[Key], until: datetime | None, by: Actor, at: datetime, delete_then: bool = False
) -> int:
    """Do the same for several: all of them, or none. Returns how many."""
    with transaction.atomic():
        for key in keys:
            keep(project=project, key=key, until=until, by=by, at=at, delete_then=delete_then)
    return len(keys)


def tend(*, at: datetime) -> dict[str, int]:
    """Warn of ends, each once per span, and carry out those that are due. Returns how many of each."""
    done = {"warned": 0, "deleted": 0}
    for days in WARN_DAYS:
        for pk in _due(days, at).values_list("pk", flat=True):
            with transaction.atomic():
                term = _due(days, at).select_for_update(skip_locked=True).filter(pk=pk).first()
                held = _holding(term) if term else None
                if term is None:
                    continue
                if held is None:
                    # Released, moved out of every project, or gone: nobody is to be told any more.
                    term.delete()
                    continue
                if days == 0 and term.delete_then:
                    removals.ask(project=held.project, keys=[(held.cluster_id, held.namespace_uid)], by=SYSTEM, at=at)
                    done["deleted"] += 1
                _tell(term, held, days, at)
                term.warned_days = days
                term.save(update_fields=["warned_days"])
                done["warned"] += 1
    return done


def _due(days: int, at: datetime) -> QuerySet[NamespaceTerm]:
    later = max((other for other in WARN_DAYS if other < days), default=None)
    found = NamespaceTerm.objects.filter(Q(warned_days=None) | Q(warned_days__gt=days), ends_at__lte=at + days * DAY)
    if later is not None:
        # A longer warning is for what ends later than the shorter one's day.
        found = found.filter(ends_at__gt=at + later * DAY)
    return found.order_by("ends_at", "pk")


def _holding(term: NamespaceTerm) -> NamespaceTenure | None:
    key = (term.cluster_id, term.namespace_uid)
    return NamespaceTenure.objects.of([key]).current().select_related("project", "cluster").first()


def _tell(term: NamespaceTerm, held: NamespaceTenure, days: int, at: datetime) -> None:
    context = {
        "namespace": f"{held.cluster.name}/{held.namespace_name}",
        "project": held.project.name,
        "ends": formats.instant(term.ends_at),
        "span": formats.ago(term.ends_at, at),
        "ended": days == 0,
        "deleted": term.delete_then,
        "path": reverse("projects:project", args=[held.project.slug]),
    }
    stamp = f"namespace-ends:{term.pk}:{term.ends_at:%Y%m%d%H%M%S}:{days}"
    for address in givers.addresses(
        ScopeKind.PROJECT.value, held.project_id, at=at, permission=Permission.NAMESPACE_DELETE
    ):
        outbox.mail_from_template(
            "namespace_ends",
            context,
            to=[address],
            key=f"{stamp}:{hashlib.sha256(address.encode()).hexdigest()[:16]}",
            at=at,
            on=held.project.as_subject(),
        )
