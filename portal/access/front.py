"""What is believed of a request before anything else looks at it: proxies, the host, its origin.

Everything that only a proxy may say is removed unless the peer itself is a trusted one, so that code behind this can
read `REMOTE_ADDR` and `request.is_secure()` as they stand.
"""

import ipaddress
from collections.abc import Callable
from functools import cache
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from portal.access import views

Answer = Callable[[HttpRequest], HttpResponse]
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# Reports of browsers come from wherever the page they are about was shown, with any origin or none.
REPORTS = "/csp-report/"
_ONLY_PROXIES_SAY = (
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_SERVER",
    "HTTP_X_FORWARDED_PREFIX",
    "HTTP_X_REAL_IP",
    "HTTP_FORWARDED",
)
# Nobody names a person or a path this way, and the host is what the request line or `Host` says.
_NOBODY_SAYS = (
    "REMOTE_USER",
    "HTTP_REMOTE_USER",
    "HTTP_X_REMOTE_USER",
    "HTTP_X_FORWARDED_USER",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_ORIGINAL_URL",
    "HTTP_X_REWRITE_URL",
    "HTTP_X_HTTP_METHOD_OVERRIDE",
)
# A repeated field arrives here joined by commas. None of these has a comma in a value that is valid.
_ONCE = {
    "HTTP_AUTHORIZATION": "Authorization",
    "HTTP_X_FORWARDED_PROTO": "X-Forwarded-Proto",
    "HTTP_X_FORWARDED_HOST": "X-Forwarded-Host",
    "HTTP_ORIGIN": "Origin",
    "HTTP_X_CSRFTOKEN": "X-CSRFToken",
    "HTTP_SEC_FETCH_SITE": "Sec-Fetch-Site",
}
HEADERS = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(
        f"{name}=()"
        for name in (
            *("accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen"),
            *("gamepad", "geolocation", "gyroscope", "hid", "idle-detection", "magnetometer", "microphone", "midi"),
            *("payment", "picture-in-picture", "screen-wake-lock", "serial", "usb", "xr-spatial-tracking"),
        )
    ),
}
log = structlog.get_logger()


class FrontDoor:
    """Stands before everything: removes what strangers may not say, refuses what cannot be meant honestly."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on with the caller's own address in `REMOTE_ADDR`."""
        fault = _fault(request)
        response = self.get_response(request) if fault is None else _bad(request, fault)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response


class SameOrigin:
    """No other site acts through the browser of somebody signed in, and none reads the API there.

    This stands beside the token of forms: a mistake in one of them opens nothing.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on; refused is in `process_view`, where the page that says so knows the person."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_args: object) -> HttpResponseBase | None:
        """Refuse what a browser says comes from elsewhere."""
        if request.path != REPORTS and _from_elsewhere(request):
            return views.csrf_failed(request, "The request comes from another site.")
        return None


def networks(text: str) -> tuple[frozenset[str], list[ipaddress.IPv4Network | ipaddress.IPv6Network]]:
    """Read `PADDOCK_TRUSTED_NETWORKS`: CIDRs, and the word `unix` for a socket file. Raises `ValueError`."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    named = frozenset(word for word in words if word == "unix")
    return named, [ipaddress.ip_network(word) for word in words if word not in named]


def _fault(request: HttpRequest) -> str | None:
    meta = request.META
    for name in _NOBODY_SAYS:
        if name not in _ONCE:
            meta.pop(name, None)
    trusted = _is_trusted(meta.get("REMOTE_ADDR", ""))
    if not trusted:
        for name in _ONLY_PROXIES_SAY:
            meta.pop(name, None)
    for name, spoken in _ONCE.items():
        if "," in meta.get(name, ""):
            return f"{spoken} is given more than once."
    meta.pop("HTTP_X_FORWARDED_HOST", None)
    if trusted:
        fault = _believe_proxies(request)
        if fault:
            return fault
    try:
        request.get_host()
    except DisallowedHost:
        return "This is not a name of this server."
    return None


def _believe_proxies(request: HttpRequest) -> str | None:
    """Set the address of the caller: the one that the outermost trusted proxy saw."""
    chain = [part.strip() for part in request.META.pop("HTTP_X_FORWARDED_FOR", "").split(",")]
    hops = settings.TRUSTED_PROXIES
    if len(chain) < hops or not chain[-hops]:
        return None
    try:
        request.META["REMOTE_ADDR"] = str(ipaddress.ip_address(chain[-hops]))
    except ValueError:
        return "X-Forwarded-For does not end in addresses."
    return None


def _is_trusted(peer: str) -> bool:
    if not settings.TRUSTED_PROXIES:
        return False
    named, known = _known_networks(settings.TRUSTED_NETWORKS)
    if not peer:
        return "unix" in named
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in known)


@cache
def _known_networks(text: str) -> tuple[frozenset[str], list[ipaddress.IPv4Network | ipaddress.IPv6Network]]:
    return networks(text)


def _bad(request: HttpRequest, fault: str) -> HttpResponse:
    log.warning("request.refused", why=fault, peer=request.META.get("REMOTE_ADDR", ""))
    headers = {"Content-Security-Policy": "default-src 'none'", "Cache-Control": "no-store"}
    return HttpResponse(f"{fault}\n", status=400, content_type="text/plain; charset=utf-8", headers=headers)


def _from_elsewhere(request: HttpRequest) -> bool:
    site = request.META.get("HTTP_SEC_FETCH_SITE", "")
    foreign = site not in {"", "same-origin", "none"}
    by_token = "HTTP_AUTHORIZATION" in request.META
    if request.method not in UNSAFE:
        # Reading a page by a link from elsewhere is what links are for; the API's answers are for no other site.
        return foreign and request.path.startswith("/api/") and not by_token
    origin = request.META.get("HTTP_ORIGIN")
    return foreign or (origin is not None and not _is_own(request, origin))


def _is_own(request: HttpRequest, origin: str) -> bool:
    own = {f"{request.scheme}://{request.get_host()}"}
    if settings.BASE_URL:
        parts = urlsplit(settings.BASE_URL)
        own.add(f"{parts.scheme}://{parts.netloc}")
    return origin in own
