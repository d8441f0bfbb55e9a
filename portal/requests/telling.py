"""Mail about requests and reviews."""

from datetime import datetime
from uuid import UUID

from portal.access.permissions import Permission
from portal.access.scopes import ScopeKind
from portal.accounts.giving import memberships, own_roles, role_bindings
from portal.accounts.models import Binding, User
from portal.accounts.selectors import standing
from portal.core import formats
from portal.outbox import services as outbox
from portal.requests.models import AccessRequest, Review, State

MOST_TOLD = 50


def tell(*, request_id: UUID, at: datetime) -> int:
    """Mail those who can decide on a waiting request, or whoever asked once it is decided. Returns how many."""
    request = AccessRequest.objects.select_related("asker").filter(pk=request_id).first()
    if request is None:
        return 0
    if request.state == State.WAITING:
        exists = request.scope_id is not None or request.scope_kind == ScopeKind.EVERYTHING
        to = deciders(request.scope_kind, request.scope_id, but=request.asker) if exists else []
    else:
        to = [request.asker.email] if request.asker.email else []
    if to:
        role = own_roles.find(request.role)
        context = {
            "asker": request.asker.username,
            "role": str(role.name) if role else request.role,
            "where": request.asked_for if request.state != State.WAITING else request.scope_label or "Paddock",
            "reason": request.reason,
            "state": request.get_state_display().lower(),
            "waiting": request.state == State.WAITING,
            "by": request.decided_by,
            "note": request.note,
            "path": "/requests/",
        }
        key = f"request/{request.pk}/{request.state}"
        outbox.mail_from_template("access_request", context, to=to, key=key, at=at)
    return len(to)


def tell_review(*, review_id: UUID, at: datetime) -> int:
    """Mail those who decide on a review. Returns how many."""
    review = Review.objects.filter(pk=review_id, closed_at=None).first()
    to = deciders(review.scope_kind, review.scope_id, but=None) if review else []
    if review is not None and to:
        context = {"where": str(review), "due": formats.instant(review.due_at), "path": f"/reviews/{review.pk}/"}
        outbox.mail_from_template("access_review", context, to=to, key=f"review/{review.pk}", at=at)
    return len(to)


def deciders(kind: str, key: UUID | None, *, but: User | None) -> list[str]:
    """Return the mail addresses of those who give roles on a scope, the nearest first; administrators where none do."""
    near = [(kind, key)]
    if kind == ScopeKind.PROJECT and key is not None:
        near.append((ScopeKind.TEAM.value, memberships.team_of(key)))
    near.append((ScopeKind.EVERYTHING.value, None))
    for scope_kind, scope_id in near:
        scope = role_bindings.Scope(ScopeKind(scope_kind), scope_id)
        held = Binding.objects.on(scope_kind, scope_id)
        people = standing(User.objects.filter(bindings__in=held)).exclude(email="").distinct()[:MOST_TOLD]
        found = [one.email for one in people if one != but and role_bindings.holds(one, Permission.BINDING_EDIT, scope)]
        if found:
            return sorted(found)
    return []
