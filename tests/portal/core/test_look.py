"""The look: contrast of every token that carries text, nothing inline, and a gallery that shows each component."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.accounts.models import User
from tests.people import client_of

ROOT = Path(__file__).resolve().parents[3]
CSS = (ROOT / "portal/static/portal/css/paddock.css").read_text()
SCRIPTS = sorted((ROOT / "portal/static/portal/js").glob("*.js"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
COMPONENTS = sorted(path.stem for path in (ROOT / "templates/_components").glob("*.html"))


def tokens(theme: str) -> dict[str, str]:
    """The colours of one theme by name."""
    block = next(found for found in re.findall(r"([^{}]+)\{([^}]*)\}", CSS) if f'"{theme}"' in found[0])
    return dict(re.findall(r"--pd-([\w-]+):\s*(#[0-9a-f]{6})", block[1]))


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def text_pairs() -> Iterator[tuple[str, str]]:
    for ground in ("page", "surface", "sunken"):
        for text in ("text", "muted", "accent", "ok", "attention", "broken", "unknown"):
            yield text, ground
    for state in ("ok", "attention", "broken", "unknown"):
        yield state, f"{state}-soft"
    yield "accent-text", "accent"
    yield "text", "accent-soft"
    yield "text", "fresh"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), list(text_pairs()))
def test_text_has_a_contrast_of_four_and_a_half(theme: str, text: str, ground: str) -> None:
    known = tokens(theme)
    assert contrast(known[text], known[ground]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_lines_and_marks_of_charts_stand_out(theme: str) -> None:
    known = tokens(theme)
    marks = [name for name in known if re.fullmatch(r"chart-\d+|line-strong|chart-grey-[14]", name)]
    assert len(marks) == 15
    weak = {name: round(contrast(known[name], known["surface"]), 2) for name in marks}
    assert {name: ratio for name, ratio in weak.items() if ratio < 3} == {}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_templates_hold_nothing_inline(template: Path) -> None:
    text = template.read_text()
    assert not re.search(r"""\sstyle\s*=|\son[a-z]+\s*=\s*["']|<style|javascript:|\|\s*safe\b|autoescape off""", text)
    assert all("src=" in tag for tag in re.findall(r"<script\b[^>]*>", text))
    assert "http://" not in text.replace("http://www.w3.org", "")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_write_text_and_never_markup(script: Path) -> None:
    assert not re.search(
        r"innerHTML|outerHTML\s*=|insertAdjacentHTML|document\.write|\beval\b|new Function", script.read_text()
    )


@pytest.mark.django_db
def test_the_gallery_shows_every_component(bob: User) -> None:
    answer = client_of(bob).get("/gallery/")
    used = {template.name for template in answer.templates if template.name}
    shown = {
        name.removeprefix("_components/").removesuffix(".html") for name in used if name.startswith("_components/")
    }
    assert answer.status_code == 200
    assert set(COMPONENTS) - shown == set()
    html = answer.content.decode()
    assert html.count("data-empty=") == 4
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert sorted(name for name in set(ids) if ids.count(name) > 1) == []
