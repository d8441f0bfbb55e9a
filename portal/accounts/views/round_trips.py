"""To a provider and back, in the browser."""

from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from portal.access import gate
from portal.access.permissions import Permission
from portal.accounts.models import RoundTrip, User
from portal.accounts.models.round_trips import CONFIRM, LINK, SIGN_IN, TEST
from portal.accounts.outside import sessions_of
from portal.accounts.providers import rows
from portal.accounts.providers.answers import Arrival, NotAdmitted, ProviderDown, WrongCredentials
from portal.accounts.providers.rows import Known
from portal.accounts.signing import factors, linking, round_trips, sign_in, trials, ways_in
from portal.accounts.views.sign_in import ELSEWHERE, next_address, with_next
from portal.core import clock, errors


@require_POST
@gate.public("signing in at a provider")
def begin(request: HttpRequest, key: str) -> HttpResponse:
    """Send the browser on. Only by a form of ours: no other site starts a sign-in in somebody's browser."""
    known, purpose, user = _known(key), request.POST.get("purpose", SIGN_IN), _person(request)
    if purpose not in {SIGN_IN, LINK, CONFIRM, TEST} or (purpose != SIGN_IN and user is None):
        raise Http404
    if purpose == TEST:
        gate.demand(request, Permission.PROVIDER_EDIT)
    if purpose != TEST and not known.usable:
        raise Http404
    if purpose in {LINK, TEST} and not gate.is_fresh(request):
        return gate.to_confirm(request)
    try:
        if purpose == TEST and user is not None:
            trials.demand_tries(user, at=clock.now())
        address = round_trips.begin(
            request.session,
            known,
            purpose=purpose,
            user=user if purpose != SIGN_IN else None,
            next_address=next_address(request),
            at=clock.now(),
        )
    except ProviderDown as down:
        ways_in.note_down(known, down)
        return _failed(request, ways_in.down_text([known], gate.actor_of(request)), 503)
    return render(request, "portal/accounts/onward.html", {"address": address, "provider": known.row})


@require_GET
@gate.public("coming back from a provider")
def callback(request: HttpRequest, key: str) -> HttpResponse:
    """Take the browser back: to a session, a link, a confirmation or a trial's steps."""
    known, actor, at = _known(key), gate.actor_of(request), clock.now()
    if not known.usable and not gate.person(request).may(Permission.PROVIDER_EDIT):
        raise Http404
    try:
        trip = round_trips.redeem(
            request.session, known, state=request.GET.get("state", ""), user=_person(request), at=at
        )
        if trip.purpose == TEST:
            return _tried(request, known, trip)
        arrival = _arrival(request, known, trip)
        return _done(request, known, trip, arrival, at)
    except errors.Refused as refused:
        return _failed(request, str(refused), refused.status)
    except ProviderDown as down:
        ways_in.note_down(known, down)
        return _failed(request, ways_in.down_text([known], actor), 503)


def _arrival(request: HttpRequest, known: Known, trip: RoundTrip) -> Arrival:
    actor = gate.actor_of(request)
    try:
        return round_trips.finish(known, trip, code=request.GET.get("code", ""), issuer=request.GET.get("iss"))
    except WrongCredentials as wrong:
        sign_in.record_refusal("", actor, f"{known.row.key}: {wrong}")
        raise errors.Refused.one(
            "", _("%s did not confirm the sign-in. Nothing was changed.") % known.row.name
        ) from None
    except NotAdmitted as refused:
        raise ways_in.refuse_stranger(known, refused.reason, name="", by=actor) from None


def _done(request: HttpRequest, known: Known, trip: RoundTrip, arrival: Arrival, at: datetime) -> HttpResponse:
    actor, user = gate.actor_of(request), _person(request)
    if trip.purpose == LINK and user is not None:
        linking.link(user=user, known=known, arrival=arrival, by=actor, at=at)
        messages.success(request, _("%s is linked to you. You can sign in with either.") % known.row.name)
        return redirect("accounts:identities")
    if trip.purpose == CONFIRM and user is not None:
        if not linking.is_theirs(user, known.row, arrival.found):
            raise errors.Refused.one("", _("This is not an account of yours."))
        if factors.enrolled(user):
            request.session[ELSEWHERE] = int(at.timestamp())
            return redirect(with_next(reverse("accounts:confirm"), trip.next))
        sign_in.prove(request, user=user, by=actor, at=at)
        return redirect(trip.next or "/")
    if user is not None:
        raise errors.Refused.one("", _("You are signed in here already."))
    proved = ways_in.taken(known, arrival, by=actor, at=at)
    sessions_of.mark(request.session, outside=arrival.sid)
    onward = sign_in.complete(request, user=proved.user, identity=proved.identity, by=actor, at=at)
    wanted = trip.next or "/"
    return redirect(with_next(onward, wanted) if onward else wanted)


def _tried(request: HttpRequest, known: Known, trip: RoundTrip) -> HttpResponse:
    gate.demand(request, Permission.PROVIDER_EDIT)
    steps = trials.by_browser(
        known,
        trip,
        code=request.GET.get("code", ""),
        issuer=request.GET.get("iss"),
        by=gate.actor_of(request),
        at=clock.now(),
    )
    return render(request, "portal/accounts/trial.html", trials.page(known, steps))


def _known(key: str) -> Known:
    """A provider that browsers are sent to."""
    known = rows.find(key)
    if known is None or known.declared is None or known.declared.kind == "ldap":
        raise Http404
    return known


def _person(request: HttpRequest) -> User | None:
    return User.objects.filter(pk=request.user.pk).first() if request.user.is_authenticated else None


def _failed(request: HttpRequest, text: str, status: int) -> HttpResponse:
    """Say what went wrong, with ways on: the page for signing in, or back to the profile."""
    signed_in = request.user.is_authenticated
    context = {
        "text": text,
        "error_id": gate.actor_of(request).request_id,
        "back": reverse("accounts:identities" if signed_in else "accounts:sign_in"),
        "label": _("Back to your profile") if signed_in else _("Back to signing in"),
    }
    return render(request, "portal/accounts/not_signed_in.html", context, status=status)
