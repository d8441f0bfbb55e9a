"""Providers of people, and where outgoing requests may go."""

import ipaddress
from urllib.parse import urlsplit

from portal.config import env


def _networks(name: str) -> list[str]:
    for word in env.words(name):
        try:
            ipaddress.ip_network(word)
        except ValueError:
            raise env.Wrong(f"{name} holds {word!r}: use networks such as 10.1.0.0/16.") from None
    return env.words(name)


def _is_origin(url: str) -> bool:
    if not url:
        return True
    try:
        parts = urlsplit(url)
        known = parts.scheme in {"https", "http"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
    return known and "@" not in url and not (parts.path.strip("/") or parts.query or parts.fragment)


# The text is checked by `portal.accounts.providers.checks`, which names provider and field.
PROVIDERS = env.text("PADDOCK_PROVIDERS")
OUTGOING_ALLOWED = _networks("PADDOCK_OUTGOING_ALLOWED")
# Redirect addresses and links are built from this, never from the Host header, which the asker writes.
BASE_URL = env.checked("PADDOCK_BASE_URL", _is_origin, "use an origin such as https://paddock.example.com.").rstrip("/")
