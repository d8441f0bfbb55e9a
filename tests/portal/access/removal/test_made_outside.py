"""What is taken away in a directory or at GitHub ends within five minutes everywhere (T6).

A removal comes at worst just after a reading began: it is seen by the next one, a period of the schedule later. The
refresh runs as the scheduler asks for it. The test moves the present by that period instead of waiting; everything
else is measured by a real clock.
"""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.test import Client
from pytest_django import Settings

from portal.accounts.bindings import role_bindings
from portal.accounts.models import OutsideGroup, Provider
from portal.accounts.outside import queueing
from portal.accounts.providers import github_api
from portal.config import celery
from portal.core import clock
from portal.core.actors import COMMAND, SYSTEM
from portal.jobs import kinds
from portal.jobs.models import Job
from tests.factories import rivals
from tests.fakes.github import GithubServer, Team
from tests.portal.access.removal import holding
from tests.portal.access.removal.holding import ALL, Holder
from tests.portal.accounts.providing import BASE_URL, declare, signed_in_as, type_in
from tests.portal.config import serving
from tests.portal.config.serving import Served
from tests.testbed.directories import Directory

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
log = logging.getLogger(__name__)
LIMIT = 300.0  # seconds
ENTRY = "outside-groups"
ROWS = 60_000
SLOW = ("download",)
QUICK = tuple(way for way in ALL if way not in SLOW)
HOOKED = "webhook: out of a team"
UNTOUCHED = ("nothing", "nothing at GitHub")
LOCKED = "add: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z"


class Present:
    """The time moved back to the beginning of the slot before, and on from there.

    Never ahead of the real time: GitHub's fake takes no token from the future.
    """

    def __init__(self, period: float) -> None:
        self.period = period
        self._ahead = 1 - time.time() % period - period

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time() + self._ahead, UTC).replace(microsecond=0)

    def pass_a_period(self) -> None:
        self._ahead += self.period

    def catch_up(self) -> None:
        """As the server has it, which asks for jobs of its own."""
        self._ahead = 0.0


@dataclass
class Scene:
    """A directory and GitHub, both in use, and the server people are at."""

    directory: Directory
    hub: GithubServer
    corp: Provider
    github: Provider
    world: rivals.World
    present: Present
    served: Served


@pytest.fixture
def present(monkeypatch: pytest.MonkeyPatch) -> Present:
    """By the period that beat has of the refresh."""
    made = Present(float(celery.app.conf.beat_schedule[ENTRY]["schedule"]))
    monkeypatch.setattr(clock, "now", made.now)
    return made


@pytest.fixture
def hub() -> Iterator[GithubServer]:
    github_api.forget()
    with GithubServer() as server:
        acme = server.add_organisation("acme")
        people = {login: server.add_person(login) for login in ("octo", "hexa", "mona", "lisa")}
        server.join(acme, *people.values())
        server.add_team(acme, "hooked", people["octo"])
        around = server.add_team(acme, "around")
        server.add_team(acme, "inside", people["hexa"], people["mona"], people["lisa"], parent=around)
        yield server
    github_api.forget()


