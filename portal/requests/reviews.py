"""Recertification: each quarter an owner keeps or drops each binding of a scope."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from portal.accounts.bindings import memberships, role_bindings
from portal.accounts.models import Binding, User
from portal.audit import services as audit
from portal.core import errors
from portal.core.actors import SYSTEM, Actor
from portal.jobs import services as jobs
from portal.requests.models import Decision, Review

EVERY = timedelta(days=91)
TIME_TO_DECIDE = timedelta(days=30)


def open_due(*, at: datetime) -> int:
    """Open a review for each scope with bindings that was not reviewed for a quarter. Returns how many."""
    recent = Review.objects.filter(opened_at__gt=at - EVERY).values_list("scope_kind", "scope_id")
    seen = set(recent)
    standing = Binding.objects.in_force(at).filter(created_at__lte=at - EVERY)
    due = {(kind, key): label for kind, key, label in standing.values_list("scope_kind", "scope_id", "scope_label")}
    opened = 0
    for (kind, key), label in sorted(due.items(), key=str):
        if (kind, key) not in seen:
            opened += _open(kind, key, label, at)
    return opened


@transaction.atomic
def _open(kind: str, key: UUID | None, label: str, at: datetime) -> int:
    place = memberships.page_of(kind, key)
    review = Review(
        scope_kind=kind,
        scope_id=key,
        scope_label=place[0] if place else label,
        opened_at=at,
        due_at=at + TIME_TO_DECIDE,
    )
    Review.objects.bulk_create([review], ignore_conflicts=True)
    if not Review.objects.filter(pk=review.pk).exists():
        return 0  # one is open still
    audit.record("requests.review.open", by=SYSTEM, on=review.as_subject())
    jobs.enqueue("portal.requests.tell_review", key=str(review.pk), by=SYSTEM, review_id=str(review.pk))
    return 1


def bindings_of(review: Review, *, at: datetime) -> list[Binding]:
    """Return the bindings to decide on: those in force on the scope, people, groups and robots alike."""
    on = Binding.objects.in_force(at).on(review.scope_kind, review.scope_id)
    return list(on.select_related("user", "group__provider").order_by("role", "created_at", "pk"))


@transaction.atomic
def decide(*, review: Review, answers: Mapping[UUID, bool], reviewer: User, by: Actor, at: datetime) -> Review:
    """Keep (True) or drop (False) each binding of the scope; the review is closed.

    Raises `Refused` for a binding without an answer; `Conflict` when it was closed meanwhile.
    """
    locked = Review.objects.select_for_update().get(pk=review.pk)
    if locked.closed_at is not None:
        raise errors.Conflict.one("", _("This review was closed meanwhile by %s.") % locked.closed_by)
    bindings = bindings_of(locked, at=at)
    if missing := [one for one in bindings if one.pk not in answers]:
        raise errors.Refused.one("", _("Decide on each: %d are left.") % len(missing))
    for binding in bindings:
        keep = answers[binding.pk]
        Decision.objects.create(review=locked, binding_id=binding.pk, keep=keep, by=by.label, at=at)
        if keep:
            locked.kept += 1
        else:
            role_bindings.revoke(binding=binding, by=by, at=at)
            locked.dropped += 1
    locked.closed_at, locked.closed_by = at, by.label
    locked.save()
    audit.record(
        "requests.review.close",
        by=by,
        on=locked.as_subject(),
        after={"kept": locked.kept, "dropped": locked.dropped},
    )
    return locked
