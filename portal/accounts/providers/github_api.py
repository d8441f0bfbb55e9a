"""Asking GitHub's API: the app's own token, tokens of installations, whole lists, ETags and rate limits."""

import json
import re
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from django.utils.translation import gettext as _

from portal.accounts.providers import asking
from portal.accounts.providers.answers import ProviderDown
from portal.accounts.providers.declared import GithubProvider
from portal.core import clock, outgoing

JOB_SECONDS = 120.0  # one list of a job, all pages
PER_PAGE = 100
MOST_PAGES = 500
PAGE_LIMIT = 4 << 20  # bytes
ORGANISATIONS_FRESH = timedelta(minutes=5)
TOKEN_RESERVE = timedelta(minutes=5)
LONGEST_WAIT = timedelta(hours=2)
_NEXT = re.compile(r'<([^<>]+)>\s*;\s*rel="next"')


class NotThere(ProviderDown):
    """GitHub knows no such thing, or does not let the app see it."""


class Refused(ProviderDown):
    """The token is not good, or not for this."""


@dataclass(frozen=True, slots=True)
class Organisation:
    """A declared organisation that has the app installed; `login` as it is now."""

    number: int
    login: str
    installation: int


@dataclass(slots=True)
class _Memory:
    """What this process keeps of one provider. Losing it costs a few requests."""

    organisations: tuple[Organisation, ...] = ()
    organisations_at: datetime | None = None


_memory: dict[GithubProvider, _Memory] = {}
_tokens: dict[tuple[GithubProvider, int], tuple[str, datetime]] = {}
_quiet: dict[tuple[str, str], datetime] = {}
_lock = threading.Lock()


def forget() -> None:
    """Drop everything known, as a new process would."""
    _memory.clear()
    _tokens.clear()
    _quiet.clear()


class Asker:
    """Asks with one token. `who` names whose rate limit it is; "" for a person's own."""

    def __init__(self, p: GithubProvider, token: str, deadline: asking.Deadline, who: str = "") -> None:
        self.p = p
        self._token = token
        self._deadline = deadline
        self._who = who

    def ask(self, path: str, *, method: str = "GET", body: bytes = b"", etag: str = "") -> outgoing.Answer:
        """`path` below the API's address, or a whole address below it. 200, 201, 304; raises for all else."""
        quiet = _quiet.get((self.p.key, self._who)) if self._who else None
        if quiet and quiet > clock.now():
            raise ProviderDown(_limited(quiet), quiet)
        headers = {
            "accept": "application/vnd.github+json",
            "authorization": f"Bearer {self._token}",
            "x-github-api-version": "2022-11-28",
        }
        if etag:
            headers["if-none-match"] = etag
        url = path if path.startswith("https://") or path.startswith("http://") else self.p.api_url + path
        answer = asking.ask(
            method, url, ca_pem=self.p.ca_pem, deadline=self._deadline, headers=headers, body=body, limit=PAGE_LIMIT
        )
        self._judge(answer)
        return answer

    def mapping(self, path: str, *, method: str = "GET", body: bytes = b"") -> dict[str, Any]:
        return asking.mapping(self.ask(path, method=method, body=body), "GitHub")

    def _judge(self, answer: outgoing.Answer) -> None:
        if answer.status in {200, 201, 304}:
            return
        until = _until(answer)
        if until is not None:
            if self._who:
                _quiet[self.p.key, self._who] = until
            raise ProviderDown(_limited(until), until)
        if answer.status == 404:
            raise NotThere(_("GitHub does not know what was asked for, or hides it from the app"))
        if answer.status == 401:
            # A token may be taken back before its end: the next errand asks for a new one.
            for kept in [kept for kept in _tokens if kept[0] == self.p]:
                _tokens.pop(kept, None)
        if answer.status in {401, 403}:
            raise Refused(_("GitHub refuses the app (status %(status)d)") % {"status": answer.status})
        raise ProviderDown(_("GitHub answered with status %(status)d") % {"status": answer.status})


class Etags:
    """What was seen of lists, page by page, as one text that the caller keeps and need not understand."""

    def __init__(self, text: str) -> None:
        try:
            before = json.loads(text) if text else {}
        except ValueError:
            before = {}
        self._before: dict[str, Any] = before if isinstance(before, dict) else {}
        self._now: dict[str, Any] = {}

    def text(self) -> str:
        return json.dumps(self._now, separators=(",", ":"), sort_keys=True)

    def differs(self, name: str, value: str) -> bool:
        self._now[name] = value
        return self._before.get(name) != value

    def of(self, path: str) -> list[tuple[str, str]]:
        """(address, ETag) of each page in its order."""
        rows = self._before.get(path)
        if not isinstance(rows, list):
            return []
        return [(str(row[0]), str(row[1])) for row in rows if isinstance(row, list) and len(row) == 2]

    def keep(self, path: str, rows: list[tuple[str, str]]) -> None:
        self._now[path] = [list(row) for row in rows]


def organisations(p: GithubProvider, deadline: asking.Deadline) -> tuple[Organisation, ...]:
    """The declared ones. Raises ProviderDown, and when one of them does not have the app installed."""
    memory, at = _memory.setdefault(p, _Memory()), clock.now()
    if memory.organisations_at is None or at - memory.organisations_at > ORGANISATIONS_FRESH:
        memory.organisations, memory.organisations_at = _look_up(p, deadline), at
    return memory.organisations


