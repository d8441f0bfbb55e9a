"""Bindings that end: their holders and the owners of the scope are told in time, and ended ones are forgotten."""

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from portal.access import words
from portal.access.scopes import ScopeKind
from portal.accounts.bindings import givers, memberships, own_roles
from portal.accounts.models import Binding, BindingQuerySet
from portal.audit import services as audit
from portal.core import formats
from portal.core.actors import SYSTEM
from portal.outbox import services as outbox

# Days before the end, the longest first.
WARN_DAYS = (7, 1)
DAY = timedelta(days=1)
KEEP_ENDED = memberships.ENDED_SHOWN_DAYS * DAY
# A group of more people than this is told through the owners of the scope alone.
MOST_TOLD = 50


def warn(*, at: datetime) -> int:
    """Mail about bindings that end within 7 days and within 1 day, each once. Returns how many were warned of.

    What was given for less time than a warning looks ahead is not warned of that early: its holder was just told.
    """
    told = 0
    for days in WARN_DAYS:
        for key in _due(days, at).values_list("pk", flat=True):
            with transaction.atomic():
                binding = _due(days, at).select_for_update(of=("self",), skip_locked=True).filter(pk=key).first()
                if binding is not None:
                    _tell(binding, at)
                    binding.warned_days = days
                    binding.save(update_fields=["warned_days"])
                    told += 1
    return told


def prune(*, at: datetime) -> int:
    """Forget bindings that ended 90 days ago; the audit keeps them. Returns how many."""
    gone = 0
    for binding in Binding.objects.filter(expires_at__lt=at - KEEP_ENDED)[:1000]:
        with transaction.atomic():
            audit.record("accounts.binding.forget", by=SYSTEM, on=binding.as_subject())
            binding.delete()
            gone += 1
    return gone


def _due(days: int, at: datetime) -> BindingQuerySet:
    span = days * DAY
    warned = Q(warned_days=None) | Q(warned_days__gt=days)
    # A longer warning is for what ends later than the shorter one's day.
    later = max((other for other in WARN_DAYS if other < days), default=0)
    return Binding.objects.filter(
        warned, expires_at__gt=at + later * DAY, expires_at__lte=at + span, created_at__lt=F("expires_at") - span
    ).order_by("expires_at", "pk")


def _tell(binding: Binding, at: datetime) -> None:
    assert binding.expires_at is not None
    place = memberships.page_of(binding.scope_kind, binding.scope_id)
    kind = ScopeKind(binding.scope_kind)
    context = {
        "holder": binding.holder,
        "role": own_roles.name_of(binding.role),
        "where": place[0] if place else binding.scope_label or str(words.SCOPES[kind]),
        "ends": formats.instant(binding.expires_at),
        "span": formats.ago(binding.expires_at, at),
        "path": place[1] if place else "",
    }
    stamp = f"binding-ends:{binding.pk}:{binding.expires_at:%Y%m%d%H%M%S}:{binding.expires_at - at <= DAY}"
    # Whoever can prolong it is told as well.
    owners = givers.addresses(binding.scope_kind, binding.scope_id, at=at, without=binding.pk)
    for address in sorted({*givers.of_people(_holders(binding, at)), *owners}):
        outbox.mail_from_template(
            "binding_ends",
            context,
            to=[address],
            key=f"{stamp}:{hashlib.sha256(address.encode()).hexdigest()[:16]}",
            at=at,
            on=binding.as_subject(),
        )


def _holders(binding: Binding, at: datetime) -> frozenset[UUID]:
    reached = memberships.people([binding], at)
    return reached if binding.user_id or len(reached) <= MOST_TOLD else frozenset()
