"""Certificates of the fakes that speak TLS."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.testbed.certificates import Authority


class Certificates:
    """An authority that a test's settings may trust, and what servers on this machine show."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._authority = Authority(name="fakes", at=datetime.now(UTC))

    @property
    def ca_pem(self) -> str:
        """The authority, for a setting."""
        return self._authority.certificate.decode()

    def server(self, *, expired: bool = False) -> ssl.SSLContext:
        """What a server shows; for localhost and 127.0.0.1."""
        pair = self._authority.server(lifetime=timedelta(days=-1) if expired else timedelta(days=30))
        file = self._folder / f"server-{expired}.pem"
        file.write_bytes(pair.certificate + pair.key)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(file)
        return context
