"""What a browser or a provider's server sends in tests: one request, no redirects followed."""

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit


@dataclass(frozen=True)
class Answered:
    status: int
    headers: dict[str, str]
    body: bytes


def get(url: str, ca_pem: str, headers: Mapping[str, str] | None = None) -> Answered:
    return ask("GET", url, ca_pem, b"", headers or {})


def post(url: str, ca_pem: str, form: Mapping[str, str]) -> Answered:
    return ask("POST", url, ca_pem, urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded"})


def ask(method: str, url: str, ca_pem: str, body: bytes, headers: Mapping[str, str]) -> Answered:
    """`ca_pem` is "" for plain HTTP."""
    parts = urlsplit(url)
    assert parts.hostname
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        trust = ssl.create_default_context(cadata=ca_pem)
        connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=20, context=trust)
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    try:
        connection.request(method, f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path, body, headers)
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    return Answered(response.status, {name.lower(): value for name, value in response.getheaders()}, content)
