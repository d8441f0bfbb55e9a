"""Reads the fields of one declared provider, strictly; a fault names provider and field, never a value."""

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509

LARGEST_FILE = 256 * 1024


class Fields:
    """Each field is taken once; `finish` refuses what nobody took (a misspelt field must not pass in silence)."""

    def __init__(self, given: Mapping[str, Any], place: str) -> None:
        self._left = dict(given)
        self.place = place

    def wrong(self, field: str, reason: str) -> ValueError:
        return ValueError(f"{self.place}, {field}: {reason}")

    def finish(self) -> None:
        if self._left:
            raise self.wrong(sorted(self._left)[0][:60], "is not a field of this kind of provider")

    def peek(self, field: str) -> str:
        """The text as it was given, without taking it; "" where it is none."""
        value = self._left.get(field)
        return value.strip() if isinstance(value, str) else ""

    def text(self, field: str, default: str | None = None) -> str:
        """Without a default the field is required and not blank."""
        value = self._left.pop(field, default)
        if value is None:
            raise self.wrong(field, "is missing")
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise self.wrong(field, "must be a text that is not blank")
        if len(value) > LARGEST_FILE or "\0" in value:
            raise self.wrong(field, "is too long or holds a NUL")
        return value.strip()

    def choice(self, field: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        value = self.text(field, default)
        if value not in allowed:
            raise self.wrong(field, f"must be one of {', '.join(allowed)}")
        return value

    def flag(self, field: str, *, default: bool) -> bool:
        value = self._left.pop(field, default)
        if not isinstance(value, bool):
            raise self.wrong(field, "must be true or false")
        return value

    def number(self, field: str, default: int | None = None, *, least: int = 1, most: int = 2**53) -> int:
        value = self._left.pop(field, default)
        if value is None:
            raise self.wrong(field, "is missing")
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.wrong(field, f"must be a whole number from {least} to {most}")
        return value

    def words(self, field: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """A list of texts; without a default it must hold one at least."""
        value = self._left.pop(field, None)
        if value is None and default is not None:
            return default
        if value is None:
            raise self.wrong(field, "is missing")
        if not isinstance(value, list) or not all(isinstance(word, str) and word.strip() for word in value):
            raise self.wrong(field, "must be a list of texts")
        if default is None and not value:
            raise self.wrong(field, "must not be empty")
        return tuple(dict.fromkeys(word.strip() for word in value))

    def secret(self, field: str, default: str | None = None) -> str:
        """Given as `field`, or as `field_file`, the path of a file that holds it."""
        path = self.text(f"{field}_file", "")
        if not path:
            return self.text(field, default)
        if self._left.pop(field, None) is not None:
            raise self.wrong(field, f"is given twice, here and by {field}_file")
        try:
            with Path(path).open("rb") as file:
                content = file.read(LARGEST_FILE + 1)
        except OSError as error:
            raise self.wrong(f"{field}_file", f"cannot be read: {error.strerror}") from None
        if len(content) > LARGEST_FILE:
            raise self.wrong(f"{field}_file", "is too large")
        try:
            value = content.decode("utf-8").strip()
        except UnicodeDecodeError:
            raise self.wrong(f"{field}_file", "is not UTF-8") from None
        if not value or "\0" in value:
            raise self.wrong(f"{field}_file", "is empty or holds a NUL")
        return value

    def authorities(self, field: str = "ca") -> str:
        """Certificates as PEM; "" leaves it to the authorities of the machine."""
        pem = self.secret(field, "")
        if pem:
            try:
                x509.load_pem_x509_certificates(pem.encode())
            except ValueError:
                raise self.wrong(field, "does not hold certificates in PEM form") from None
        return pem

    def web_address(self, field: str, default: str | None = None, *, allow_loopback: bool) -> str:
        """An https address without user, query, fragment or slash at its end; http on loopback where allowed."""
        value = self.text(field, default)
        try:
            parts = urlsplit(value)
            host, _ = parts.hostname or "", parts.port
        except ValueError:
            raise self.wrong(field, "is not an address") from None
        if not host or "@" in parts.netloc or parts.query or parts.fragment or re.search(r"[\s\x00-\x1f\\]", value):
            raise self.wrong(field, "must be an address without user, query or fragment")
        if parts.scheme != "https" and not (parts.scheme == "http" and allow_loopback and is_loopback(host)):
            raise self.wrong(field, "must begin with https://")
        return value.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether `host`, written as an address or as localhost, is this machine. Looks nothing up."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
