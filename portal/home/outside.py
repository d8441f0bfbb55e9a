"""What browsers and finders of weaknesses ask for without signing in."""

import json
from datetime import timedelta
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from portal.access import gate
from portal.accounts import limits
from portal.core import clock

REPORT_BYTES = 16 * 1024
# One page with a mistake sends some reports per visit; more of them say nothing new.
PER_NETWORK = limits.Limit("csp.report", 30, timedelta(minutes=1))
CONTACT_DAYS = 180
log = structlog.get_logger()


@csrf_exempt
@require_POST
@gate.public("browsers send reports without a session; what they send is counted and never shown")
def csp_report(request: HttpRequest) -> HttpResponse:
    """Count a report of the content security policy by what it forbade; nothing else of it is kept."""
    at = clock.now()
    address = gate.actor_of(request).address
    if not limits.spend(PER_NETWORK, limits.network_of(address), at):
        return HttpResponse(status=429, headers={"Retry-After": "60"})
    if int(request.META.get("CONTENT_LENGTH") or 0) > REPORT_BYTES:
        return HttpResponse(status=413)
    directive = _directive(request.body)
    if directive is None:
        return HttpResponse(status=400)
    log.warning("csp.violation", directive=directive, reports_this_minute=limits.spent_by_all(PER_NETWORK, at))
    return HttpResponse(status=204)


def _directive(body: bytes) -> str | None:
    """The directive's name where it is one of ours; None for what is no report."""
    try:
        report = json.loads(body)
    except (ValueError, RecursionError):
        return None
    inner = report.get("csp-report") if isinstance(report, dict) else None
    if not isinstance(inner, dict):
        return None
    words = str(inner.get("effective-directive") or inner.get("violated-directive") or "").split()
    known = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    name = words[0].removesuffix("-elem").removesuffix("-attr") if words else ""
    return name if name in known else "other"


@require_GET
@gate.public("whoever finds a weakness must find whom to tell")
def security_txt(request: HttpRequest) -> HttpResponse:
    """Say whom to tell of a weakness (RFC 9116). Raises 404 where nobody is named."""
    contact = settings.SECURITY_CONTACT
    if urlsplit(contact).scheme not in {"mailto", "https"} or len(contact.split()) != 1:
        raise Http404
    expires = clock.now() + timedelta(days=CONTACT_DAYS)
    lines = [f"Contact: {contact}", f"Expires: {expires:%Y-%m-%dT00:00:00Z}", "Preferred-Languages: en"]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
