"""Texts that come from clusters and people stay texts: on pages, in attributes, in files and in their names."""

import csv
import html.parser
import io
from typing import Any

import pytest

from clusters.inventory.models import Pod, Workload
from clusters.projects.services import projects, teams
from portal.accounts.models import User
from portal.core import clock
from portal.core.actors import COMMAND
from tests.architecture import addresses
from tests.architecture.addresses import body, shapes
from tests.factories import rivals
from tests.people import client_of

SCRIPT = (
    "\"'><script>alert(1)</script><img src=x onerror=alert(2)><a href=javascript:alert(3) hx-get=/jobs/>x</a>{{7*7}}"
)
FORMULAS = (
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1",
    "\n=1",
    "＝1",
    "=cmd|' /C calc'!A0",
)


class Elements(html.parser.HTMLParser):
    """What a browser would make of a page, as far as it can run something."""

    def __init__(self) -> None:
        super().__init__()
        self.bad: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            word = (value or "").strip().lower()
            if name.startswith("on") or word.startswith(("javascript:", "data:text", "vbscript:")):
                self.bad.append(f"{tag} {name}={value}")
            if name == "src" and word == "x" or name == "style":
                self.bad.append(f"{tag} {name}={value}")
        if tag == "script" and not dict(attrs).get("src"):
            self.bad.append("an inline script")


@pytest.fixture
def world(db: None, monkeypatch: pytest.MonkeyPatch) -> rivals.World:
    """A world in which every text is an attempt."""
    monkeypatch.setattr(clock, "now", lambda: rivals.AT)
    made = rivals.world()
    short = SCRIPT[:100]
    fields: dict[str, Any] = {"name": SCRIPT, "labels": {SCRIPT: SCRIPT}}
    Pod.objects.filter(pk=made.ours.pod.pk).update(
        **fields, reason=SCRIPT, node=SCRIPT, workload_name=SCRIPT, phase=SCRIPT, namespace_name=SCRIPT
    )
    Workload.objects.filter(pk=made.ours.workload.pk).update(**fields, images=[SCRIPT], owner_name=SCRIPT, kind=SCRIPT)
    type(made.ours.namespace).objects.filter(pk=made.ours.namespace.pk).update(**fields, phase=SCRIPT)
    made.stream.__class__.objects.filter(cluster=made.shared).update(state="denied", text=SCRIPT, remedy=SCRIPT)
    type(made.shared).objects.filter(pk=made.shared.pk).update(
        name=SCRIPT[:63],
        version=SCRIPT[:60],
        server="javascript:alert(1)",
        checks=[{"key": "x", "title": SCRIPT, "state": "failed", "text": SCRIPT, "remedy": SCRIPT}],
    )
    teams.change(team=made.ours.team, name=short, cost_centre=short, owner=short, by=COMMAND)
    projects.change(project=made.ours.project, name=short, description=SCRIPT, by=COMMAND)
    User.objects.filter(pk=made.ours.member.pk).update(display_name=SCRIPT)
    return made


def test_no_page_runs_what_was_stored(world: rivals.World, ann: User) -> None:
    wrong: dict[str, list[str]] = {}
    seen = 0
    for user in (ann, world.ours.member):
        client = client_of(user)
        for one in addresses.every():
            if one.is_api or one.name in addresses.UNASKED:
                continue
            for shape, answer in shapes(client, one.url(world, "ours"), is_api=False).items():
                if "html" not in answer.headers.get("Content-Type", ""):
                    continue
                text = body(answer).decode()
                seen += "alert(1)" in text
                page = Elements()
                page.feed(text)
                if page.bad or "<img src=x" in text or ">49<" in text:
                    wrong[f"{one.name} {shape}"] = page.bad
    assert wrong == {}
    assert seen > 10, "the texts are shown"


def test_what_is_typed_into_the_address_stays_there(world: rivals.World, ann: User) -> None:
    client = client_of(ann)
    for address in ("/inventory/pods/", "/projects/", "/audit/", "/jobs/", "/people/", "/clusters/"):
        for query in ({"name": SCRIPT}, {"order": SCRIPT}, {"cursor": SCRIPT}, {SCRIPT: SCRIPT}, {"on": SCRIPT}):
            page = Elements()
            page.feed(client.get(address, query).content.decode())
            assert page.bad == [], (address, query)
    page = Elements()
    page.feed(client.get("/projects/new/", {"team": SCRIPT}).content.decode())
    assert page.bad == []


@pytest.mark.parametrize("text", FORMULAS)
def test_no_file_holds_a_formula(world: rivals.World, ann: User, text: str) -> None:
    Pod.objects.filter(pk=world.ours.pod.pk).update(name=text, reason=text, labels={text: text})
    answer = client_of(ann).get("/inventory/pods/", {"format": "csv", "project": world.ours.project.slug})
    rows = list(csv.reader(io.StringIO(body(answer).decode(), newline="")))
    assert f"'{text}" in [cell for row in rows for cell in row]
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "@"))]
    name = answer.headers["Content-Disposition"]
    assert name == f'attachment; filename="paddock-pods-{rivals.AT:%Y-%m-%d}.csv"'
