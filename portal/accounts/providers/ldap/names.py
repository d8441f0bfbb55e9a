"""Text, names and ids as a directory writes them. Pure rules: no connection, no clock."""

import re
import unicodedata
import uuid

from django.utils.translation import gettext as _

from portal.accounts.providers.answers import ProviderDown
from portal.accounts.providers.ldap import library

LONGEST_NAME, LONGEST_EMAIL, LONGEST_PATH = 255, 254, 1000

# Control characters, halves of characters, separators of lines and paragraphs.
_REMOVED = frozenset({"Cc", "Cs", "Zl", "Zp"})
# They turn the direction of the text around them: one name could look like another.
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# A name whose folded text is its canonical form: nothing escaped, one value in each part, single spaces inside.
_SIMPLE = re.compile(r"[a-z][a-z0-9-]*=[\w.@-]+(?: [\w.@-]+)*(?:,[a-z][a-z0-9-]*=[\w.@-]+(?: [\w.@-]+)*)*", re.I)


def clean(text: str, longest: int = LONGEST_NAME) -> str:
    """One line of NFC text without control characters, cut to `longest` characters."""
    kept = (
        " " if letter in "\t\r\n" else letter
        for letter in unicodedata.normalize("NFC", text)
        if letter in "\t\r\n" or not (unicodedata.category(letter) in _REMOVED or letter in _TURNING)
    )
    return "".join(kept).strip()[:longest]


def read(value: bytes, longest: int = LONGEST_NAME) -> str:
    """A value of a directory as text for people."""
    return clean(value.decode("utf-8", errors="replace"), longest)


def canonical(dn: str) -> str:
    """One text for every way to write a distinguished name. Raises ProviderDown when it is none."""
    if _SIMPLE.fullmatch(dn):
        return dn.casefold()
    return str(library.demand().dn.dn2str([[(*pair, 1) for pair in part] for part in parts(dn)]))


def parts(dn: str) -> list[list[tuple[str, str]]]:
    """The parts of a distinguished name, folded, the entry's own first."""
    ldap = library.demand()
    try:
        split = ldap.dn.str2dn(dn)
    except ldap.LDAPError as error:
        raise ProviderDown(_("the directory gave a distinguished name that cannot be read")) from error
    return [sorted((kind.casefold(), " ".join(value.split()).casefold()) for kind, value, _ in part) for part in split]


def inside(dn: str, base: str) -> bool:
    """Whether `dn` stands below `base`, or is it."""
    below = parts(base)
    return bool(below) and parts(dn)[-len(below) :] == below


def escaped(text: str) -> str:
    """As a value in a filter (RFC 4515)."""
    return str(library.demand().filter.escape_filter_chars(text))


def escaped_bytes(value: bytes) -> str:
    return "".join(f"\\{byte:02x}" for byte in value)


def identifier(value: bytes, attribute: str) -> str:
    """The id that never changes, as text. Raises ProviderDown where the directory does not show it.

    objectGUID has 16 bytes, of which the first three fields are little-endian ([MS-DTYP] 2.3.4).
    """
    if attribute.lower() == "objectguid" and len(value) == 16:
        return str(uuid.UUID(bytes_le=value))
    text = read(value)
    if not text or attribute.lower() == "objectguid":
        raise ProviderDown(
            _("an entry shows no %(attribute)s: the service account must be allowed to read it")
            % {"attribute": attribute}
        )
    return text


def identifier_filter(subject: str, attribute: str) -> str:
    """The filter for the entry of this id."""
    if attribute.lower() != "objectguid":
        return f"({attribute}={escaped(subject)})"
    try:
        return f"({attribute}={escaped_bytes(uuid.UUID(subject).bytes_le)})"
    except ValueError as error:
        raise ProviderDown(_("an id that Active Directory cannot have given")) from error
