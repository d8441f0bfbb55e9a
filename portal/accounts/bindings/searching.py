"""Finding whom to give a role: people, robots and outside groups by any part of their name, in any case."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext as _

from portal.access.permissions import Permission
from portal.access.scopes import Person
from portal.accounts.bindings import memberships
from portal.accounts.models import OutsideGroup, User, fold
from portal.accounts.models.people import ROBOT
from portal.core import errors

SHORTEST, LONGEST, MOST = 2, 100, 20

Kind = Literal["person", "robot", "group"]


@dataclass(frozen=True)
class Candidate:
    """Somebody or some group that a role can be given to. `value` is what a form carries."""

    kind: Kind
    id: UUID
    name: str
    about: str

    @property
    def value(self) -> str:
        """The kind and the id."""
        return f"{self.kind}:{self.id}"

    @property
    def label(self) -> str:
        """Name and what tells it from others of the same name."""
        return f"{self.name} ({self.about})" if self.about else self.name


# So many rows that hold the text are looked at to find the best of them: those whose name begins with it, then the
# shortest. Whoever's user name begins with it is looked up beside them, so that a text that many hold loses nobody.
LOOKED_AT = 300
_PEOPLE = """
SELECT id, kind, username, display_name FROM (
    (SELECT id, kind, username, display_name FROM user_account
      WHERE username_folded LIKE %(begins)s AND {allowed} ORDER BY username_folded USING ~<~ LIMIT %(most)s)
    UNION
    (SELECT id, kind, username, display_name FROM user_account WHERE {holds} AND {allowed} LIMIT %(looked_at)s)
) AS found
 ORDER BY strpos(search_folded(username), %(text)s) <> 1, char_length(username), username LIMIT %(most)s
"""
_GROUPS = """
SELECT id, name, path, provider FROM (
    SELECT g.id, g.name, g.path, p.name AS provider FROM outside_group AS g JOIN provider AS p ON p.id = g.provider_id
     WHERE g.gone_at IS NULL AND p.enabled AND {holds} LIMIT %(looked_at)s
) AS found
 ORDER BY strpos(search_folded(name), %(text)s) <> 1, char_length(name), name, id LIMIT %(most)s
"""
_ALLOWED = "is_active AND (kind <> 'robot' OR id = ANY(%(robots)s))"
_HOLDS = "search_pieces({text}) @> %(pieces)s AND strpos({text}, %(text)s) > 0"
PEOPLE_TEXT = "search_folded(username || ' ' || display_name)"
GROUP_TEXT = "search_folded(g.name || ' ' || g.path)"
STATEMENT_FOR_PEOPLE = _PEOPLE.format(holds=_HOLDS.format(text=PEOPLE_TEXT), allowed=_ALLOWED)
STATEMENT_FOR_GROUPS = _GROUPS.format(holds=_HOLDS.format(text=GROUP_TEXT))


def folded(text: str) -> str:
    """Return a text as names are compared with it: compatibility forms, lower case, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text.replace("\0", "")).lower().split())[:LONGEST]


def find(text: str, *, by: Person, most: int = MOST) -> list[Candidate]:
    """Return people and groups whose names hold the text, groups after people; nothing for less than 2 characters.

    Robots belong to projects and teams: only those with a role where the person sees members are found.
    """
    wanted = folded(text)
    if len(wanted) < SHORTEST:
        return []
    given = parameters(wanted, robots=_robots(by), most=most)
    with connection.cursor() as cursor:
        cursor.execute(STATEMENT_FOR_PEOPLE, given)
        people = [_person(*row) for row in cursor.fetchall()]
        cursor.execute(STATEMENT_FOR_GROUPS, given)
        groups = [Candidate("group", key, name, _place(provider, path)) for key, name, path, provider in cursor]
    room = max(most - len(groups), most // 2)
    return [*people[:room], *groups[: most - len(people[:room])]]


def chosen(value: str, text: str, *, by: Person) -> User | OutsideGroup:
    """Return whom a form means: by what was picked, else by the whole name as typed.

    Raises `Ambiguous`, with those to choose from, where the text is the whole name of none or of several.
    """
    picked = by_value(value, by) if value else None
    if picked is not None:
        return picked
    whole = _called(text, by)
    if len(whole) == 1:
        return whole[0]
    found = [_as_candidate(one) for one in whole] or find(text, by=by)
    if not found:
        raise errors.Refused.one("who", _("Nobody and no group here is called that."))
    raise Ambiguous(found)


def parameters(wanted: str, *, robots: Sequence[UUID], most: int) -> dict[str, Any]:
    """Return what both statements are given for a folded text."""
    size = min(len(wanted), 3)
    escaped = wanted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return {
        "text": wanted,
        "begins": f"{escaped}%",
        "pieces": sorted({wanted[at : at + size] for at in range(len(wanted) - size + 1)}),
        "most": most,
        "looked_at": LOOKED_AT,
        "robots": list(robots),
    }


class Ambiguous(errors.Refused):
    """The text names several; `candidates` are those to choose from."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        super().__init__({"holder": [_("Choose who is meant.")]})
        self.candidates = list(candidates)


def _robots(by: Person) -> list[UUID]:
    seen = memberships.visible(by, Permission.MEMBER_VIEW).filter(user__kind=ROBOT)
    return list(seen.values_list("user_id", flat=True).distinct())


def _person(key: UUID, kind: Kind, username: str, display_name: str) -> Candidate:
    about = _("robot") if kind == ROBOT else display_name
    return Candidate(kind, key, username, about)


def _place(provider: str, path: str) -> str:
    return ", ".join(filter(None, [_("group of %s") % provider, path]))


def _called(text: str, by: Person) -> list[User | OutsideGroup]:
    """Everybody and every group whose whole name the text is."""
    name = " ".join(unicodedata.normalize("NFKC", text.replace("\0", "")).split())
    people: Any = User.objects.filter(username_folded=fold(name), is_active=True)
    groups = OutsideGroup.objects.filter(name__iexact=name, gone_at=None, provider__enabled=True)
    return [*people.filter(_allowed(by)), *groups.select_related("provider").order_by("path", "pk")[:MOST]]


def _allowed(by: Person) -> Q:
    return ~Q(kind=ROBOT) | Q(pk__in=_robots(by))


def _as_candidate(one: User | OutsideGroup) -> Candidate:
    if isinstance(one, OutsideGroup):
        return Candidate("group", one.pk, one.name, _place(one.provider.name, one.path))
    return _person(one.pk, "robot" if one.kind == ROBOT else "person", one.username, one.display_name)


def by_value(value: str, by: Person) -> User | OutsideGroup | None:
    """Return who a picked value means, None where it means nobody that the person could find."""
    kind, _colon, text = value.partition(":")
    try:
        key = UUID(text)
    except ValueError:
        return None
    if kind == "group":
        return OutsideGroup.objects.filter(pk=key, gone_at=None, provider__enabled=True).first()
    people: Any = User.objects.filter(pk=key, is_active=True)
    found: User | None = people.filter(_allowed(by)).first()
    return found
