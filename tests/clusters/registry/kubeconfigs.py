"""Kubeconfigs: a good one, and each way to be refused."""

import base64
from typing import Any

import yaml

from tests.clusters.kube import certificates

_PAIR = certificates.authority("an authority")


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def content(**user: Any) -> dict[str, Any]:
    """A kubeconfig as data; `user` replaces the user's fields."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "c",
                "cluster": {
                    "server": "https://10.1.2.3:6443",
                    "certificate-authority-data": _b64(_PAIR.certificate_pem),
                },
            }
        ],
        "users": [{"name": "u", "user": user or {"token": "a-token"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }


def with_cluster(**fields: Any) -> bytes:
    """A kubeconfig with more or other fields of its cluster."""
    found = content()
    found["clusters"][0]["cluster"].update(fields)
    return dump(found)


def dump(found: dict[str, Any]) -> bytes:
    """A kubeconfig as bytes."""
    return yaml.safe_dump(found).encode()


def _two_contexts() -> bytes:
    found = content()
    found["contexts"].append({"name": "y", "context": {"cluster": "c", "user": "u"}})
    return dump(found)


def _aliases() -> bytes:
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 30))]
    return "\n".join(lines).encode()


GOOD = dump(content())
# What is wrong -> (the file, what the message begins with)
BAD: dict[str, tuple[bytes, str]] = {
    "exec": (dump(content(exec={"command": "/bin/sh"})), "users[0].user.exec"),
    "auth-provider": (dump(content(**{"auth-provider": {"name": "oidc"}})), "users[0].user.auth-provider"),
    "token file": (dump(content(tokenFile="/etc/passwd")), "users[0].user.tokenFile"),
    "key file": (dump(content(**{"client-key": "/etc/passwd"})), "users[0].user.client-key"),
    "impersonation": (dump(content(**{"token": "t", "as": "system:admin"})), "users[0].user.as"),
    "authority file": (
        with_cluster(**{"certificate-authority": "/etc/passwd"}),
        "clusters[0].cluster.certificate-authority",
    ),
    "proxy": (with_cluster(**{"proxy-url": "http://10.0.0.1"}), "clusters[0].cluster.proxy-url"),
    "no verification": (
        with_cluster(**{"insecure-skip-tls-verify": True}),
        "clusters[0].cluster.insecure-skip-tls-verify",
    ),
    "bad base64": (
        with_cluster(**{"certificate-authority-data": "%%%"}),
        "clusters[0].cluster.certificate-authority-data",
    ),
    "metadata address": (with_cluster(server="https://169.254.169.254"), "clusters[0].cluster.server"),
    "mapped metadata": (with_cluster(server="https://[::ffff:169.254.169.254]"), "clusters[0].cluster.server"),
    "link-local address": (with_cluster(server="https://[fe80::1]:6443"), "clusters[0].cluster.server"),
    "number as address": (with_cluster(server="https://0x7f000001"), "clusters[0].cluster.server"),
    "plain http": (with_cluster(server="http://10.1.2.3"), "clusters[0].cluster.server"),
    "user in address": (with_cluster(server="https://a@10.1.2.3"), "clusters[0].cluster.server"),
    "two contexts": (_two_contexts(), "contexts"),
    "aliases": (_aliases(), "The file"),
    "five megabytes": (b"#" + b"x" * 5_000_000 + b"\n" + GOOD, "The file"),
    "not yaml": (b"{", "The file"),
    "empty": (b" ", "The file"),
}