@pytest.fixture
def scene(  # noqa: PLR0913 - a fixture names what it stands on
    openldap: Directory,
    hub: GithubServer,
    present: Present,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[Scene]:
    known = holding.known_kinds()
    monkeypatch.setattr(kinds, "known", lambda: known)
    openldap.add_group("team-green", "person01")
    corp, github = declare(settings, openldap.provider_json(), hub.provider_json())
    world = rivals.world()
    Provider.objects.filter(key="house").update(enabled=False)
    holding.fill(world, ROWS)
    declared = {"PADDOCK_PROVIDERS": settings.PROVIDERS, "PADDOCK_BASE_URL": BASE_URL}
    served = serving.start(tmp_path, {**declared, "GUNICORN_CMD_ARGS": "--threads 24"})
    yield Scene(openldap, hub, corp, github, world, present, served)
    served.stop()


def tick() -> float:
    """What beat sends, and the jobs that come of it, run as a worker does; returns how long the longest took."""
    entry = celery.app.conf.beat_schedule[ENTRY]
    celery.app.tasks[entry["task"]](*entry["args"])
    return max(run_refreshes(), default=0.0)


def run_refreshes() -> list[float]:
    """Run what waits; returns the seconds of each."""
    seconds = []
    for job in Job.objects.filter(kind=queueing.KIND, state="waiting"):
        started = time.monotonic()
        assert celery.run_job(str(job.pk)) == "succeeded"
        job.refresh_from_db()
        assert (job.result or {}).get("why") == "", job.result
        seconds.append(time.monotonic() - started)
    return seconds


def bind(scene: Scene, provider: Provider, *names: str) -> None:
    """Give groups the right to our project."""
    for name in names:
        group = OutsideGroup.objects.get(provider=provider, name=name)
        scope = holding.project(scene.world)
        role_bindings.grant(group=group, role="project_viewer", scope=scope, by=COMMAND, at=clock.now())


def come(scene: Scene, what: str, username: str) -> Holder:
    """Sign in by the directory and begin everything."""
    client = Client()
    type_in(client, username, scene.directory.password_of(username))
    return holding.set_off(what, scene.world, scene.served, client, signed_in_as(client))


def come_from_github(scene: Scene, what: str, login: str) -> Holder:
    """Sign in by GitHub and begin everything."""
    client = Client()
    address = client.post("/sign-in/github/start/", {}).context["address"]
    client.get(f"/sign-in/github/callback/?{urlencode(scene.hub.sign_in(address, login))}")
    return holding.set_off(what, scene.world, scene.served, client, signed_in_as(client))


def team(scene: Scene, slug: str) -> Team:
    return next(one for one in scene.hub.teams.values() if one.slug == slug)


def number_of(scene: Scene, login: str) -> int:
    return next(one.number for one in scene.hub.people.values() if one.login == login)


def everybody(scene: Scene) -> dict[str, Holder]:
    """All who are under way, by what will be taken away."""
    bind(scene, scene.corp, "team-blue", "developers", "team-green", "loop-a")
    bind(scene, scene.github, "Hooked", "Around")
    by_name = {
        "out of a group": "bob",
        "group out of a group": "cleo",
        "person deleted": "dan",
        "person disabled": "fay",
        "group deleted": "person01",
        "nothing": "ann",
    }
    by_login = {
        HOOKED: "octo",
        "poll: out of a nested team": "hexa",
        "poll: out of the organisation": "lisa",
        "nothing at GitHub": "mona",
    }
    found = {what: come(scene, what, name) for what, name in by_name.items()}
    return found | {what: come_from_github(scene, what, login) for what, login in by_login.items()}


def take_away(scene: Scene) -> None:
    """Everything in the directory, and at GitHub what comes without a webhook."""
    scene.directory.remove_member("team-blue", "bob")
    scene.directory.remove_member("developers", "@team-red")
    scene.directory.remove_person("dan")
    scene.directory.modify(scene.directory.person_dn("fay"), LOCKED)
    scene.directory.remove_group("team-green")
    team(scene, "inside").members.discard(number_of(scene, "hexa"))
    del next(iter(scene.hub.organisations.values())).members[number_of(scene, "lisa")]


def test_all_ends_within_five_minutes(scene: Scene) -> None:
    tick()
    holders = everybody(scene)
    for provider in (scene.corp, scene.github):
        queueing.refresh(provider, by=SYSTEM)
    run_refreshes()
    holding.wait_until_under_way(holders.values())
    found: dict[str, dict[str, float]] = {}
    try:
        began = _by_schedule(scene, holders, found)
        _by_webhook(scene, holders[HOOKED], found, began)
        for what, since in began.items():
            found[what] |= holding.seconds_until_denied(holders[what], since, ways=SLOW, bound=LIMIT)
        for what in UNTOUCHED:
            for way in ALL:
                assert holders[what].has(way), (what, way)
    finally:
        for holder in holders.values():
            holder.download.stop()
    log.info("seconds, those of the schedule with its period:\n%s", holding.told(found))


def _by_schedule(scene: Scene, holders: dict[str, Holder], found: dict[str, dict[str, float]]) -> dict[str, float]:
    """Returns since when each has no right: as if it had been taken just after the reading before."""
    take_away(scene)
    assert tick() == 0.0, "the slot is taken"
    leavers = {what: holder for what, holder in holders.items() if what not in {HOOKED, *UNTOUCHED}}
    for what, holder in leavers.items():
        assert holder.has("page"), what
    scene.present.pass_a_period()
    asked_before = len(scene.hub.requests)
    longest = tick()
    assert longest > 0
    assert scene.present.period + longest <= LIMIT
    taken = time.monotonic() - longest - scene.present.period
    _asked_with_marks(scene, asked_before)
    for what, holder in leavers.items():
        found[what] = holding.seconds_until_denied(holder, taken, ways=QUICK, bound=LIMIT)
    return dict.fromkeys(leavers, taken)


def _by_webhook(scene: Scene, holder: Holder, found: dict[str, dict[str, float]], began: dict[str, float]) -> None:
    assert holder.has("page")
    scene.present.catch_up()
    octo = scene.hub.people[number_of(scene, "octo")]
    team(scene, "hooked").members.clear()
    began[holder.name] = time.monotonic()
    payload = scene.hub.membership_payload("removed", team(scene, "hooked"), octo)
    url = f"http://127.0.0.1:{scene.served.port}/hooks/github/github/"
    assert scene.hub.send_webhook(url, "membership", payload) == 204
    assert len(run_refreshes()) == 1
    found[holder.name] = holding.seconds_until_denied(holder, began[holder.name], ways=QUICK)


def _asked_with_marks(scene: Scene, since: int) -> None:
    """The poll says of each list which version is known, and reads anew only those that changed."""
    lists = [one for one in scene.hub.requests[since:] if one.path.endswith("/members")]
    hooked = f"/team/{team(scene, 'hooked').number}/members"
    first = {one.path: "if-none-match" in one.headers for one in reversed(lists)}
    assert len(first) == 3, "the organisation and two teams"
    assert all(first.values()), first
    assert sum(one.path.endswith(hooked) for one in lists) == 1, "nothing changed there"
    inside = f"/team/{team(scene, 'inside').number}/members"
    assert not any(one.path.endswith(inside) for one in lists), "a team that is bound nowhere is not asked for"


def test_the_period_leaves_time_for_the_reading() -> None:
    """A reading may take 60 seconds of 5,000 people; the limit holds with one as long."""
    period = timedelta(seconds=float(celery.app.conf.beat_schedule[ENTRY]["schedule"]))
    assert (period + timedelta(seconds=60)).total_seconds() <= LIMIT
