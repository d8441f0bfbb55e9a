"""Where a cluster is and what proves who is asking. Credentials are passed, never found."""

import base64
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

DEFAULT_PORT = 443


@dataclass(frozen=True, slots=True, repr=False)
class Connection:
    """`server` is an https address without user, query or fragment, perhaps with a path (Rancher's proxy).

    `ca_data`, `client_certificate` and `client_key` are PEM. Made by `kubeconfig.read`, which checks them.
    """

    server: str
    ca_data: bytes
    token: str | None = None
    client_certificate: bytes | None = None
    client_key: bytes | None = None

    def __repr__(self) -> str:
        proofs = [
            name for name, value in (("token", self.token), ("client certificate", self.client_certificate)) if value
        ]
        return f"Connection({self.server!r}, {' and '.join(proofs) or 'no credential'})"

    @property
    def host(self) -> str:
        return urlsplit(self.server).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.server).port or DEFAULT_PORT

    @property
    def base_path(self) -> str:
        """Without a slash at its end: a request's path is put behind it."""
        return urlsplit(self.server).path.rstrip("/")

    def to_json(self) -> str:
        """Holds the credentials: to be sealed, never to be shown or logged."""
        return json.dumps(
            {
                "server": self.server,
                "ca_data": _text(self.ca_data),
                "token": self.token,
                "client_certificate": _text(self.client_certificate),
                "client_key": _text(self.client_key),
            }
        )

    @classmethod
    def from_json(cls, sealed: str | bytes) -> "Connection":
        fields: dict[str, Any] = json.loads(sealed)
        return cls(
            server=fields["server"],
            ca_data=_bytes(fields["ca_data"]) or b"",
            token=fields["token"],
            client_certificate=_bytes(fields["client_certificate"]),
            client_key=_bytes(fields["client_key"]),
        )


def _text(pem: bytes | None) -> str | None:
    return None if pem is None else base64.b64encode(pem).decode("ascii")


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)
