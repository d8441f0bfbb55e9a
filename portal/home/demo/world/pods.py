"""The pods of an application over five weeks: releases replace them, working weeks and growth add some."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.home.demo.catalogue.shapes import App, Space
from portal.home.demo.world import calendar
from portal.home.demo.world.calendar import Span
from portal.home.demo.world.chance import Chance
from portal.home.demo.world.lives import Generation, Lived, Machine, Owner, Run, State

_STAGGER = timedelta(seconds=25)
_START_SECONDS = (2, 20)
# Jobs that a CronJob keeps.
_KEPT = 3
# A rollout under way began this long ago, and has come this far.
_UNDER_WAY = timedelta(minutes=4)
_COME = 0.6
_SURGE = 2


@dataclass
class Setting:
    """What the makers of pods share: the application being told, its chance, now, and the machines."""

    lived: Lived
    chance: Chance
    at: datetime
    machines: Sequence[Machine]

    @property
    def app(self) -> App:
        """Return the application."""
        return self.lived.app

    def run(self, name: str, owner: Owner, span: Span, *, replica: int = 0, state: State = "running") -> Run:
        """Make a pod that was there for a span; one without an end is there now."""
        started = span.start + timedelta(seconds=self.chance.within(*_START_SECONDS))
        waits = state in ("starting", "image", "pending")
        return Run(
            space=self.lived.space,
            app=self.app,
            name=name,
            uid=self.chance.uid(),
            owner=owner,
            born=span.start,
            started=None if waits else min(started, self.at),
            ended=span.end,
            gone=span.end is not None,
            state=state,
            replica=replica,
        )


def of(space: Space, app: App, seed: int, site: str, at: datetime, machines: Sequence[Machine]) -> Lived:
    """Return the application with all its pods, not yet on machines (but for those that go with one)."""
    chance = Chance(seed, site, space.name, app.name)
    born = at - timedelta(days=min(app.age, space.age), hours=chance.within(1, 9), minutes=chance.within(0, 59))
    lived = Lived(space, app, chance.uid(), born)
    makers: dict[str, Callable[[Setting], None]] = {
        "Deployment": _deployment,
        "StatefulSet": _stateful_set,
        "DaemonSet": _on_each_machine,
        "Node": _on_each_machine,
        "CronJob": _cron_job,
        "Job": _job,
    }
    makers[app.kind](Setting(lived, chance, at, machines))
    earliest = at - calendar.WINDOW
    lived.runs = [run for run in lived.runs if run.ended is None or run.ended > earliest]
    return lived


def presence(app: App, replica: int, at: datetime, born: datetime) -> list[Span]:
    """Return when the app had this many replicas: since it joined, in working weeks, or all the time."""
    late = replica - (app.replicas - len(app.joined))
    # Behind the machines that came for it in the morning.
    start = max(born, at - timedelta(days=app.joined[late]) + _STAGGER * replica) if late >= 0 else born
    always = Span(start, None)
    if app.weekend < 0 or replica < app.weekend:
        return [always]
    wait = _STAGGER * replica
    spans = [Span(week.start + wait, week.end + wait if week.end else None) for week in calendar.weeks(at)]
    return [shared for span in spans if (shared := span.clip(always))]


def _deployment(setting: Setting) -> None:
    app, lived = setting.app, setting.lived
    moments = [lived.born, *calendar.releases(app, setting.at, lived.born, setting.chance)]
    if app.trouble == "rollout":
        moments.append(setting.at - _UNDER_WAY)
    for number, moment in enumerate(moments):
        lived.generations.append(Generation(setting.chance.suffix(9), setting.chance.uid(), moment, number))
    for replica in range(app.replicas):
        spans = presence(app, replica, setting.at, lived.born)
        for generation, turn in _turns(setting, replica):
            lived.runs += [
                _replica(setting, generation, shared, replica) for span in spans if (shared := turn.clip(span))
            ]
    _mark_trouble(setting)


def _turns(setting: Setting, replica: int) -> list[tuple[Generation, Span]]:
    """Return each generation with the span in which this replica was of it."""
    generations = setting.lived.generations
    begins = [generations[0].born]
    for generation in generations[1:]:
        under_way = setting.app.trouble == "rollout" and generation is generations[-1]
        stagger = _UNDER_WAY / (_COME * setting.app.replicas) if under_way else _STAGGER
        begins.append(_whole(generation.born + stagger * (replica + 1)))
    reached = [begin for begin in begins if begin <= setting.at]
    ends = [*reached[1:], None]
    return [(generation, Span(begin, end)) for generation, begin, end in zip(generations, reached, ends, strict=False)]


def _replica(setting: Setting, generation: Generation, span: Span, replica: int, *, state: State = "running") -> Run:
    owner = Owner("ReplicaSet", f"{setting.app.name}-{generation.template}", generation.uid)
    run = setting.run(f"{owner.name}-{setting.chance.suffix()}", owner, span, replica=replica, state=state)
    run.template, run.version = generation.template, generation.version
    return run


def _mark_trouble(setting: Setting) -> None:
    trouble, lived = setting.app.trouble, setting.lived
    present = lived.present()
    if trouble in ("crash", "restarts"):
        present[0].state = "crash" if trouble == "crash" else "restarts"
    elif trouble == "rollout":
        new = lived.generations[-1]
        span = Span(setting.at - timedelta(seconds=25), None)
        for extra in range(_SURGE):
            lived.runs.append(_replica(setting, new, span, setting.app.replicas + extra, state="starting"))
    elif trouble == "image":
        born = setting.at - timedelta(minutes=38)
        new = Generation(setting.chance.suffix(9), setting.chance.uid(), born, len(lived.generations))
        lived.generations.append(new)
        lived.runs.append(_replica(setting, new, Span(born, None), setting.app.replicas, state="image"))


def _stateful_set(setting: Setting) -> None:
    app, lived = setting.app, setting.lived
    moments = [lived.born, *calendar.releases(app, setting.at, lived.born, setting.chance)]
    owner = Owner("StatefulSet", app.name, lived.uid)
    for replica in range(app.replicas):
        # From the last one to the first, each when the one before is ready.
        waits = timedelta(seconds=90) * (app.replicas - replica)
        begins = [moments[0], *(moment + waits for moment in moments[1:])]
        for version, (begin, end) in enumerate(zip(begins, [*begins[1:], None], strict=True)):
            for span in presence(app, replica, setting.at, lived.born):
                if shared := Span(begin, end).clip(span):
                    run = setting.run(f"{app.name}-{replica}", owner, shared, replica=replica)
                    run.version = version
                    lived.runs.append(run)


def _on_each_machine(setting: Setting) -> None:
    app, lived = setting.app, setting.lived
    for machine in setting.machines:
        if app.pools and machine.pool.name not in app.pools:
            continue
        end = machine.gone
        span = Span(max(machine.born + timedelta(seconds=40), lived.born), end)
        if end is not None and span.start >= end:
            continue
        if app.kind == "Node":
            owner, name = Owner("Node", machine.name, machine.uid), f"{app.name}-{machine.name}"
        else:
            owner, name = Owner("DaemonSet", app.name, lived.uid), f"{app.name}-{setting.chance.suffix()}"
        run = setting.run(name, owner, span)
        run.machine = machine
        if machine.down:
            run.state = "lost"
        lived.runs.append(run)


def _cron_job(setting: Setting) -> None:
    app, lived = setting.app, setting.lived
    turns = list(calendar.turns(app, setting.at, setting.chance))
    for number, turn in enumerate(turns):
        last = number == len(turns) - 1
        # The name ends in the minute it was due.
        owner = Owner("Job", f"{app.name}-{int(turn.start.timestamp()) // 60}", setting.chance.uid())
        run = setting.run(f"{owner.name}-{setting.chance.suffix()}", owner, turn)
        run.state = "failed" if last and app.trouble == "failed" else "succeeded"
        kept = _KEPT + (app.trouble == "failed")
        run.gone = number < len(turns) - kept
        lived.runs.append(run)
        if not run.gone:
            lived.turns.append(owner)


def _job(setting: Setting) -> None:
    app, lived, at = setting.app, setting.lived, setting.at
    lived.born = at - timedelta(hours=27, minutes=setting.chance.within(0, 59))
    owner = Owner("Job", app.name, lived.uid)
    lived.turns.append(owner)

    def add(span: Span, state: State) -> None:
        run = setting.run(f"{app.name}-{setting.chance.suffix()}", owner, span, state=state)
        run.gone = False
        lived.runs.append(run)

    if app.trouble == "failed":
        for attempt in range(_KEPT):
            begin = lived.born + timedelta(minutes=6 * attempt)
            add(Span(begin, begin + timedelta(minutes=4, seconds=setting.chance.within(0, 50))), "failed")
    elif app.trouble == "active":
        add(Span(lived.born, None), "running")
    elif app.trouble == "pending":
        add(Span(at - timedelta(hours=5), None), "pending")
    else:
        add(Span(lived.born, lived.born + timedelta(minutes=app.minutes)), "succeeded")


def _whole(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)
