"""Reads an uploaded kubeconfig strictly: server, authority, and token or client certificate; nothing else.

Whatever could run a program, open a file, switch verification off or act for somebody else is refused by the
name of its field, and so is every field that is not known. Nothing is opened and nothing is resolved here.
"""

import base64
import binascii
import re
import ssl
from urllib.parse import SplitResult, urlsplit

from clusters.kube import strict_yaml
from clusters.kube.connection import Connection
from clusters.kube.strict_yaml import Node
from portal.core import egress

MAX_BYTES = strict_yaml.MAX_BYTES

TOP = frozenset({"apiVersion", "kind", "clusters", "contexts", "users", "current-context"})
# Known, without effect on where a connection goes or who asks.
INERT = frozenset({"preferences", "extensions", "namespace", "disable-compression"})
FILES = "names a file; Paddock opens no files: put the content in as {instead}"
REFUSED = {
    "exec": "runs a program to get a credential; use the token of a service account",
    "auth-provider": "needs a sign-in plug-in; use the token of a service account",
    "certificate-authority": FILES.format(instead="certificate-authority-data"),
    "client-certificate": FILES.format(instead="client-certificate-data"),
    "client-key": FILES.format(instead="client-key-data"),
    "tokenFile": FILES.format(instead="token"),
    "proxy-url": "sends the connection through a proxy, which is not supported",
    "tls-server-name": "checks the certificate for another name, which is not supported",
    "username": "signs in by password, which Kubernetes no longer knows; use a token",
    "password": "signs in by password, which Kubernetes no longer knows; use a token",
    "as": "acts for another user, which is not allowed",
    "as-uid": "acts for another user, which is not allowed",
    "as-groups": "acts for other groups, which is not allowed",
    "as-user-extra": "acts for another user, which is not allowed",
}
LONGEST_SERVER = 2_000

_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
_PATH = re.compile(r"(?:/[A-Za-z0-9._~:@-]+)*/?")
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\s+([A-Za-z0-9+/=\s]+?)-----END \1-----")
_KEY_LABELS = frozenset({b"PRIVATE KEY", b"RSA PRIVATE KEY", b"EC PRIVATE KEY"})


