"""Which requests and reviews a person may decide on."""

from django.db.models import Q, QuerySet

from portal.access.permissions import Permission
from portal.access.scopes import Person, ScopeKind
from portal.accounts.bindings import memberships
from portal.requests.models import AccessRequest, Review, State


def decidable(person: Person) -> QuerySet[AccessRequest]:
    """Return the requests about scopes where the person gives roles. Requests for nothing are in none."""
    held = person.scopes_for(Permission.BINDING_EDIT)
    real = AccessRequest.objects.filter(Q(scope_kind=ScopeKind.EVERYTHING) | Q(scope_id__isnull=False))
    return real if held.everything else real.filter(_inside(person))


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
    return Review.objects.filter(_inside(person))


def _inside(person: Person) -> Q:
    held = person.scopes_for(Permission.BINDING_EDIT)
    projects = held.projects | memberships.children(held.teams)
    return (
        Q(scope_kind=ScopeKind.TEAM, scope_id__in=held.teams)
        | Q(scope_kind=ScopeKind.PROJECT, scope_id__in=projects)
        | Q(scope_kind=ScopeKind.CLUSTER, scope_id__in=held.clusters)
    )
