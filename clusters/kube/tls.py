"""One TLS context per cluster, with that cluster's authority alone, and what a failed handshake means."""

import os
import ssl
from pathlib import Path

from clusters.kube.connection import Connection
from clusters.kube.errors import TlsFailed

# X.509 verification results of OpenSSL.
_NOT_YET_VALID, _EXPIRED = 9, 10
_WRONG_NAME = frozenset({62, 64})
_OLD = ("UNSUPPORTED_PROTOCOL", "PROTOCOL_VERSION", "VERSION_TOO_LOW", "NO_PROTOCOLS")
_NOT_TLS = (
    "WRONG_VERSION_NUMBER",
    "HTTP_REQUEST",
    "UNKNOWN_PROTOCOL",
    "PACKET_LENGTH_TOO_LONG",
    "RECORD_LAYER_FAILURE",
)
_CLIENT = (
    "CERTIFICATE_REQUIRED",
    "ALERT_BAD_CERTIFICATE",
    "ALERT_UNKNOWN_CA",
    "ALERT_CERTIFICATE",
    "ALERT_ACCESS_DENIED",
)


def context(connection: Connection) -> ssl.SSLContext:
    """Never `create_default_context`: it loads the authorities of the machine (828 KiB, 17 ms) and trusts them."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    # Go's clients trust a given intermediate by itself; kubeconfigs in the wild rely on it.
    made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        made.load_verify_locations(cadata=connection.ca_data.decode("ascii"))
        if connection.client_certificate and connection.client_key:
            _load_client(made, connection.client_certificate + b"\n" + connection.client_key)
    except (ssl.SSLError, ValueError):
        raise TlsFailed("bad_material") from None
    return made


def _load_client(made: ssl.SSLContext, pem: bytes) -> None:
    """OpenSSL reads a path only; a file in memory keeps the key off the disk."""
    number = os.memfd_create("client", os.MFD_CLOEXEC)
    with os.fdopen(number, "wb") as file:
        file.write(pem)
        file.flush()
        # An empty password: OpenSSL would otherwise ask for one on the terminal.
        made.load_cert_chain(Path(f"/proc/self/fd/{number}"), password="")


def reason_of(error: ssl.SSLError) -> str:
    """A key of TlsFailed.REASONS."""
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _WRONG_NAME:
            return "wrong_name"
        return {_EXPIRED: "expired", _NOT_YET_VALID: "not_yet_valid"}.get(error.verify_code, "unknown_ca")
    text = (error.reason or "").upper()
    for reason, words in (("old_protocol", _OLD), ("client_certificate", _CLIENT), ("not_tls", _NOT_TLS)):
        if any(word in text for word in words):
            return reason
    return "other"
