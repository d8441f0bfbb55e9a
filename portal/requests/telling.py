"""Mail about requests and reviews."""

from datetime import datetime
from uuid import UUID

from portal.access.scopes import ScopeKind
from portal.accounts.bindings import givers, own_roles
from portal.core import formats
from portal.outbox import services as outbox
from portal.requests.models import AccessRequest, Review, State


def tell(*, request_id: UUID, at: datetime) -> int:
    """Mail those who can decide on a waiting request, or whoever asked once it is decided. Returns how many."""
    request = AccessRequest.objects.select_related("asker").filter(pk=request_id).first()
    if request is None:
        return 0
    if request.state == State.WAITING:
        exists = request.scope_id is not None or request.scope_kind == ScopeKind.EVERYTHING
        to = givers.addresses(request.scope_kind, request.scope_id, at=at, but=request.asker) if exists else []
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
    to = givers.addresses(review.scope_kind, review.scope_id, at=at) if review else []
    if review is not None and to:
        context = {"where": str(review), "due": formats.instant(review.due_at), "path": f"/reviews/{review.pk}/"}
        outbox.mail_from_template("access_review", context, to=to, key=f"review/{review.pk}", at=at)
    return len(to)
