"""GitHub at the wire: sign-in pages, the API of organisations and teams, an app's installations, webhooks.

One server plays github.com's web pages (`/login/…`) and the API below `/api/v3`. What is in it is changed by its
attributes while it runs.
"""

import hashlib
import hmac
import html
import json
import secrets
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.fakes import asking
from tests.fakes.https import Asked, HttpsServer, Reply, redirect

APP, CLIENT, SECRET, WEBHOOK_SECRET = 4711, "Iv1.paddock", "github-client-secret", "github-webhook-secret"
API = "/api/v3"
_KEY = rsa.generate_private_key(65537, 2048)


@dataclass
class Person:
    number: int
    login: str
    name: str = ""
    email: str = ""
    suspended: bool = False

    def shown(self) -> dict[str, Any]:
        suspended = "2026-01-01T00:00:00Z" if self.suspended else None
        told = {"id": self.number, "login": self.login, "type": "User", "name": self.name or None}
        return {**told, "email": self.email or None, "suspended_at": suspended}


@dataclass
class Team:
    number: int
    organisation: int
    slug: str
    parent: int | None = None
    members: set[int] = field(default_factory=set)


@dataclass
class Organisation:
    """`members` maps a person's number to active or pending."""

    number: int
    login: str
    members: dict[int, str] = field(default_factory=dict)
    installed: bool = True

    def shown(self) -> dict[str, Any]:
        return {"id": self.number, "login": self.login, "type": "Organization"}


