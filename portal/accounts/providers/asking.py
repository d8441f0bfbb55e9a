"""How the doors of GitHub and OIDC ask: one deadline for a whole errand, and a failure that names the host alone."""

from collections.abc import Mapping
from time import monotonic
from urllib.parse import urlencode, urlsplit

from django.utils.translation import gettext as _

from portal.accounts.providers.answers import ProviderDown
from portal.core import egress, outgoing

SECONDS = 8.0  # the longest that one sign-in waits for a provider


class Deadline:
    """One span for every question of an errand together."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._end = monotonic() + seconds

    def left(self) -> float:
        """Raises ProviderDown when nothing is left."""
        left = self._end - monotonic()
        if left <= 0:
            raise ProviderDown(_("the provider was too slow"))
        return left


def ask(  # noqa: PLR0913  (one call, every bound named)
    method: str,
    url: str,
    *,
    ca_pem: str,
    deadline: Deadline,
    headers: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    body: bytes = b"",
    limit: int = outgoing.LIMIT,
) -> outgoing.Answer:
    """Any status is an answer. `form` is sent instead of `body`. Raises ProviderDown."""
    given = {"accept": "application/json", **(headers or {})}
    if form is not None:
        body = urlencode(form).encode("ascii")
        given["content-type"] = "application/x-www-form-urlencoded"
    try:
        return outgoing.request(
            method, url, headers=given, body=body, seconds=deadline.left(), limit=limit, ca_pem=ca_pem
        )
    except outgoing.Unreachable as error:
        host = _host(url)
        raise ProviderDown(_("%(host)s: %(reason)s") % {"host": host, "reason": error.reason}) from None
    except egress.AddressRefused as error:
        raise ProviderDown(str(error)) from None


def mapping(answer: outgoing.Answer, what: str) -> dict[str, object]:
    """The answer's JSON object; `what` names it in a failure. Raises ProviderDown."""
    try:
        found = answer.json()
    except outgoing.Unreachable as error:
        raise ProviderDown(f"{what}: {error.reason}") from None
    if not isinstance(found, dict):
        raise ProviderDown(_("%(what)s: the answer is no JSON object") % {"what": what})
    return found


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
