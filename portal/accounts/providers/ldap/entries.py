"""What an entry means: a person, whether the account is switched off, the primary group. Rules over values."""

import dataclasses
from collections.abc import Iterable, Iterator
from datetime import datetime

from portal.accounts.providers.answers import Found
from portal.accounts.providers.declared import ACTIVE_DIRECTORY, LdapProvider
from portal.accounts.providers.ldap import names
from portal.accounts.providers.ldap.wire import Connection, Entry

LONGEST_USERNAME = 200
SLICE = "0-1499"

# userAccountControl and its computed part ([MS-ADTS] 2.2.16).
_DISABLED, _LOCKED = 0x2, 0x10
_NEVER = frozenset({0, 2**63 - 1})
_TICKS = 10_000_000  # of 100 ns in a second; Active Directory counts them from 1601
_BEFORE_1970 = 11_644_473_600
# OpenLDAP's password policy: locked until an administrator unlocks.
_LOCKED_FOR_GOOD = "000001010000Z"

_ACTIVE_DIRECTORY_STATE = ("userAccountControl", "msDS-User-Account-Control-Computed", "accountExpires")
_OTHER_STATE = ("pwdAccountLockedTime", "nsAccountLock")


def is_active_directory(p: LdapProvider) -> bool:
    return p.directory == ACTIVE_DIRECTORY


def wanted_of_person(p: LdapProvider, *, member_of: bool = False) -> list[str]:
    """The attributes to ask for, and no others."""
    wanted = [p.subject_attribute, p.username_attribute, p.name_attribute, p.email_attribute]
    if is_active_directory(p):
        wanted += [*_ACTIVE_DIRECTORY_STATE, "objectSid", "primaryGroupID"]
    else:
        wanted += _OTHER_STATE
    if member_of:
        wanted.append(many(p, "memberOf"))
    return list(dict.fromkeys(wanted))


def person(entry: Entry, p: LdapProvider, *, at: datetime, groups: Iterable[str] = ()) -> Found:
    """Raises ProviderDown when the entry does not show its id."""
    subject = names.identifier(entry.first(p.subject_attribute), p.subject_attribute)
    return Found(
        subject=subject,
        username=names.read(entry.first(p.username_attribute), LONGEST_USERNAME) or subject,
        display_name=names.read(entry.first(p.name_attribute), LONGEST_USERNAME),
        email=names.read(entry.first(p.email_attribute), names.LONGEST_EMAIL),
        dn=names.clean(entry.dn, names.LONGEST_PATH),
        groups=frozenset(groups),
        disabled=switched_off(entry, at=at),
    )


def with_through(found: Found, through: Iterable[str]) -> Found:
    return dataclasses.replace(found, through=frozenset(through) - found.groups)


def switched_off(entry: Entry, *, at: datetime) -> bool:
    """Disabled, locked or expired, by what Active Directory, OpenLDAP and 389 Directory Server write."""
    flags = _number(entry, "userAccountControl") or 0
    computed = _number(entry, "msDS-User-Account-Control-Computed") or 0
    expires = _number(entry, "accountExpires") or 0
    return (
        bool(flags & _DISABLED)
        or bool(computed & _LOCKED)
        or (expires not in _NEVER and expires / _TICKS - _BEFORE_1970 <= at.timestamp())
        or entry.first("pwdAccountLockedTime").decode(errors="replace") == _LOCKED_FOR_GOOD
        or entry.first("nsAccountLock").lower() == b"true"
    )


def primary_group(entry: Entry) -> bytes:
    """The SID of Active Directory's primary group, which is in no `member`; b"" elsewhere.

    It differs from the person's own in its last four bytes alone, the little-endian relative id ([MS-DTYP] 2.4.2).
    """
    own, relative = entry.first("objectSid"), _number(entry, "primaryGroupID")
    if len(own) < 12 or relative is None or not 0 <= relative < 2**32:
        return b""
    return own[:-4] + relative.to_bytes(4, "little")


def many(p: LdapProvider, attribute: str) -> str:
    """How to ask for an attribute of many values: Active Directory hands out 1,500 at a time."""
    return f"{attribute};range={SLICE}" if is_active_directory(p) else attribute


def all_values(connection: Connection, entry: Entry, attribute: str) -> Iterator[str]:
    """Every value as text, also of an attribute that comes in slices (`member;range=0-1499`, [MS-ADTS] 3.1.1.3.1.3.3).

    Asks for the further slices one by one.
    """
    start = attribute.lower()
    while True:
        sliced = [name for name in entry.values if name.startswith(f"{start};range=")]
        yield from _texts(entry.values.get(start, ()))
        if not sliced:
            return
        yield from _texts(entry.values[sliced[0]])
        last = sliced[0].rpartition("-")[2]
        if not last.isdigit():
            return
        entry = connection.read(entry.dn, [f"{attribute};range={int(last) + 1}-*"])


def _texts(values: Iterable[bytes]) -> Iterator[str]:
    for value in values:
        yield value.decode("utf-8", errors="replace")


def _number(entry: Entry, attribute: str) -> int | None:
    try:
        return int(entry.first(attribute))
    except ValueError:
        return None