class GithubServer(HttpsServer):
    """`limited` is laid over every answer of the API while it is set: a rate limit."""

    def __init__(self) -> None:
        super().__init__()
        self.people: dict[int, Person] = {}
        self.organisations: dict[int, Organisation] = {}
        self.teams: dict[int, Team] = {}
        self.limited: Reply | None = None
        self.broken_page = 0  # this page of every list answers 502
        self.stray_link = ""  # lists continue at this address
        self._codes: dict[str, dict[str, str]] = {}
        self._tokens: dict[str, int] = {}  # of people
        self._installation_tokens: dict[str, tuple[int, float]] = {}

    def provider_json(self, key: str = "github", **fields: Any) -> dict[str, Any]:
        """An entry of PADDOCK_PROVIDERS with every organisation that is there now."""
        key_pem = _KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return {
            "key": key,
            "name": "GitHub",
            "kind": "github",
            "web_url": self.url,
            "ca": self.ca_pem,
            "app_id": APP,
            "private_key": key_pem,
            "client_id": CLIENT,
            "client_secret": SECRET,
            "webhook_secret": WEBHOOK_SECRET,
            "organisations": [organisation.login for organisation in self.organisations.values()],
            **fields,
        }

    def add_person(self, login: str, number: int | None = None, **facts: Any) -> Person:
        person = Person(number or 1000 + len(self.people), login, **facts)
        self.people[person.number] = person
        return person

    def add_organisation(self, login: str, number: int | None = None) -> Organisation:
        organisation = Organisation(number or 50 + len(self.organisations), login)
        self.organisations[organisation.number] = organisation
        return organisation

    def add_team(self, organisation: Organisation, slug: str, *members: Person, parent: Team | None = None) -> Team:
        team = Team(
            700 + len(self.teams),
            organisation.number,
            slug,
            parent.number if parent else None,
            {person.number for person in members},
        )
        self.teams[team.number] = team
        return team

    def join(self, organisation: Organisation, *people: Person, state: str = "active") -> None:
        organisation.members.update({person.number: state for person in people})

    def sign_in(self, url: str, login: str) -> dict[str, str]:
        """What a browser does, from the authorize address to the query of the callback."""
        page = asking.get(url, self.ca_pem)
        assert page.status == 200, page.body
        answer = asking.post(url, self.ca_pem, {"login": login})
        assert answer.status == 302, answer.body
        return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}

    def limit_by_reset(self, seconds: int) -> None:
        headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + seconds)}
        self.limited = Reply(403, {"message": "API rate limit exceeded"}, headers)

    def limit_by_wait(self, seconds: int) -> None:
        self.limited = Reply(
            429, {"message": "You have exceeded a secondary rate limit"}, {"Retry-After": str(seconds)}
        )

    def webhook(
        self, event: str, payload: dict[str, Any], secret: str = WEBHOOK_SECRET
    ) -> tuple[bytes, dict[str, str]]:
        """Body and headers of a delivery."""
        body = json.dumps(payload).encode()
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        return body, {
            "Content-Type": "application/json",
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": secrets.token_hex(16),
            "X-Hub-Signature-256": f"sha256={signature}",
        }

    def send_webhook(self, url: str, event: str, payload: dict[str, Any], secret: str = WEBHOOK_SECRET) -> int:
        """Delivers to the portal and returns the status."""
        body, headers = self.webhook(event, payload, secret)
        return asking.ask("POST", url, "", body, headers).status

    def membership_payload(self, action: str, team: Team, person: Person) -> dict[str, Any]:
        """Of a membership event: `action` is added or removed."""
        return {
            "action": action,
            "scope": "team",
            "member": person.shown(),
            "team": self._team(team),
            "organization": self.organisations[team.organisation].shown(),
        }

    def answer(self, asked: Asked) -> Reply:
        if asked.path.startswith(API):
            return self.limited or self._tagged(asked, self._api(asked, asked.path.removeprefix(API)))
        match asked.method, asked.path:
            case "GET", "/login/oauth/authorize":
                return Reply(body=self._page(asked))
            case "POST", "/login/oauth/authorize":
                return self._authorize(asked)
            case "POST", "/login/oauth/access_token":
                return self._token(asked)
        return Reply(404, {"message": "Not Found"})

    def _authorize(self, asked: Asked) -> Reply:
        person = next((each for each in self.people.values() if each.login == asked.form.get("login")), None)
        if person is None:
            return Reply(body=self._page(asked))
        code = secrets.token_hex(10)
        self._codes[code] = {**asked.query, "person": str(person.number)}
        back = {"code": code, "state": asked.query["state"]}
        return redirect(f"{asked.query['redirect_uri']}?{urlencode(back)}")

    def _token(self, asked: Asked) -> Reply:
        form = asked.form
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
            return Reply(body={"error": "incorrect_client_credentials"})
        begun = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = urlsafe_b64encode(digest).rstrip(b"=").decode()
        if begun is None or begun.get("code_challenge") != challenge:
            return Reply(body={"error": "bad_verification_code"})
        if begun["redirect_uri"] != form.get("redirect_uri"):
            return Reply(body={"error": "redirect_uri_mismatch"})
        token = f"ghu_{secrets.token_hex(16)}"
        self._tokens[token] = int(begun["person"])
        return Reply(body={"access_token": token, "token_type": "bearer", "scope": ""})

    def _api(self, asked: Asked, path: str) -> Reply:
        steps = path.strip("/").split("/")
        if steps[0] == "user":
            person = self.people.get(self._tokens.get(asked.bearer, 0))
            return self._own(asked, path, person) if person else Reply(401, {"message": "Bad credentials"})
        if steps[0] == "app":
            return self._app(asked, steps) if self._is_app(asked.bearer) else Reply(401, {"message": "Bad credentials"})
        organisation, expires = self._installation_tokens.get(asked.bearer, (0, 0.0))
        if expires < time.time():
            return Reply(401, {"message": "Bad credentials"})
        if steps[0] != "organizations" or steps[1] != str(organisation):
            return Reply(404, {"message": "Not Found"})
        return self._organisation(asked, self.organisations[organisation], steps[2:])

    def _own(self, asked: Asked, path: str, person: Person) -> Reply:
        if path == "/user":
            return Reply(body=person.shown())
        if path == "/user/memberships/orgs":
            # The real one filters by state as well; a door that trusts only the filter is seen here.
            rows = [
                {"state": organisation.members[person.number], "role": "member", "organization": organisation.shown()}
                for organisation in self.organisations.values()
                if person.number in organisation.members
            ]
            return self._list(asked, rows)
        if path == "/user/teams":
            teams = [team for team in self.teams.values() if person.number in team.members]
            return self._list(asked, [{**self._team(team), "organization": self._home(team)} for team in teams])
        return Reply(404, {"message": "Not Found"})

    def _app(self, asked: Asked, steps: list[str]) -> Reply:
        if steps == ["app", "installations"]:
            rows = [
                {"id": each.number + 9000, "account": each.shown(), "suspended_at": None}
                for each in self.organisations.values()
                if each.installed
            ]
            return self._list(asked, rows)
        number = int(steps[2]) - 9000
        if number not in self.organisations or json.loads(asked.body) != {"permissions": {"members": "read"}}:
            return Reply(422, {"message": "Unprocessable"})
        token = f"ghs_{secrets.token_hex(16)}"
        self._installation_tokens[token] = (number, time.time() + 3600)
        return Reply(
            201, {"token": token, "expires_at": f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"}
        )

    def _organisation(self, asked: Asked, organisation: Organisation, steps: list[str]) -> Reply:
        if steps == ["members"]:
            active = [number for number, state in organisation.members.items() if state == "active"]
            return self._list(asked, [self.people[number].shown() for number in active])
        if steps == ["teams"]:
            return self._list(asked, [self._team(team) for team in self._of(organisation)])
        team = self.teams.get(int(steps[1])) if len(steps) == 3 and steps[0] == "team" else None
        if team is None or team.organisation != organisation.number:
            return Reply(404, {"message": "Not Found"})
        active_members = [
            number for number in sorted(self._with_nested(team)) if organisation.members.get(number) == "active"
        ]
        return self._list(asked, [self.people[number].shown() for number in active_members])

    def _of(self, organisation: Organisation) -> list[Team]:
        return [team for team in self.teams.values() if team.organisation == organisation.number]

    def _with_nested(self, team: Team) -> set[int]:
        nested = [each for each in self.teams.values() if each.parent == team.number]
        return team.members.union(*(self._with_nested(each) for each in nested))

    def _home(self, team: Team) -> dict[str, Any]:
        return self.organisations[team.organisation].shown()

    def _team(self, team: Team) -> dict[str, Any]:
        above = self.teams[team.parent] if team.parent else None
        parent = {"id": above.number, "name": above.slug.title(), "slug": above.slug} if above else None
        return {"id": team.number, "name": team.slug.title(), "slug": team.slug, "parent": parent}

    def _is_app(self, token: str) -> bool:
        try:
            claims = jwt.decode(token, _KEY.public_key(), algorithms=["RS256"], issuer=str(APP))
        except jwt.PyJWTError:
            return False
        return int(claims["exp"]) - time.time() <= 600

    def _list(self, asked: Asked, rows: list[dict[str, Any]]) -> Reply:
        """A page of it, 30 unless `per_page` says more, 100 at most, as the real one."""
        size = min(int(asked.query.get("per_page", "30")), 100)
        page = int(asked.query.get("page", "1"))
        if page == self.broken_page:
            return Reply(502, "<html>Bad gateway</html>")
        headers = {}
        if page * size < len(rows):
            query = urlencode({**asked.query, "page": str(page + 1)})
            address = self.stray_link or f"{self.url}{asked.path}?{query}"
            headers["Link"] = f'<{address}>; rel="next", <{self.url}{asked.path}?page=1>; rel="first"'
        return Reply(body=rows[(page - 1) * size : page * size], headers=headers)

    def _tagged(self, asked: Asked, reply: Reply) -> Reply:
        """With an ETag over what is shown, as the real one has; 304 where the asker knows it."""
        if asked.method != "GET" or reply.status != 200:
            return reply
        tag = f'W/"{hashlib.sha256(reply.content()[0]).hexdigest()[:16]}"'
        headers = {**reply.headers, "ETag": tag}
        return Reply(304 if asked.headers.get("if-none-match") == tag else 200, reply.body, headers)

    def _page(self, asked: Asked) -> str:
        address = html.escape(f"{asked.path}?{urlencode(asked.query)}")
        names = [html.escape(person.login) for person in self.people.values()]
        buttons = "".join(f'<button name="login" value="{name}">Continue as {name}</button>' for name in names)
        form = f'<form method="post" action="{address}">{buttons}</form>'
        return f"<!doctype html><title>GitHub</title><h1>GitHub</h1>{form}"
