"""What can be said about a credential without showing it. Pure."""

import base64
import binascii
import json
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from clusters.kube.connection import Connection


def ca_fingerprint(pem: bytes) -> str:
    """Return the SHA-256 of the authority's first certificate as `AB:CD:…`, "" where it cannot be read."""
    try:
        digest = x509.load_pem_x509_certificates(pem)[0].fingerprint(hashes.SHA256())
    except (ValueError, IndexError):
        return ""
    return digest.hex(":").upper()


def expires_at(connection: Connection) -> datetime | None:
    """Return when the token or client certificate stops being good, None where it does not say so."""
    ends = [_token_end(connection.token), _certificate_end(connection.client_certificate)]
    return min((end for end in ends if end is not None), default=None)


def _token_end(token: str | None) -> datetime | None:
    parts = (token or "").split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return datetime.fromtimestamp(int(claims["exp"]), UTC)
    except (ValueError, KeyError, TypeError, OverflowError, OSError, binascii.Error):
        return None


def _certificate_end(pem: bytes | None) -> datetime | None:
    if pem is None:
        return None
    try:
        return x509.load_pem_x509_certificates(pem)[0].not_valid_after_utc
    except (ValueError, IndexError):
        return None
