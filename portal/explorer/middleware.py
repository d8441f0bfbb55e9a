"""The request of an administrator who looks on as somebody else."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from portal.access import problems
from portal.access.permissions import Permission
from portal.accounts.models import User
from portal.core import actors, clock
from portal.explorer import looking

Answer = Callable[[HttpRequest], HttpResponse]
STAYS_OPEN = frozenset({"explorer:end_look", "accounts:sign_out"})
# What is the person's own, or holds secrets.
CLOSED = ("/profile/", "/password/", "/confirm/", "/api/")
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class ViewingAs:
    """Put the person looked at in the place of the viewer, and close everything but reading pages.

    Stands behind whoever names the actor.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Change who asks; the rights become those that both have."""
        request.look = None  # type: ignore[attr-defined]
        viewer = None
        if looking.KEY in request.session and request.user.is_authenticated:
            viewer = User.objects.filter(pk=request.user.pk).first()
        # Whoever lost the right to look looks no longer.
        may = viewer is not None and viewer.may(Permission.ACCESS_VIEW_AS)
        look = looking.current(request.session, at=clock.now()) if may else None
        if look is not None:
            look.user.viewer = viewer
            before: actors.Actor = request.actor  # type: ignore[attr-defined]
            request.actor = look.user.as_actor(before.address, before.request_id)  # type: ignore[attr-defined]
            request.user = look.user
            request.look = look  # type: ignore[attr-defined]
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_args: object) -> HttpResponse | None:
        """Say that a look ended by itself; during one refuse writing, files, programs, and what is the person's own."""
        if looking.NOTE in request.session and not request.path.startswith("/api/"):
            messages.warning(request, looking.take_note(request.session))
        match = request.resolver_match
        if request.look is None or match is None or match.view_name in STAYS_OPEN:  # type: ignore[attr-defined]
            return None
        if request.method in SAFE and "format" not in request.GET and not request.path.startswith(CLOSED):
            return None
        text = _("Not while you look as somebody else. End it first.")
        if request.path.startswith("/api/"):
            actor: actors.Actor = request.actor  # type: ignore[attr-defined]
            return problems.as_json(403, "viewing_as", text, actor.request_id)
        return render(request, "refused.html", {"errors": {"": [text]}}, status=403)