class KubeconfigError(ValueError):
    """`field` is a path such as "users[0].user.exec", "" for the whole file; `message` follows it in a sentence."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field or 'The file'} {message}.")
        self.field = field
        self.message = message


def read(data: bytes) -> Connection:
    """Raises KubeconfigError."""
    try:
        content = strict_yaml.load(data)
    except strict_yaml.Refused as error:
        raise KubeconfigError("", str(error)) from None
    if not isinstance(content, dict) or "clusters" not in content:
        raise KubeconfigError("", "is not a kubeconfig: it has no clusters")
    _only(content, TOP, "")
    _fixed(content, "apiVersion", "v1")
    _fixed(content, "kind", "Config")
    cluster_name, cluster = _entry(content, "clusters", "cluster")
    user_name, user = _entry(content, "users", "user")
    context_name, context = _entry(content, "contexts", "context")
    _only(context, frozenset({"cluster", "user"}), "contexts[0].context.")
    _refers(context.get("cluster"), cluster_name, "contexts[0].context.cluster")
    _refers(context.get("user"), user_name, "contexts[0].context.user")
    if content.get("current-context") is not None:
        _refers(content["current-context"], context_name, "current-context")
    server, authority = _cluster(cluster, "clusters[0].cluster.")
    return Connection(server, authority, *_user(user, "users[0].user."))


def _entry(content: dict[str, Node], section: str, inner: str) -> tuple[str, dict[str, Node]]:
    entries = content.get(section)
    if not isinstance(entries, list) or not entries:
        raise KubeconfigError(section, "is missing or empty")
    if len(entries) > 1:
        raise KubeconfigError(section, f"has {len(entries)} entries; leave only the one of this cluster")
    entry = entries[0]
    if not isinstance(entry, dict):
        raise KubeconfigError(f"{section}[0]", "is not a mapping")
    _only(entry, frozenset({"name", inner}), f"{section}[0].")
    name, value = entry.get("name"), entry.get(inner)
    if not isinstance(name, str):
        raise KubeconfigError(f"{section}[0].name", "is missing")
    if not isinstance(value, dict):
        raise KubeconfigError(f"{section}[0].{inner}", "is missing")
    return name, value


def _only(mapping: dict[str, Node], known: frozenset[str], where: str) -> None:
    for field, value in mapping.items():
        if field in known or field in INERT:
            continue
        if field == "insecure-skip-tls-verify":
            if value == "false":
                continue
            raise KubeconfigError(where + field, "switches verification off; there is no insecure mode")
        raise KubeconfigError(where + field[:100], REFUSED.get(field, "is not a field Paddock knows"))


def _fixed(content: dict[str, Node], field: str, value: str) -> None:
    if content.get(field, value) != value:
        raise KubeconfigError(field, f"is not {value}")


def _refers(value: Node, name: str, field: str) -> None:
    if value != name:
        raise KubeconfigError(field, "does not name the entry in the file")


def _cluster(cluster: dict[str, Node], where: str) -> tuple[str, bytes]:
    _only(cluster, frozenset({"server", "certificate-authority-data"}), where)
    authority = _pem(cluster, "certificate-authority-data", where)
    if authority is None:
        raise KubeconfigError(where + "certificate-authority-data", "is missing")
    _certificates(authority, where + "certificate-authority-data")
    return _server(cluster.get("server"), where + "server"), authority


def _server(server: Node, field: str) -> str:
    if not isinstance(server, str):
        raise KubeconfigError(field, "is missing")
    if len(server) > LONGEST_SERVER or not server.isascii() or not server.isprintable() or " " in server:
        raise KubeconfigError(field, "is not an address")
    try:
        parts = urlsplit(server)
        port = parts.port
    except ValueError:
        raise KubeconfigError(field, "is not an address") from None
    _check_address(parts, port, server, field)
    host = (parts.hostname or "").lower()
    try:
        egress.check_host(host)
    except egress.AddressRefused as error:
        raise KubeconfigError(field, f"is refused: {error.reason}") from None
    shown = f"[{host}]" if ":" in host else host
    return f"https://{shown}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


def _check_address(parts: SplitResult, port: int | None, server: str, field: str) -> None:
    if parts.scheme != "https":
        raise KubeconfigError(field, "does not begin with https://")
    if "@" in parts.netloc:
        raise KubeconfigError(field, "holds a user name or password")
    if "?" in server or "#" in server:
        raise KubeconfigError(field, "holds a query or a fragment")
    if "\\" in server or not _PATH.fullmatch(parts.path) or ".." in parts.path:
        raise KubeconfigError(field, "has an unusual path")
    if not parts.hostname or port == 0:
        raise KubeconfigError(field, "has no host or no port")


def _user(user: dict[str, Node], where: str) -> tuple[str | None, bytes | None, bytes | None]:
    _only(user, frozenset({"token", "client-certificate-data", "client-key-data"}), where)
    token = user.get("token")
    if token is not None:
        token = token.strip() if isinstance(token, str) else ""
        if not _TOKEN.fullmatch(token):
            raise KubeconfigError(where + "token", "is not a token")
    certificate = _pem(user, "client-certificate-data", where)
    key = _pem(user, "client-key-data", where)
    if certificate is not None:
        _certificates(certificate, where + "client-certificate-data")
    if key is not None:
        _private_key(key, where + "client-key-data")
    if (certificate is None) != (key is None):
        missing = "client-key-data" if key is None else "client-certificate-data"
        raise KubeconfigError(where + missing, "is missing beside its counterpart")
    if token is None and certificate is None:
        raise KubeconfigError(where.rstrip("."), "holds no credential: give a token, or certificate and key data")
    return token, certificate, key


def _pem(mapping: dict[str, Node], field: str, where: str) -> bytes | None:
    value = mapping.get(field)
    if value is None:
        return None
    if not isinstance(value, str):
        raise KubeconfigError(where + field, "is not text")
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        raise KubeconfigError(where + field, "is not base64") from None


def _certificates(pem: bytes, field: str) -> None:
    labels = _labels(pem)
    if not labels or set(labels) != {b"CERTIFICATE"}:
        raise KubeconfigError(field, "is not a PEM certificate")
    try:
        # A context that is thrown away: it parses the certificates and opens nothing.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem.decode("ascii"))
    except (ssl.SSLError, ValueError):
        raise KubeconfigError(field, "holds a certificate that cannot be read") from None


def _private_key(pem: bytes, field: str) -> None:
    # OpenSSL writes the parameters of an elliptic curve as a block of their own before the key.
    labels = [label for label in _labels(pem) if label != b"EC PARAMETERS"]
    if len(labels) != 1 or labels[0] not in _KEY_LABELS:
        raise KubeconfigError(field, "is not one PEM private key without a passphrase")


def _labels(pem: bytes) -> list[bytes]:
    labels = []
    for label, body in _PEM.findall(pem):
        try:
            base64.b64decode(b"".join(body.split()), validate=True)
        except binascii.Error:
            return []
        labels.append(label)
    return labels
