"""Reading the chain from its beginning to its end, and naming the first place where it breaks."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from portal.audit import chain, sealing, signing
from portal.audit.models import Check, Checkpoint, Event, Head, Link, SigningKey, Unsealed

BATCH = 2_000
IDS = 50_000
# An event that is this much older than what was sealed before it was not written when it says.
BACKDATED = timedelta(days=1)


@dataclass(frozen=True)
class Break:
    """The first place where the chain does not hold. What was done lies between the links `first` and `last`.

    `month` is that of the event there, "" where nothing tells it.
    """

    kind: str
    first: int
    last: int
    text: str
    month: str = ""
    event: int | None = None


class BadHeads(ValueError):
    """A file of heads that cannot be read."""


@dataclass
class _State:
    """Where a reading stands; what is kept of it between two slices is in its row."""

    check: Check
    pins: Mapping[int, str]
    keys: Mapping[UUID, str] = field(default_factory=dict)
    sealed_at: datetime | None = None


def read_heads(lines: Iterable[str]) -> dict[int, str]:
    """Return the hash of each exported place: of heads, and of events where the stream was kept.

    Raises `BadHeads` naming the line.
    """
    pins: dict[int, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
            seq, own = int(found["seq"]), str(found["hash"])
        except (ValueError, KeyError, TypeError):
            raise BadHeads(_("Line %d is not a head.") % number) from None
        if len(own) != 64 or pins.setdefault(seq, own) != own:
            raise BadHeads(_("Line %d does not fit the lines before it.") % number)
    if not pins:
        raise BadHeads(_("The file holds no head."))
    return pins


def read_keys(lines: Iterable[str]) -> frozenset[str]:
    """Return the public keys of exported heads: who owns the database can put another key in their place."""
    told = (json.loads(line) for line in lines if line.strip())
    return frozenset(str(one["public"]) for one in told if isinstance(one, dict) and one.get("public"))


def advance(
    check: Check,
    *,
    pins: Mapping[int, str],
    is_over: Callable[[], bool],
    tell: Callable[[], None],
    keys: frozenset[str] = frozenset(),
) -> bool:
    """Read on from where the check stands until the end, a break, or `is_over`. Returns whether it has ended.

    `keys` are public keys that must stand here. `tell` is called after each part. The row is saved; the caller says
    when it finished.
    """
    state = _State(check, pins, _introduced(SigningKey.objects.order_by("created_at")))
    found = _begin(state) or _strange_key(state, keys)
    while found is None:
        links = list(Link.objects.filter(seq__gt=check.seq).order_by("seq")[:BATCH])
        if not links:
            found = _after_the_end(state)
            break
        found = _read(state, links)
        if found is not None and _was_pruned(state, found):
            found = None
        tell()
        if found is None and is_over():
            check.save()
            return False
    check.found = asdict(found) if found else None
    check.save()
    return True


def _introduced(keys: Iterable[SigningKey]) -> dict[UUID, str]:
    """The public keys that stand: the first one, and each that the one before it introduced."""
    good: dict[UUID, str] = {}
    for key in keys:
        before = good.get(key.introduced_by) if key.introduced_by else None
        signed = before and signing.is_signed(before, chain.introduction_text(key.public), key.introduction)
        if signed or not good:
            good[key.pk] = key.public
    return good


def _begin(state: _State) -> Break | None:
    """Begin at the newest checkpoint, which must be signed, or at the first link."""
    check, point = state.check, Checkpoint.objects.order_by("-seq").first()
    if point is None or point.seq <= check.seq:
        check.hash = check.hash or chain.GENESIS
        return None
    text = chain.checkpoint_text(
        seq=point.seq, hash_=point.hash, cutoff=point.cutoff, at=point.at, key=str(point.key_id)
    )
    if not _is_signed(state, point.key_id, text, point.signature):
        return Break("checkpoint", point.seq, point.seq, _("The signature of the checkpoint is wrong."))
    if state.pins.get(point.seq, point.hash) != point.hash:
        return Break("exported", point.seq, point.seq, _("The checkpoint differs from the exported heads."))
    check.seq, check.hash, check.good_head = point.seq, point.hash, point.seq
    return None


def _strange_key(state: _State, exported: frozenset[str]) -> Break | None:
    """Heads that were signed anew by a key of somebody else's fit each other, and not the key that was exported."""
    if exported <= set(state.keys.values()):
        return None
    first, last = span()
    text = _("A key that signed exported heads is none of the keys here: they were replaced.")
    return Break("key", first + 1, last, text, _month_of_link(first + 1))


def _was_pruned(state: _State, found: Break) -> bool:
    """Whether retention removed the place while it was read; reading goes on behind it then."""
    point = Checkpoint.objects.order_by("-seq").first()
    return point is not None and point.seq >= found.first and _begin(state) is None