def installed(p: GithubProvider, organisation: Organisation, deadline: asking.Deadline) -> Asker:
    """Asks in the name of the app, as it is installed in the organisation: it may read members, and nothing else."""
    with _lock:
        token, expires = _tokens.get((p, organisation.installation), ("", clock.now()))
        if expires - TOKEN_RESERVE <= clock.now():
            token, expires = _new_token(p, organisation, deadline)
            _tokens[p, organisation.installation] = (token, expires)
    return Asker(p, token, deadline, who=f"installation {organisation.installation}")


def pages(asker: Asker, path: str, etags: Etags) -> list[dict[str, Any]] | None:
    """The whole list; None when no page of it changed. Never a part of it."""
    known = etags.of(path)
    if known and all(asker.ask(address, etag=etag).status == 304 for address, etag in known if etag) and known[-1][1]:
        etags.keep(path, known)
        return None
    return whole(asker, path, etags)


def whole(asker: Asker, path: str, etags: Etags | None = None) -> list[dict[str, Any]]:
    """Every page. Raises ProviderDown rather than give a part."""
    found: list[dict[str, Any]] = []
    rows: list[tuple[str, str]] = []
    address = f"{path}{'&' if '?' in path else '?'}per_page={PER_PAGE}"
    while address:
        if len(rows) == MOST_PAGES:
            raise ProviderDown(_("a list of GitHub has no end"))
        answer = asker.ask(address)
        items = _items(answer)
        following = _next(asker.p, answer)
        # A full last page stays the same when another one follows it: it is asked for anew each time.
        etag = "" if not following and len(items) >= PER_PAGE else answer.headers.get("etag", "")
        rows.append((address, etag))
        found += items
        address = following
    if etags is not None:
        etags.keep(path, rows)
    return found


def _items(answer: outgoing.Answer) -> list[dict[str, Any]]:
    try:
        found = answer.json()
    except outgoing.Unreachable as error:
        raise ProviderDown(f"GitHub: {error.reason}") from None
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise ProviderDown(_("GitHub answered something that is not a list"))
    return found


def _next(p: GithubProvider, answer: outgoing.Answer) -> str:
    """The next page's address; the token goes to no other place than the declared one."""
    following = _NEXT.search(answer.headers.get("link", ""))
    if following is None:
        return ""
    if not following[1].startswith(f"{p.api_url}/"):
        raise ProviderDown(_("GitHub's list continues at another address than the declared one"))
    return following[1]


def _look_up(p: GithubProvider, deadline: asking.Deadline) -> tuple[Organisation, ...]:
    rows = whole(Asker(p, _assertion(p), deadline, who="app"), "/app/installations")
    wanted = {name.lower() for name in p.organisations}
    found: dict[str, Organisation] = {}
    for row in rows:
        account = row.get("account")
        if not isinstance(account, dict):
            continue
        number, login, installation = account.get("id"), account.get("login"), row.get("id")
        if not (isinstance(number, int) and isinstance(login, str) and isinstance(installation, int)):
            continue
        if account.get("type") != "Organization" or row.get("suspended_at"):
            continue
        for name in wanted & {str(number), login.lower()}:
            found[name] = Organisation(number, login, installation)
    if lacking := wanted - set(found):
        names = ", ".join(sorted(lacking))
        raise ProviderDown(_("the app is not installed in the organisation %(names)s") % {"names": names})
    return tuple(sorted(set(found.values()), key=lambda organisation: organisation.number))


def _new_token(p: GithubProvider, organisation: Organisation, deadline: asking.Deadline) -> tuple[str, datetime]:
    asker = Asker(p, _assertion(p), deadline, who="app")
    body = json.dumps({"permissions": {"members": "read"}}).encode()
    told = asker.mapping(f"/app/installations/{organisation.installation}/access_tokens", method="POST", body=body)
    token, expires = told.get("token"), told.get("expires_at")
    try:
        if not isinstance(token, str) or not isinstance(expires, str):
            raise ValueError
        ends = datetime.fromisoformat(expires)
    except ValueError:
        raise ProviderDown(
            _("GitHub gave no token for the organisation %(name)s") % {"name": organisation.login}
        ) from None
    return token, ends if ends.tzinfo else ends.replace(tzinfo=UTC)


def _assertion(p: GithubProvider) -> str:
    """The app's own token, good for less than GitHub's ten minutes; begun a minute ago, since clocks differ."""
    at = clock.now()
    claims = {"iat": at - timedelta(seconds=60), "exp": at + timedelta(minutes=8), "iss": str(p.app_id)}
    return jwt.encode(claims, p.private_key, algorithm="RS256")


def _until(answer: outgoing.Answer) -> datetime | None:
    """When to ask again, where the answer is a rate limit; never later than LONGEST_WAIT from now."""
    if answer.status not in {403, 429}:
        return None
    at = clock.now()
    wait = answer.headers.get("retry-after", "")
    if wait.isdecimal() and len(wait) < 10:
        return min(at + timedelta(seconds=int(wait)), at + LONGEST_WAIT)
    reset = answer.headers.get("x-ratelimit-reset", "")
    if answer.headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal() and len(reset) < 12:
        return min(max(datetime.fromtimestamp(int(reset), UTC), at), at + LONGEST_WAIT)
    # A limit that does not say when: GitHub asks for a minute at least.
    return at + timedelta(minutes=1) if answer.status == 429 else None


def _limited(until: datetime) -> str:
    return _("GitHub's rate limit is used up until %(time)s UTC") % {"time": f"{until:%H:%M:%S}"}
