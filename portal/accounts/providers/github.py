"""The door to GitHub, on github.com or an Enterprise server, by a GitHub App.

People sign in by the app's code flow; organisations, teams and members are read with the app's installation tokens.
A person is their number, a group is `org:<number>` or `team:<number>`: logins and slugs are given away and taken by
others, numbers never. Nothing here reads or writes the database.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from portal.accounts.providers import asking, github_api
from portal.accounts.providers.answers import Arrival, Found, Group, NotAdmitted, ProviderDown, Start, WrongCredentials
from portal.accounts.providers.declared import GithubProvider
from portal.accounts.providers.github_api import Organisation

LONGEST = 255
_ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every team and organisation; `groups` is None where nothing changed since `etag` was given out."""

    groups: tuple[Group, ...] | None
    etag: str


@dataclass(frozen=True, slots=True)
class Members:
    """Subjects of all active members, those of nested teams included; None where nothing changed since `etag`.

    This is the whole truth of one group: who is not in it is not in the group by any other way.
    """

    subjects: frozenset[str] | None
    etag: str


def start(p: GithubProvider, *, redirect_uri: str, fresh: bool = False) -> Start:
    """GitHub cannot be made to ask for a password again; `fresh` makes it ask for the account."""
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    asked = {
        "client_id": p.client_id,
        "redirect_uri": redirect_uri,
        "state": state,
        "code_challenge": urlsafe_b64encode(digest).rstrip(b"=").decode("ascii"),
        "code_challenge_method": "S256",
        "allow_signup": "false",
    }
    if fresh:
        asked["prompt"] = "select_account"
    return Start(f"{p.web_url}/login/oauth/authorize?{urlencode(asked)}", state, "", verifier)


def finish(  # noqa: PLR0913  (the same call as that of the OIDC door)
    p: GithubProvider,
    *,
    code: str,
    verifier: str,
    redirect_uri: str,
    nonce: str = "",
    fresh_since: datetime | None = None,
    issuer: str | None = None,
) -> Arrival:
    """Trade the code for a person and their active memberships in declared organisations.

    Raises ProviderDown, WrongCredentials, and NotAdmitted for somebody who is an active member of none.
    """
    if fresh_since is not None:
        raise NotAdmitted(_("GitHub cannot prove that somebody signed in anew"))
    deadline = asking.Deadline()
    token = _redeem(p, code, verifier, redirect_uri, deadline)
    asker = github_api.Asker(p, token, deadline)
    person = asker.mapping("/user")
    subject = _number(person.get("id"))
    if subject is None or person.get("type", "User") != "User":
        raise WrongCredentials(_("the token is not that of a person"))
    groups = _own_groups(p, asker, deadline)
    if not groups:
        raise NotAdmitted(_("not an active member of a declared organisation"))
    found = Found(
        subject=subject,
        username=_text(person.get("login")) or subject,
        display_name=_text(person.get("name")),
        email=_text(person.get("email")),
        groups=frozenset(group.external_id for group in groups),
        disabled=bool(person.get("suspended_at")),
    )
    return Arrival(found, tuple(groups))


def groups(p: GithubProvider, *, etag: str = "") -> Catalogue:
    """Declared organisations and all their teams. Raises ProviderDown when one of them cannot be read whole."""
    deadline = asking.Deadline(github_api.JOB_SECONDS)
    organisations = github_api.organisations(p, deadline)
    found: list[Group] = [_organisation(organisation) for organisation in organisations]
    state = github_api.Etags(etag)
    named = "|".join(sorted(f"{organisation.number}={organisation.login}" for organisation in organisations))
    changed = state.differs("organisations", named)
    pages = {
        organisation: github_api.pages(
            github_api.installed(p, organisation, deadline), f"/organizations/{organisation.number}/teams", state
        )
        for organisation in organisations
    }
    if not changed and all(page is None for page in pages.values()):
        return Catalogue(None, state.text())
    for organisation, teams in pages.items():
        if teams is None:
            asker = github_api.installed(p, organisation, deadline)
            teams = github_api.whole(asker, f"/organizations/{organisation.number}/teams", state)
        found += [_team(team, organisation) for team in teams]
    return Catalogue(tuple(found), state.text())


def members(p: GithubProvider, external_id: str, *, etag: str = "", organisation: str = "") -> Members:
    """Who is in a group. `organisation` (`org:<number>`) saves looking where a team lives.

    Raises ProviderDown when the list cannot be read whole, and when no declared organisation knows the group.
    """
    kind, _colon, number = external_id.partition(":")
    if kind not in {"org", "team"} or not number.isdecimal():
        raise ProviderDown(_("%(group)s is not a group of GitHub") % {"group": external_id[:60]})
    deadline = asking.Deadline(github_api.JOB_SECONDS)
    home = f"org:{number}" if kind == "org" else organisation
    candidates = [each for each in github_api.organisations(p, deadline) if not home or home == f"org:{each.number}"]
    for candidate in candidates:
        base = f"/organizations/{candidate.number}"
        path = f"{base}/members" if kind == "org" else f"{base}/team/{number}/members"
        state = github_api.Etags(etag)
        try:
            people = github_api.pages(github_api.installed(p, candidate, deadline), path, state)
        except github_api.NotThere:
            continue
        return Members(None if people is None else _subjects(people), state.text())
    raise ProviderDown(_("no declared organisation knows the group %(group)s") % {"group": external_id})