def _read(state: _State, links: Sequence[Link]) -> Break | None:
    check = state.check
    rows = {row["id"]: row for row in _rows(link.event_id for link in links)}
    heads = {head.seq: head for head in Head.objects.filter(seq__gt=check.seq, seq__lte=links[-1].seq)}
    for link in links:
        row = rows.get(link.event_id)
        found = _wrong_link(state, link, row) or _wrong_head(state, link, heads.get(link.seq))
        if found is not None:
            return found
        check.seq, check.hash, check.events = link.seq, link.hash, check.events + 1
    return None


def _rows(ids: Iterable[int]) -> list[dict[str, Any]]:
    return list(Event.objects.filter(pk__in=list(ids)).values(*chain.COLUMNS))


def _wrong_link(state: _State, link: Link, row: Mapping[str, Any] | None) -> Break | None:
    check, expected = state.check, state.check.seq + 1
    if link.seq != expected:
        text = _("The chain goes from %(last)s to %(next)s: what was between is gone.")
        return Break(
            "missing", expected, link.seq - 1, text % {"last": check.seq, "next": link.seq}, _month(row), link.event_id
        )
    if row is None:
        text = _("The event of this place is gone.")
        return Break("missing", link.seq, link.seq, text, _month_of_link(link.seq - 1), link.event_id)
    here = partial(Break, first=link.seq, last=link.seq, month=_month(row), event=link.event_id)
    if link.previous != check.hash:
        return here("link", text=_("This place does not follow the one before it."))
    if chain.hashed(link.seq, check.hash, row) != link.hash:
        return here("changed", text=_("The event is not the one that was sealed."))
    if state.sealed_at and row["at"] < state.sealed_at - BACKDATED:
        text = _("The event is dated long before what was sealed before it: it was put in later.")
        return here("inserted", text=text)
    return None


def _wrong_head(state: _State, link: Link, head: Head | None) -> Break | None:
    check = state.check
    if state.pins.get(link.seq, link.hash) != link.hash:
        return _between(state, link.seq, "exported", _("The chain is not the one whose heads were exported."))
    if head is None:
        check.good_head = link.seq if link.seq in state.pins else check.good_head
        return None
    if head.hash != link.hash:
        return _between(state, link.seq, "head", _("The chain is not the one that was signed here."))
    text = chain.head_text(seq=head.seq, hash_=head.hash, at=head.at, key=str(head.key_id))
    if head.key_id not in state.keys:
        return _between(state, link.seq, "key", _("The head is signed by a key that no earlier key introduced."))
    if not _is_signed(state, head.key_id, text, head.signature):
        return _between(state, link.seq, "head", _("The signature of the head is wrong."))
    check.good_head, check.heads, state.sealed_at = link.seq, check.heads + 1, head.at
    return None


def _between(state: _State, seq: int, kind: str, text: str) -> Break:
    """What a head finds lies behind the last one that was good."""
    first = state.check.good_head + 1
    return Break(kind, first, seq, text, _month_of_link(first))


def _after_the_end(state: _State) -> Break | None:
    check = state.check
    last = max([*state.pins, Head.objects.order_by("-seq").values_list("seq", flat=True).first() or 0])
    if last > check.seq:
        text = _("The chain ends at %(end)s; heads go on to %(last)s: its end was cut off.")
        first = check.seq + 1
        return Break("cut", first, last, text % {"end": check.seq, "last": last}, _month_of_link(check.seq))
    return _never_sealed(check)


def _never_sealed(check: Check) -> Break | None:
    """Events that are neither in the chain nor waiting for it, and such as wait for it and are gone."""
    there = Event.objects.filter(pk=OuterRef("event_id"))
    gone = Unsealed.objects.filter(~Exists(there)).order_by("event_id").first()
    if gone is not None:
        text = _("An event was removed before it was sealed.")
        return Break("missing", check.seq, check.seq, text, event=gone.event_id)
    newest = Event.objects.order_by("-id").values_list("id", flat=True).first() or 0
    for start in range(0, newest + 1, IDS):
        part = Event.objects.filter(pk__gte=start, pk__lt=start + IDS)
        held, waits = (model.objects.filter(event_id=OuterRef("pk")) for model in (Link, Unsealed))
        row = part.filter(~Exists(held), ~Exists(waits)).order_by("id").values("id", "at").first()
        if row is not None:
            text = _("An event is neither sealed nor waiting for it: it was put in past the sealer.")
            return Break("inserted", check.seq, check.seq, text, _month(row), row["id"])
    return None


def _is_signed(state: _State, key: UUID, text: bytes, signature: str) -> bool:
    return key in state.keys and signing.is_signed(state.keys[key], text, signature)


def _month(row: Mapping[str, Any] | None) -> str:
    return f"{row['at']:%Y-%m}" if row else ""


def _month_of_link(seq: int) -> str:
    link = Link.objects.filter(seq=seq).values("event_id").first()
    return _month(Event.objects.filter(pk=link["event_id"]).values("at").first()) if link else ""


def span() -> tuple[int, int]:
    """Return the number before the first link that is kept, and that of the last."""
    first = Checkpoint.objects.order_by("-seq").values_list("seq", flat=True).first() or 0
    return first, sealing.end()[0]
