"""Kubeconfig texts: one cluster, one user, one context, everything inline."""

import base64
import json


def with_certificate(*, name: str, server: str, authority: bytes, certificate: bytes, key: bytes) -> str:
    """All three bytes arguments are PEM."""
    lines = [f"client-certificate-data: {_encoded(certificate)}", f"client-key-data: {_encoded(key)}"]
    return _text(name, server, authority, lines)


def with_token(*, name: str, server: str, authority: bytes, token: str) -> str:
    return _text(name, server, authority, [f"token: {json.dumps(token)}"])


def _text(name: str, server: str, authority: bytes, credential: list[str]) -> str:
    quoted = json.dumps(name)
    lines = [
        "apiVersion: v1",
        "kind: Config",
        f"current-context: {quoted}",
        "clusters:",
        f"- name: {quoted}",
        "  cluster:",
        f"    server: {json.dumps(server)}",
        f"    certificate-authority-data: {_encoded(authority)}",
        "users:",
        f"- name: {quoted}",
        "  user:",
        *(f"    {line}" for line in credential),
        "contexts:",
        f"- name: {quoted}",
        "  context:",
        f"    cluster: {quoted}",
        f"    user: {quoted}",
    ]
    return "\n".join(lines) + "\n"


def _encoded(pem: bytes) -> str:
    return base64.b64encode(pem).decode()