def team_members(p: GithubProvider, external_id: str, etag: str = "") -> Members:
    """`members` of a team, wherever it lives."""
    return members(p, external_id, etag=etag)


def check_webhook(p: GithubProvider, *, body: bytes, signature: str) -> None:
    """`body` as it came, before anybody parsed it; `signature` is X-Hub-Signature-256. Raises WrongCredentials."""
    if not p.webhook_secret:
        raise WrongCredentials(_("no webhook secret is declared"))
    right = "sha256=" + hmac.new(p.webhook_secret.encode(), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(right.encode("ascii"), signature.encode("utf-8", "replace")):
        raise WrongCredentials(_("the webhook's signature does not fit"))


def affected(event: str, payload: Mapping[str, Any]) -> frozenset[str]:
    """External ids whose members or names may have changed. An `org:` id stands for all teams of it as well."""
    found: set[str] = set()
    if event in {"membership", "team", "team_add"}:
        team = payload.get("team")
        found |= {f"team:{number}" for each in _with_parents(team) if (number := _number(each.get("id")))}
        # Without a usable team (deleted ones come as a name alone) the organisation stands for it.
        if found:
            return frozenset(found)
    if event in {"membership", "team", "team_add", "organization", "installation"}:
        number = _number(_mapping(payload.get("organization")).get("id"))
        account = _mapping(_mapping(payload.get("installation")).get("account"))
        number = number or _number(account.get("id"))
        found |= {f"org:{number}"} if number else set()
    return frozenset(found)


def _redeem(p: GithubProvider, code: str, verifier: str, redirect_uri: str, deadline: asking.Deadline) -> str:
    form = {
        "client_id": p.client_id,
        "client_secret": p.client_secret,
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    url = f"{p.web_url}/login/oauth/access_token"
    answer = asking.ask("POST", url, ca_pem=p.ca_pem, deadline=deadline, form=form)
    told = asking.mapping(answer, _("the token address"))
    # GitHub answers a refusal with status 200.
    if told.get("error") in {"bad_verification_code", "redirect_uri_mismatch"}:
        raise WrongCredentials(_("GitHub does not take the code"))
    token = told.get("access_token")
    if answer.status != 200 or "error" in told or not isinstance(token, str) or not token:
        raise ProviderDown(_("the token address answered %(status)d without a token") % {"status": answer.status})
    return token


def _own_groups(p: GithubProvider, asker: github_api.Asker, deadline: asking.Deadline) -> list[Group]:
    """Of the person whose token `asker` holds. A pending invitation is no membership."""
    declared = {organisation.number: organisation for organisation in github_api.organisations(p, deadline)}
    active: dict[int, Organisation] = {}
    for row in github_api.whole(asker, "/user/memberships/orgs?state=active"):
        number = _mapping(row.get("organization")).get("id")
        if row.get("state") == _ACTIVE and isinstance(number, int) and number in declared:
            active[number] = declared[number]
    if not active:
        return []
    found = [_organisation(organisation) for organisation in active.values()]
    for row in github_api.whole(asker, "/user/teams"):
        number = _mapping(row.get("organization")).get("id")
        if isinstance(number, int) and number in active:
            found.append(_team(row, active[number]))
    return found


def _organisation(organisation: Organisation) -> Group:
    return Group(f"org:{organisation.number}", organisation.login, organisation.login)


def _team(row: Mapping[str, Any], organisation: Organisation) -> Group:
    """The organisation is no parent: leaving it is seen in its own list, whatever a team's says."""
    number = _number(row.get("id"))
    if number is None:
        raise ProviderDown(_("GitHub lists a team without a number"))
    above = _number(_mapping(row.get("parent")).get("id"))
    name = _text(row.get("name")) or _text(row.get("slug")) or number
    path = f"{organisation.login}/{_text(row.get('slug')) or name}"
    return Group(f"team:{number}", name, path, frozenset({f"team:{above}"} if above else ()))


def _subjects(people: list[dict[str, Any]]) -> frozenset[str]:
    numbers = [_number(person.get("id")) for person in people]
    if None in numbers:
        raise ProviderDown(_("GitHub lists a member without a number"))
    return frozenset(number for number in numbers if number)


def _with_parents(team: object) -> list[dict[str, Any]]:
    """A team and those above it, as far as the message tells."""
    found: list[dict[str, Any]] = []
    while isinstance(team, dict) and len(found) < 32:
        found.append(team)
        team = team.get("parent")
    return found


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> str | None:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _text(value: object) -> str:
    usable = isinstance(value, str) and "\0" not in value and not any("\ud800" <= sign <= "\udfff" for sign in value)
    return str(value)[:LONGEST] if usable else ""
