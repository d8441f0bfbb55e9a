"""A raw HTTP client of a Kubernetes API, so that a check sees exactly what the server says."""

import contextlib
import http.client
import json
import ssl
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Body = dict[str, Any]
Query = dict[str, Any]

SECONDS = 30


@dataclass(frozen=True)
class Answer:
    """Header names are lower case."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


@dataclass(frozen=True)
class Client:
    """`authority` is the CA as PEM; an `http://` address, that of a proxy, has none."""

    address: str
    authority: str
    token: str = ""

    def get(self, path: str, accept: str = "application/json", **query: Any) -> Answer:
        return self.send("GET", path, query=query, headers={"Accept": accept})

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        with self._asked(method, path, query or {}, body, headers or {}) as response:
            content = response.read()
        named = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, named, content)

    def watch(self, path: str, accept: str = "application/json", **query: Any) -> list[Body]:
        """All events until the server ends the watch; raises http.client.IncompleteRead when it is cut."""
        with self.watching(path, accept, **query) as events:
            return list(events)

    @contextlib.contextmanager
    def watching(self, path: str, accept: str = "application/json", **query: Any) -> Iterator[Iterator[Body]]:
        """The events as they come; the watch stands when the block is entered."""
        with self._asked("GET", path, {"watch": 1, **query}, None, {"Accept": accept}) as response:
            if response.status != 200:
                raise AssertionError(f"watch refused with {response.status}: {response.read()!r}")
            yield (json.loads(line) for line in response)

    @contextlib.contextmanager
    def _asked(
        self, method: str, path: str, query: Mapping[str, Any], body: Any, headers: Mapping[str, str]
    ) -> Iterator[http.client.HTTPResponse]:
        sent = {"Content-Type": "application/json", **headers}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        target = path + (f"?{urllib.parse.urlencode(query)}" if query else "")
        connection = self._connection()
        try:
            connection.request(method, target, None if body is None else json.dumps(body), sent)
            yield connection.getresponse()
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        parts = urllib.parse.urlsplit(self.address)
        if parts.scheme == "http":
            return http.client.HTTPConnection(parts.netloc, timeout=SECONDS)
        context = ssl.create_default_context(cadata=self.authority)
        return http.client.HTTPSConnection(parts.netloc, timeout=SECONDS, context=context)
