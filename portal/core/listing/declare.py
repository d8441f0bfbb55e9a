"""What a list is made of: columns, filters and totals, written once for page, API and CSV."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Row = dict[str, Any]
Text = str | Promise  # `Promise` is what gettext_lazy returns

Kind = Literal[
    "text",
    "code",
    "number",
    "money",
    "cpu",
    "bytes",
    "percent",
    "instant",
    "age",
    "duration",
    "day",
    "state",
    "labels",
    "json",
    "flag",
]
FilterKind = Literal["choice", "text", "flag", "day", "uuid", "number"]
# ok, attention, broken, unknown carry colour; busy (in progress) and plain (no judgement) are grey.
TONES = frozenset({"ok", "attention", "broken", "unknown", "busy", "plain"})

FIGURES = frozenset({"number", "money", "cpu", "bytes", "percent", "duration"})


@dataclass(frozen=True)
class Column:
    """One column. `key` is the key of the row dicts and the field name in API and CSV."""

    key: str
    label: Text
    kind: Kind = "text"
    # Fixed unit or currency, shown in the head; `unit_key` names the row key that holds it where it differs
    # by row.
    unit: Text = ""
    unit_key: str = ""
    # Address behind the cell; an empty string means no link.
    href: Callable[[Row], str] | None = None
    # Machine word -> (one of `TONES`, word shown). A word that is missing here is shown as it is, in the tone
    # "plain".
    states: Mapping[str, tuple[str, Text]] = field(default_factory=dict)
    # Text for the page only, where it must differ from the exported value (a name for an id). With it and
    # `in_export=False` the rows need not hold the key.
    show: Callable[[Row], str] | None = None
    # Summed over all rows, per unit; only for number, money, cpu, bytes and duration.
    total: bool = False
    # The word beside the dash when the value is None: what is not known, or why.
    absent: Text = _("unknown")
    on_page: bool = True
    in_export: bool = True

    def __post_init__(self) -> None:
        """Refuse a tone that the style sheet does not know."""
        if wrong := {tone for tone, _word in self.states.values()} - TONES:
            raise ValueError(f"column {self.key}: there is no tone {', '.join(sorted(wrong))}")

    @property
    def is_figure(self) -> bool:
        """Figures are set right-aligned in tabular digits."""
        return self.kind in FIGURES


@dataclass(frozen=True)
class Filter:
    """One filter, a parameter of the same name on page, API and CSV.

    `choices(user)` lists (value, label) of a choice; None takes any text. `lookup` lets the mechanism apply
    it by `.filter(**{lookup: value})` (for a sequence of dicts: equality with that key); without it `rows`
    reads it from `params.filters`. `default` is the raw text used when the parameter is absent; a default
    never counts as "a filter is set".
    """

    key: str
    label: Text
    kind: FilterKind = "choice"
    choices: Callable[[Any], Iterable[tuple[str, Text]]] | None = None
    lookup: str = ""
    default: str = ""
    hidden: bool = False
    help: Text = ""


@dataclass(frozen=True)
class Total:
    """The sum of one column over all rows: `sums` per unit ("" where the column has none), and the rows
    without a value.
    """

    sums: Mapping[str, Decimal]
    missing: int = 0


@dataclass(frozen=True)
class Link:
    """A way onward: an action or a page of the documentation."""

    label: Text
    url: str


def link(viewname: str, *keys: str) -> Callable[[Row], str]:
    """An `href` that reverses `viewname` with the row's `keys` in order; no link where one is None."""

    def address(row: Row) -> str:
        args = [row[key] for key in keys]
        return "" if any(arg is None for arg in args) else reverse(viewname, args=args)

    return address
