"""Which groups there are, which stand inside which, and who is in them directly."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from portal.accounts.providers.answers import Group, ProviderDown
from portal.accounts.providers.declared import LdapProvider
from portal.accounts.providers.ldap import entries, names
from portal.accounts.providers.ldap.wire import Connection, Entry

EVERYTHING = "(objectClass=*)"
# Reached through others as well ([MS-ADTS] 3.1.1.3.4.4.3).
IN_CHAIN = "1.2.840.113556.1.4.1941"
AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Known:
    """A group as it was read. `inside` are the canonical names of the groups it says to be in."""

    external_id: str
    name: str
    path: str
    inside: tuple[str, ...]


def of_person(connection: Connection, p: LdapProvider, entry: Entry) -> frozenset[str]:
    """Ids of the groups this person is in directly. One question, or one for every hundred values of memberOf."""
    if p.use_member_of and not entries.is_active_directory(p):
        values = list(entries.all_values(connection, entry, "memberOf"))
        chunks = (values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE))
        conditions = ["".join(f"(entryDN={names.escaped(dn)})" for dn in chunk) for chunk in chunks]
    else:
        conditions = [f"({p.member_attribute}={names.escaped(_as_member(entry, p))})"]
        primary = entries.primary_group(entry)
        if primary:
            conditions[0] += f"(objectSid={names.escaped_bytes(primary)})"
    found: set[str] = set()
    for condition in conditions:
        found.update(_ids(connection, p, f"(|{condition})"))
    return frozenset(found)


def through(connection: Connection, p: LdapProvider, entry: Entry) -> frozenset[str]:
    """Ids of the groups of this person with those reached through others, as Active Directory itself finds them."""
    return frozenset(_ids(connection, p, f"({p.member_attribute}:{IN_CHAIN}:={names.escaped(entry.dn)})"))


def groups(connection: Connection, p: LdapProvider) -> Iterator[Group]:
    """Every group with its direct parents. Keeps names and ids of all, and no list of members."""
    known = catalogue(connection, p)
    parents: dict[str, set[str]] = {}
    if p.nested and p.use_member_of:
        for group in known.values():
            parents[group.external_id] = {known[dn].external_id for dn in group.inside if dn in known}
    elif p.nested and not _names_people(p):
        for dn, member in member_lists(connection, p):
            if dn in known and (child := known.get(_canonical_or_none(member))):
                parents.setdefault(child.external_id, set()).add(known[dn].external_id)
    for group in known.values():
        yield Group(
            external_id=group.external_id,
            name=group.name,
            path=group.path,
            parents=frozenset(parents.get(group.external_id, ())),
        )


def catalogue(connection: Connection, p: LdapProvider) -> dict[str, Known]:
    """Every group by its canonical name."""
    wanted = [p.group_subject_attribute, p.group_name_attribute]
    if p.use_member_of and p.nested:
        wanted.append(entries.many(p, "memberOf"))
    found = {}
    for entry in _groups(connection, p, EVERYTHING, wanted):
        external_id = names.identifier(entry.first(p.group_subject_attribute), p.group_subject_attribute)
        inside = entries.all_values(connection, entry, "memberOf")
        found[names.canonical(entry.dn)] = Known(
            external_id=external_id,
            name=names.read(entry.first(p.group_name_attribute)) or external_id,
            path=names.clean(entry.dn, names.LONGEST_PATH),
            inside=tuple(_canonical_or_none(dn) for dn in inside),
        )
    return found


def member_lists(connection: Connection, p: LdapProvider) -> Iterator[tuple[str, str]]:
    """Each (canonical name of a group, one member of it as written there)."""
    for entry in _groups(connection, p, EVERYTHING, [entries.many(p, p.member_attribute)]):
        dn = names.canonical(entry.dn)
        for member in entries.all_values(connection, entry, p.member_attribute):
            yield dn, member


class Everybody:
    """Who is in which group directly, of everybody at once: two or three passes instead of a question per person.

    Holds a list of ids for each person who is in any group.
    """

    def __init__(self, connection: Connection, p: LdapProvider) -> None:
        self._connection = connection
        self._p = p
        self._by_name = {dn: group.external_id for dn, group in catalogue(connection, p).items()}
        self._by_sid: dict[bytes, str] = {}
        self._by_member: dict[str, list[str]] = {}
        if entries.is_active_directory(p):
            wanted = [p.group_subject_attribute, "objectSid"]
            for entry in _groups(connection, p, EVERYTHING, wanted):
                external_id = names.identifier(entry.first(p.group_subject_attribute), p.group_subject_attribute)
                self._by_sid[entry.first("objectSid")] = external_id
        if not p.use_member_of:
            for dn, member in member_lists(connection, p):
                if dn in self._by_name:
                    key = member if _names_people(p) else _canonical_or_none(member)
                    self._by_member.setdefault(key, []).append(self._by_name[dn])

    def of(self, entry: Entry) -> Iterator[str]:
        if self._p.use_member_of:
            for dn in entries.all_values(self._connection, entry, "memberOf"):
                group = self._by_name.get(_canonical_or_none(dn))
                if group:
                    yield group
        else:
            member = _as_member(entry, self._p)
            yield from self._by_member.get(member if _names_people(self._p) else names.canonical(member), ())
        primary = self._by_sid.get(entries.primary_group(entry))
        if primary:
            yield primary


def _ids(connection: Connection, p: LdapProvider, condition: str) -> Iterator[str]:
    for entry in _groups(connection, p, condition, [p.group_subject_attribute]):
        yield names.identifier(entry.first(p.group_subject_attribute), p.group_subject_attribute)


def _groups(connection: Connection, p: LdapProvider, condition: str, wanted: Iterable[str]) -> Iterator[Entry]:
    yield from connection.pages(
        p.groups_base, f"(&{p.groups_filter}{condition})", list(dict.fromkeys(wanted)), size=p.page_size
    )


def _names_people(p: LdapProvider) -> bool:
    """memberUid holds user names where the others hold distinguished names; such groups do not nest."""
    return p.member_attribute.lower() == "memberuid"


def _as_member(entry: Entry, p: LdapProvider) -> str:
    if _names_people(p):
        return entry.first(p.username_attribute).decode("utf-8", errors="replace")
    return entry.dn


def _canonical_or_none(member: str) -> str:
    """The canonical name; "" for what is none: a directory may hold any text as a member."""
    try:
        return names.canonical(member)
    except ProviderDown:
        return ""
