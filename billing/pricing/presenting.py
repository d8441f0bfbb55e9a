"""What the pages of prices show, as finished values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from billing.pricing import lists, selectors
from billing.pricing.importing import Preview
from billing.pricing.models import PriceBook
from billing.pricing.revising import Cut, Held, Span
from billing.pricing.sheet import Entry
from portal.core import formats, parts

# The preview of a long file shows its beginning; the counts are of all.
SHOWN = 200


@dataclass(frozen=True)
class Line:
    """A rate in the preview."""

    what: str
    price: str
    span: str
    note: str = ""


@dataclass(frozen=True)
class Section:
    """One sort of change: `count` in all, of which `lines` are shown."""

    title: str
    count: int
    lines: Sequence[Line]

    @property
    def cut_text(self) -> str:
        """Say that not all are shown."""
        if len(self.lines) == self.count:
            return ""
        return _("%(count)s in total, %(shown)s shown.") % {
            "count": formats.number(self.count),
            "shown": formats.number(len(self.lines)),
        }


def facts(book: PriceBook) -> list[parts.Fact]:
    """Return the key values of a book."""
    names = list(book.serves.order_by("cluster__name").values_list("cluster__name", flat=True))
    served = lists.serves_text({"all_clusters": book.all_clusters, "clusters": len(names), "is_demo": book.is_demo})
    ratios = (book.cpu_ratio, book.memory_ratio, book.gpu_ratio)
    return [
        parts.Fact(_("Serves"), ", ".join(names) or str(served)),
        parts.Fact(_("Currency"), book.currency),
        parts.Fact(_("Version"), str(book.version)),
        parts.Fact(_("Weights of core, GiB, GPU"), " : ".join(f"{ratio.normalize():f}" for ratio in ratios), mono=True),
    ]


def preview(found: Preview, book: PriceBook) -> dict[str, Any]:
    """Return the sections of a preview and what would stay unpriced."""
    plan = found.plan
    names = selectors.clusters_seen(book.cluster_ids())
    sections = [
        _section(_("Added"), [_entry(entry) for entry in plan.added[:SHOWN]], len(plan.added)),
        _section(_("Ended or shortened"), [_cut(cut) for cut in plan.ended[:SHOWN]], len(plan.ended)),
        _section(_("Replaced"), [_held(cut.held) for cut in plan.replaced[:SHOWN]], len(plan.replaced)),
        _section(_("Unchanged"), [_entry(entry) for entry in plan.unchanged[:SHOWN]], len(plan.unchanged)),
    ]
    return {
        "sections": [section for section in sections if section.count],
        "changes": bool(plan.added),
        "begin": found.begin,
        "unpriced": [_unpriced(one, names[one.cluster_id]) for one in found.unpriced[:SHOWN]],
        "unpriced_count": len(found.unpriced),
    }


def _section(title: str, lines: Sequence[Line], count: int) -> Section:
    return Section(title, count, lines)


def _entry(entry: Entry) -> Line:
    return Line(_what(entry.key), _price(entry), _span((entry.start, entry.end)), _("line %d") % entry.line)


def _cut(cut: Cut) -> Line:
    left = "; ".join(_span(span) for span in cut.left)
    return Line(_what(cut.held.key), _price(cut.held), left, _("was %s") % _span((cut.held.start, cut.held.end)))


def _held(held: Held) -> Line:
    return Line(_what(held.key), _price(held), _span((held.start, held.end)))


def _what(key: Sequence[str]) -> str:
    asset, *columns = key
    return " · ".join([str(lists.ASSETS[asset]), *(column for column in columns if column)])


def _price(what: Entry | Held) -> str:
    unit = lists.unit_text({"asset": what.key[0], "unit": what.unit})
    return _("%(price)s per %(unit)s") % {"price": f"{what.price.normalize():f}", "unit": unit}


def _span(span: Span) -> str:
    start, end = span
    upto = end.strftime("%Y-%m-%d %H:%M") if end else _("goes on")
    return f"{start:%Y-%m-%d %H:%M} – {upto}"


def _unpriced(one: selectors.Unpriced, cluster: str) -> dict[str, str]:
    thing = one.thing
    columns = (thing.instance_type, thing.storage_class, thing.region, thing.capacity_class, thing.provider_id)
    return {
        "cluster": cluster,
        "what": " · ".join([str(lists.ASSETS[thing.asset]), *(column for column in columns if column)]),
        "missing": lists.missing_text(list(one.missing)),
        "count": formats.number(one.count),
        "time": formats.duration(one.seconds),
    }
