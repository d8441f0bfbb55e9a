"""How figures look on a page: the one place that rounds, groups and names units.

Exports never come through here; they carry exact values (`portal.core.listing.export`). Every function
returns plain text in the active language. None is never shown as zero: it becomes `ABSENT` beside a word that
says why.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from django.utils import formats as locale_formats
from django.utils.translation import get_language, gettext, ngettext

from portal.core import money as exact

ABSENT = "–"
GIB = 1024**3
_MINUTE, _HOUR, _DAY, _YEAR = 60, 3_600, 86_400, 365 * 86_400

Figure = int | float | Decimal

# Separators per language; looking them up costs more than formatting the figure.
_separators: dict[str, tuple[str, str]] = {}


def _localised(text: str) -> str:
    """Turn `1,234.5` into the active language's separators."""
    language = get_language() or ""
    pair = _separators.get(language)
    if pair is None:
        pair = _separators[language] = (
            str(locale_formats.get_format("THOUSAND_SEPARATOR", language, use_l10n=True)),
            str(locale_formats.get_format("DECIMAL_SEPARATOR", language, use_l10n=True)),
        )
    if pair == (",", "."):
        return text
    return text.replace(",", "\0").replace(".", pair[1]).replace("\0", pair[0])


def number(value: Figure, places: int | None = None) -> str:
    """Group thousands. `places` fixes the decimals; without it whole figures stay whole and others keep up to
    three.
    """
    amount = value if isinstance(value, Decimal) else Decimal(str(value))
    digits = 3 if places is None else places
    rounded = amount.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP, context=exact.EXACT)
    text = f"{rounded:,f}"
    if places is None and "." in text:
        text = text.rstrip("0").rstrip(".")
    return _localised("0" if text == "-0" else text)


def money(amount: Decimal, currency: str = "") -> str:
    """Two places. An amount too small to show is `<0.01`, because `0.00` would say that it costs nothing."""
    if amount and abs(amount) < Decimal("0.005"):
        text = ("<" if amount > 0 else ">-") + _localised("0.01")
    else:
        text = number(amount, 2)
    return f"{text} {currency}" if currency else text


def money_exact(amount: Decimal, currency: str = "") -> str:
    """Every stored place, ungrouped, with a point: for titles and for copying."""
    return f"{plain(amount)} {currency}" if currency else plain(amount)


def plain(value: Decimal) -> str:
    """The exact decimal without an exponent, as API and CSV carry it."""
    return f"{value:f}"


def cores(millicores: Figure) -> str:
    """Millicores as a figure of cores, up to three places: 1500 is `1.5`."""
    return number(Decimal(str(millicores)) / 1000)


def cpu(millicores: Figure) -> str:
    """Millicores with their unit: `1.5 cores`."""
    figure = cores(millicores)
    return ngettext("%(figure)s core", "%(figure)s cores", 1 if millicores == 1000 else 2) % {"figure": figure}


def gibibytes(size: Figure) -> str:
    """Bytes as a figure of GiB: one place from 1 GiB on, two below, `<0.01` rather than a false zero."""
    amount = Decimal(str(size)) / GIB
    if size and abs(amount) < Decimal("0.005"):
        return "<" + _localised("0.01")
    return number(amount, 1 if abs(amount) >= 1 else 2) if size else "0"


def size(value: Figure) -> str:
    """Bytes with their unit: `3.2 GiB`."""
    return gettext("%(figure)s GiB") % {"figure": gibibytes(value)}


def percent(ratio: Figure) -> str:
    """A ratio (0.425) as `42.5 %`, one place at most."""
    text = number(Decimal(str(ratio)) * 100, 1)
    whole = _localised(".0")
    return gettext("%(figure)s %%") % {"figure": text.removesuffix(whole)}


def duration(seconds: Figure) -> str:
    """A length of time in at most two units, as kubectl prints ages: `42s`, `5m30s`, `3h`, `4d3h`, `2y40d`."""
    whole = max(int(seconds), 0)
    if whole < 2 * _MINUTE:
        return f"{whole}s"
    if whole < 3 * _HOUR:
        return _pair(whole, _MINUTE, "m", 1, "s", fine_below=10 * _MINUTE)
    if whole < 2 * _DAY:
        return _pair(whole, _HOUR, "h", _MINUTE, "m", fine_below=8 * _HOUR)
    if whole < 2 * _YEAR:
        return _pair(whole, _DAY, "d", _HOUR, "h", fine_below=8 * _DAY)
    return _pair(whole, _YEAR, "y", _DAY, "d", fine_below=8 * _YEAR)


def _pair(whole: int, unit: int, mark: str, part: int, part_mark: str, *, fine_below: int) -> str:
    parts = whole % unit // part
    return f"{whole // unit}{mark}" + (f"{parts}{part_mark}" if parts and whole < fine_below else "")


def age(since: datetime, at: datetime) -> str:
    """How long ago `since` was, in kubectl's short form."""
    return duration((at - since).total_seconds())


def ago(instant: datetime, at: datetime) -> str:
    """The distance in words: `3 minutes ago`, `in 2 hours`, `just now` within five seconds."""
    seconds = int((at - instant).total_seconds())
    away = abs(seconds)
    if away < 5:
        return gettext("just now")
    phrase = _span(away)
    return gettext("%(span)s ago") % {"span": phrase} if seconds > 0 else gettext("in %(span)s") % {"span": phrase}


def _span(seconds: int) -> str:
    if seconds < _MINUTE:
        return ngettext("%(n)d second", "%(n)d seconds", seconds) % {"n": seconds}
    if seconds < _HOUR:
        n = seconds // _MINUTE
        return ngettext("%(n)d minute", "%(n)d minutes", n) % {"n": n}
    if seconds < 2 * _DAY:
        n = seconds // _HOUR
        return ngettext("%(n)d hour", "%(n)d hours", n) % {"n": n}
    n = seconds // _DAY
    return ngettext("%(n)d day", "%(n)d days", n) % {"n": n}


def instant(value: datetime) -> str:
    """The absolute instant for a title: `2026-08-01 12:04:05 UTC`."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def iso(value: datetime) -> str:
    """The instant as API and CSV carry it: `2026-08-01T12:04:05Z`. Fractions appear only where the value has
    them.
    """
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def clock_time(value: datetime, at: datetime) -> str:
    """When something began, as short as the day allows: `12:04 UTC`, else `2026-08-01 12:04 UTC`."""
    moment = value.astimezone(UTC)
    pattern = (
        "%H:%M" if at - value < timedelta(hours=24) and moment.date() == at.astimezone(UTC).date() else "%Y-%m-%d %H:%M"
    )
    return f"{moment:{pattern}} UTC"


def day(value: date) -> str:
    """A calendar day in ISO form, which every locale of an operations tool reads."""
    return value.isoformat()
