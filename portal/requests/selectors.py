"""Which requests and reviews a person may decide on."""

from django.db.models import Q, QuerySet

from portal.access.permissions import Permission
from portal.access.scopes import Person, ScopeKind
from portal.accounts.bindings import memberships
from portal.requests.models import AccessRequest, Review, State


def decidable(person: Person) -> QuerySet[AccessRequest]:
    """Return the requests about scopes where the person gives roles. Requests for nothing are in none."""
    real = AccessRequest.objects.filter(Q(scope_kind=ScopeKind.EVERYTHING) | Q(scope_id__isnull=False))
    everything = person.scopes_for(Permission.BINDING_EDIT).everything
    return real if everything else real.filter(memberships.inside(person, Permission.BINDING_EDIT))


def own(person: Person) -> QuerySet[AccessRequest]:
    """Return what the person asked for."""
    return AccessRequest.objects.filter(asker_id=getattr(person, "pk", None))


def waiting_for(person: Person) -> QuerySet[AccessRequest]:
    """Return what waits for the person's decision; nobody decides on their own."""
    return decidable(person).filter(state=State.WAITING).exclude(asker_id=getattr(person, "pk", None))


def open_reviews(person: Person) -> QuerySet[Review]:
    """Return the reviews that wait for the person."""
    return reviews_of(person).filter(closed_at=None)


def reviews_of(person: Person) -> QuerySet[Review]:
    """Return the reviews of scopes where the person gives roles."""
    if person.scopes_for(Permission.BINDING_EDIT).everything:
        return Review.objects.all()
    return Review.objects.filter(memberships.inside(person, Permission.BINDING_EDIT))
