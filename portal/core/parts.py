"""What the components under `templates/_components/` are given: plain values, finished by selectors and
views.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from django.utils.functional import Promise

Text = str | Promise
Tone = Literal["ok", "attention", "broken", "unknown", "busy", "plain"]
ChartKind = Literal["bars", "stack", "lines"]


@dataclass(frozen=True)
class Crumb:
    """One step of the breadcrumb; the page itself is not one of them."""

    label: Text
    url: str


@dataclass(frozen=True)
class Tab:
    """One tab: an address of its own."""

    label: Text
    url: str
    active: bool = False
    count: str = ""


@dataclass(frozen=True)
class Action:
    """The primary action of a page, a link to the page or dialog that does it."""

    label: Text
    url: str
    icon: str = ""


@dataclass(frozen=True)
class Fact:
    """One line of a key-value list. A None value is shown as not known, with `absent` as the word."""

    label: Text
    value: Text | None
    url: str = ""
    mono: bool = False
    title: str = ""
    absent: Text = ""


@dataclass(frozen=True)
class Stat:
    """One of at most four figures that open a page."""

    label: Text
    value: str
    note: Text = ""
    url: str = ""
    tone: Tone = "plain"
    title: str = ""


@dataclass(frozen=True)
class Check:
    """One probe: green or red, and beside a red one what to do about it. `tone` busy = still running."""

    label: Text
    tone: Tone
    text: Text = ""
    remedy: Text = ""


@dataclass(frozen=True)
class Bar:
    """Used and requested against a limit, as shares of the whole in per cent; None = not known."""

    label: Text
    used: Decimal | None = None
    requested: Decimal | None = None
    used_text: str = ""
    requested_text: str = ""
    limit_text: str = ""

    @property
    def used_width(self) -> str:
        """Length of the mark, kept inside the track."""
        return _inside(self.used)

    @property
    def requested_width(self) -> str:
        """Length of the mark, kept inside the track."""
        return _inside(self.requested)

    @property
    def is_over(self) -> bool:
        """More is used than the limit allows."""
        return self.used is not None and self.used > 100


def _inside(share: Decimal | None) -> str:
    return f"{min(max(share or Decimal(0), Decimal(0)), Decimal(100)):f}"


@dataclass(frozen=True)
class Series:
    """One row of bars or one line. `colour` is 1 to 12, the same number for the same team everywhere; `grey`
    (1 to 4)
    is for idle, shared, unassigned and other."""

    name: Text
    colour: int = 0
    grey: int = 0

    @property
    def token(self) -> str:
        """The name of the colour in the style sheet."""
        return f"grey-{self.grey}" if self.grey else str((self.colour - 1) % 12 + 1)


@dataclass(frozen=True)
class Point:
    """One number of a chart: exact value, what the table shows, and the list behind it. A None value is a
    gap.
    """

    value: Decimal | None
    text: str = ""
    url: str = ""

    @property
    def exact(self) -> str:
        """The value as the chart reads it from its table."""
        return "" if self.value is None else f"{self.value:f}"


@dataclass(frozen=True)
class ChartRow:
    """One place on the axis: its label and one point per series."""

    label: str
    points: Sequence[Point]
    url: str = ""
    total: str = ""


@dataclass(frozen=True)
class Chart:
    """A chart and the table it is drawn from. `coverage_text` says in words how much of the data is there."""

    key: str
    title: Text
    kind: ChartKind
    axis: Text
    series: Sequence[Series]
    rows: Sequence[ChartRow]
    unit: str = ""
    totals: Sequence[str] = ()
    coverage_text: Text = ""


@dataclass(frozen=True)
class Explanation:
    """What an amount is made of: the formula, its inputs, and where they are from (price version, data age)."""

    formula: str
    inputs: Sequence[Fact]
    source: Text = ""


@dataclass(frozen=True)
class Progress:
    """How far a piece of background work is. `total` 0 = not known yet; `refresh_url` only while it runs."""

    text: Text
    done: int = 0
    total: int = 0
    tone: Tone = "busy"
    state: Text = ""
    refresh_url: str = ""
    error: Text = ""


@dataclass(frozen=True)
class FieldView:
    """A form field for pages that are not built from a Django form."""

    name: str
    label: Text
    value: str = ""
    help: Text = ""
    errors: Sequence[str] = ()
    kind: str = "text"
    options: Sequence[tuple[str, Text]] = ()
    required: bool = False
    rows: int = 0
    autocomplete: str = ""

    @property
    def id_for_label(self) -> str:
        """The id of the control."""
        return f"id_{self.name}"


def errors_of(fields: Sequence[FieldView], others: Sequence[str] = ()) -> list[Mapping[str, str]]:
    """The entries of the error summary: each with the control it leads to."""
    found = [
        {"id": field.id_for_label, "label": str(field.label), "text": text} for field in fields for text in field.errors
    ]
    return [*({"id": "", "label": "", "text": text} for text in others), *found]
