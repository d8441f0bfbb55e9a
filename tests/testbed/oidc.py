"""An OpenID Connect provider that is not ours: the example server of zitadel/oidc, built from its Go module.

Client, people and passwords are those of the example. It speaks http, and listens on every interface since it takes
no address: it knows nothing but its example and lives as long as a test.
"""

import html
import http.client
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from tests.testbed import build, places, ports, processes

CLIENT, SECRET = "web", "secret"
PASSWORD = "verysecure"
PERSON = {"sub": "id2", "username": "test-user2", "name": "Test User2", "email": "test-user2@zitadel.ch"}


class OidcServer:
    """Started by `start`. One redirect address, given at its start."""

    def __init__(self, *, redirect_uri: str, run: processes.RunFolder, leases: ports.Ports) -> None:
        self.port = leases.lease()
        environment = {"PORT": str(self.port), "REDIRECT_URI": redirect_uri}
        settings = [f"{name}={value}" for name, value in environment.items()]
        self.child = run.start("oidc-server", ["/usr/bin/env", *settings, build.locate("oidc-server")["oidc-server"]])
        self.child.wait_until(self._answers, within=30)

    @property
    def issuer(self) -> str:
        return f"http://localhost:{self.port}/"

    def provider_json(self, key: str = "other", **fields: Any) -> dict[str, Any]:
        """An entry of PADDOCK_PROVIDERS. Its id tokens hold `sub` alone, so userinfo is asked."""
        entry = {"key": key, "name": "Another provider", "kind": "oidc", "issuer": self.issuer}
        return {**entry, "client_id": CLIENT, "client_secret": SECRET, "userinfo": True, **fields}

    def sign_in(self, url: str, username: str = PERSON["username"], password: str = PASSWORD) -> dict[str, str]:
        """What a browser does, from the authorize address to the query of the callback; {} when it is refused."""
        status, place, _ = self._ask("GET", url)
        assert status == 302, status
        login = urljoin(url, place)
        status, _, page = self._ask("GET", login)
        assert status == 200, page
        hidden = re.search(r'name="id" value="([^"]+)"', page)
        assert hidden, page
        form = {"username": username, "password": password, "id": html.unescape(hidden[1])}
        status, place, _ = self._ask("POST", urljoin(url, "/login/username"), form)
        if status != 302:
            return {}
        status, place, page = self._ask("GET", urljoin(url, place))
        assert status == 302, page
        return {name: values[0] for name, values in parse_qs(urlsplit(place).query).items()}

    def _answers(self) -> bool:
        try:
            return self._ask("GET", f"{self.issuer}.well-known/openid-configuration")[0] == 200
        except OSError:
            return False

    def _ask(self, method: str, url: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
        """Status, Location, body."""
        parts = urlsplit(url)
        connection = http.client.HTTPConnection("localhost", self.port, timeout=10)
        try:
            headers = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
            target = f"{parts.path}?{parts.query}" if parts.query else parts.path
            connection.request(method, target, urlencode(form) if form is not None else None, headers)
            response = connection.getresponse()
            return response.status, response.headers.get("Location", ""), response.read().decode(errors="replace")
        finally:
            connection.close()


@contextmanager
def start(*, redirect_uri: str) -> Iterator[OidcServer]:
    """Raises places.Missing where it is not built."""
    run, leases = processes.RunFolder(), ports.Ports(places.cache() / "ports")
    try:
        yield OidcServer(redirect_uri=redirect_uri, run=run, leases=leases)
    finally:
        run.close()
        leases.release()
