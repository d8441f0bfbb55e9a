"""Directories as data: people and nested groups, as LDIF for slapd and for Active Directory."""

import base64
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

BASE = "dc=example,dc=org"
PEOPLE = f"ou=people,{BASE}"
GROUPS = f"ou=groups,{BASE}"
OTHER_TREE = f"ou=other,{BASE}"
SERVICE = f"cn=paddock,ou=services,{BASE}"
LIMITED = f"cn=limited,ou=services,{BASE}"
ROOT = f"cn=root,{BASE}"
PASSWORD = "correct horse of {}"  # with a user name
SERVICE_PASSWORD = "service account's own"

_SPACE = uuid.UUID("6f2f7bb5-0fa6-4b54-8c7a-6d7a7b1c1f00")


@dataclass
class World:
    """Who is there and which groups. Members are names of people, or of groups written as `@name`."""

    people: dict[str, str] = field(default_factory=dict)  # user name: display name
    groups: dict[str, list[str]] = field(default_factory=dict)


def password_of(person: str) -> str:
    return PASSWORD.format(person)


def person_dn(person: str) -> str:
    return f"uid={person},{PEOPLE}"


def group_dn(group: str, tree: str = GROUPS) -> str:
    return f"cn={group},{tree}"


def id_of(dn: str) -> str:
    """The entryUUID that the LDIF gives an entry."""
    return str(uuid.uuid5(_SPACE, dn))


def small() -> World:
    """About thirty people. `ann` is in `developers` through `team-blue`; `loop-a` and `loop-b` are in each other."""
    people = {f"person{number:02}": f"Person {number:02}" for number in range(20)}
    people |= {"ann": "Ann Sørensen", "bob": "Bob", "cleo": "Cleo", "dan": "Dan", "fay": "Fay"}
    groups = {
        "team-blue": ["ann", "bob"],
        "team-red": ["cleo"],
        "developers": ["@team-blue", "@team-red", "dan"],
        "everybody": ["@developers", *(f"person{number:02}" for number in range(20))],
        "loop-a": ["@loop-b", "fay"],
        "loop-b": ["@loop-a"],
        "system:masters": ["dan"],
        "paddock:admins": ["dan"],
    }
    return World(people, groups)


def large(people: int = 5000, groups: int = 2000, *, per_person: int = 10, deep: int = 1000) -> World:
    """Everybody in `per_person` groups; a chain and tree of groups puts `deep` and `wide` into a thousand each.

    `deep` is in one group directly and reaches a thousand through others; `wide` is in a thousand directly.
    """
    world = World({f"user{number:05}": f"User {number}" for number in range(people - 2)})
    world.people |= {"deep": "Deep", "wide": "Wide"}
    for number in range(groups):
        world.groups[f"group{number:04}"] = []
    for number in range(1, groups):
        # A tree with four children to each, so that every group but the first stands in another.
        world.groups[f"group{(number - 1) // 4:04}"].append(f"@group{number:04}")
    names = list(world.groups)
    for number, person in enumerate(list(world.people)[: people - 2]):
        for step in range(per_person):
            world.groups[names[(number * 7 + step * 211) % groups]].append(person)
    for number in range(deep):
        inner = [f"@deep{number - 1:04}"] if number else ["deep"]
        world.groups[f"deep{number:04}"] = inner
        world.groups[names[number]].append("wide")
    return world


def openldap(world: World) -> Iterator[str]:
    """The whole tree with memberOf written out, since an offline load runs no overlay."""
    yield _entry(BASE, objectClass=["dcObject", "organization"], dc=["example"], o=["Example"])
    for unit in ("people", "groups", "services", "other"):
        yield _entry(f"ou={unit},{BASE}", objectClass=["organizationalUnit"], ou=[unit])
    for unit in ("people", "groups"):
        yield _entry(f"ou={unit},{OTHER_TREE}", objectClass=["organizationalUnit"], ou=[unit])
    for dn in (SERVICE, LIMITED):
        yield _service(dn)
    of = _member_of(world)
    for person, name in world.people.items():
        yield _person(person_dn(person), person, name, of)
    # The same names in another tree: another person, another group.
    yield _person(f"uid=ann,ou=people,{OTHER_TREE}", "ann", "Ann of the other tree", {})
    yield _group(f"cn=team-blue,ou=groups,{OTHER_TREE}", "team-blue", [f"uid=ann,ou=people,{OTHER_TREE}"], {})
    for group, members in world.groups.items():
        yield _group(group_dn(group), group, [_dn(member) for member in members], of)


def person_entry(person: str) -> str:
    """One more person, as `ldapmodify -a` takes it."""
    return _for_clients(_person(person_dn(person), person, person.title(), {}))


def group_entry(group: str, members: Sequence[str]) -> str:
    """One more group; the running server sets memberOf itself."""
    return _for_clients(_group(group_dn(group), group, [_dn(member) for member in members], {}))


def _for_clients(entry: str) -> str:
    """Without what only an offline load may set."""
    return "".join(line for line in entry.splitlines(keepends=True) if not line.startswith("entryUUID"))


def _dn(member: str) -> str:
    return group_dn(member[1:]) if member.startswith("@") else person_dn(member)


def _member_of(world: World) -> dict[str, list[str]]:
    of: dict[str, list[str]] = {}
    for group, members in world.groups.items():
        for member in members:
            of.setdefault(_dn(member), []).append(group_dn(group))
    return of


def _service(dn: str) -> str:
    name = dn.split(",", 1)[0].removeprefix("cn=")
    classes = ["simpleSecurityObject", "organizationalRole"]
    return _entry(dn, objectClass=classes, cn=[name], userPassword=[SERVICE_PASSWORD])


def _person(dn: str, person: str, name: str, of: dict[str, list[str]]) -> str:
    return _entry(
        dn,
        objectClass=["inetOrgPerson"],
        uid=[person],
        cn=[name],
        sn=[name.split()[-1]],
        mail=[f"{person}@example.org"],
        userPassword=[password_of(person)],
        memberOf=of.get(dn, []),
    )


def _group(dn: str, group: str, members: Sequence[str], of: dict[str, list[str]]) -> str:
    # groupOfNames may not be empty: a group without members holds itself out of the way with the service account.
    return _entry(
        dn, objectClass=["groupOfNames"], cn=[group], member=list(members) or [SERVICE], memberOf=of.get(dn, [])
    )


def _entry(dn: str, **values: list[str]) -> str:
    lines = [_line("dn", dn), _line("entryUUID", id_of(dn))]
    lines += [_line(attribute, value) for attribute, found in values.items() for value in found]
    return "\n".join(lines) + "\n\n"


def _line(attribute: str, value: str) -> str:
    """Base64 wherever plain text is not surely safe (RFC 2849)."""
    if value.isascii() and value.isprintable() and value[:1] not in {" ", ":", "<", ""} and value[-1:] != " ":
        return f"{attribute}: {value}"
    return f"{attribute}:: {base64.b64encode(value.encode()).decode()}"
