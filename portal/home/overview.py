"""What the home page says: the state of everything a person may see, on one screen."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from billing.ledger import selectors as ledger
from clusters.inventory import conditions
from clusters.inventory import selectors as inventory
from clusters.inventory.models import Workload
from clusters.projects import lists as projects
from clusters.projects import selectors as ownership
from clusters.projects.models import Project
from clusters.registry.models import Cluster
from portal.access.permissions import Permission
from portal.access.scopes import Person
from portal.core import formats, listing, parts
from portal.core.listing import Column
from portal.core.parts import Tone
from portal.jobs import kinds
from portal.jobs.models import OPEN, Heartbeat, Job, State
from portal.requests import selectors as requests

DEAF_AFTER = timedelta(minutes=2)
LATELY = timedelta(days=1)
SHOWN = {"name", "team", "namespaces", "clusters"}


@dataclass(frozen=True)
class Step:
    """Something to look at, and where; `tone` says how pressing it is."""

    tone: Tone
    word: str
    text: str
    url: str


class MyProjects(projects.ProjectList):
    """The projects one may see with what they cost this month; the dearest first."""

    key = "my-projects"
    title = gettext_lazy("My projects")
    columns = (
        *(
            column
            for column in projects.ProjectList.columns
            if column.key in {"name", "team", "namespaces", "clusters"}
        ),
        Column(
            "cost",
            gettext_lazy("This month"),
            "money",
            unit_key="currency",
            total=True,
            absent=gettext_lazy("none"),
            href=listing.link("projects:project_cost", "slug"),
        ),
        Column("slug", gettext_lazy("Slug"), "code", on_page=False),
        Column("team_slug", gettext_lazy("Team's slug"), "code", on_page=False),
        Column("id", gettext_lazy("Id"), on_page=False),
    )
    orders = {"cost": ("cost", "id"), "name": ("name", "id"), "team": ("team", "id")}
    default_order = "-cost"

    def rows(self, user: Person, params: listing.Params) -> list[dict[str, Any]]:
        """The projects' own rows, each with its amount."""
        found = super().rows(user, params).values("id", "name", "slug", "team", "team_slug", "namespaces", "clusters")
        spent = ledger.spend_by_project(user, params.at)
        return [{**row, "cost": spent.get(row["id"]), "currency": ledger.currency()} for row in found]


def stats(person: Person, at: datetime) -> list[parts.Stat]:
    """Return at most four figures, those the person has a right to see."""
    found = [_projects(person), _spending(person, at), _troubled(person), _clusters(person, at)]
    return [stat for stat in found if stat is not None]


def _projects(person: Person) -> parts.Stat | None:
    if not person.may(Permission.PROJECT_VIEW):
        return None
    count = Project.objects.visible_to(person).standing().count()
    return parts.Stat(_("Projects"), formats.number(count), url=reverse("projects:projects"))


def _spending(person: Person, at: datetime) -> parts.Stat | None:
    spend = ledger.spend(person, at)
    if spend is None:
        return None
    if spend.unpriced:
        note = _("some of it has no price")
    elif spend.previous:
        change = (spend.amount - spend.previous) / spend.previous
        sign = "+" if change >= 0 else ""
        note = _("%s against the same days of last month") % f"{sign}{formats.percent(change)}"
    else:
        note = _("nothing to compare with yet")
    return parts.Stat(
        _("This month"),
        formats.money(spend.amount, spend.currency),
        note=note,
        url=reverse("ledger:costs"),
        tone="attention" if spend.unpriced else "plain",
        title=formats.money_exact(spend.amount, spend.currency),
    )


def _troubled(person: Person) -> parts.Stat | None:
    if not person.may(Permission.INVENTORY_VIEW):
        return None
    states = (
        Workload.objects.visible_to(person)
        .filter(gone_at=None)
        .annotate(state=conditions.workload_state())
        .values_list("state")
        .annotate(n=Count("id"))
        .order_by()
    )
    tones = [(conditions.WORKLOAD_STATES[state][0], n) for state, n in states]
    broken = sum(n for tone, n in tones if tone in {"broken", "attention"})
    total = sum(n for _tone, n in tones)
    note = _("of %s workloads") % formats.number(total)
    url = reverse("inventory:workloads")
    return parts.Stat(
        _("Workloads not well"), formats.number(broken), note=note, url=url, tone="attention" if broken else "ok"
    )


def _clusters(person: Person, at: datetime) -> parts.Stat | None:
    if not person.may(Permission.CLUSTER_VIEW):
        return None
    fleet = inventory.fleet(person)
    troubled = sum(1 for line in fleet if line.troubled)
    if troubled:
        note = ngettext("%d with old facts", "%d with old facts", troubled) % troubled
    else:
        note = _("all of them fresh") if fleet else _("none yet")
    tone: Tone = "attention" if troubled else ("ok" if fleet else "plain")
    return parts.Stat(_("Clusters"), formats.number(len(fleet)), note=note, url=reverse("registry:clusters"), tone=tone)


def steps(person: Person, at: datetime) -> list[Step]:
    """Return what waits for somebody with the person's rights, the most pressing first."""
    found = [
        _requests(person),
        _reviews(person, at),
        _attach(person),
        _confirm(person),
        _identity(person),
        _failed_jobs(person, at),
        _deaf(person, at),
        _unowned(person),
    ]
    return [step for step in found if step is not None]


def _requests(person: Person) -> Step | None:
    count = requests.waiting_for(person).count()
    if not count:
        return None
    text = ngettext("%d request for access waits for you.", "%d requests for access wait for you.", count) % count
    return Step("attention", _("Decide"), text, reverse("requests:waiting"))


def _reviews(person: Person, at: datetime) -> Step | None:
    waiting = requests.open_reviews(person)
    count = waiting.count()
    if not count:
        return None
    late = waiting.filter(due_at__lt=at).exists()
    text = ngettext("%d review of access is open.", "%d reviews of access are open.", count) % count
    return Step("attention" if late else "busy", _("Late") if late else _("Review"), text, reverse("requests:reviews"))


def _attach(person: Person) -> Step | None:
    if not person.scopes_for(Permission.CLUSTER_EDIT).everything or Cluster.objects.attached().exists():
        return None
    return Step(
        "attention", _("Begin here"), _("No cluster is attached yet. Attach the first one."), reverse("registry:add")
    )


def _confirm(person: Person) -> Step | None:
    waiting = Cluster.objects.visible_to(person, Permission.CLUSTER_EDIT).filter(state="candidate").first()
    if waiting is None:
        return None
    url = reverse("registry:candidate", args=[waiting.slug])
    return Step("busy", _("Waits"), _("%s was checked and waits to be confirmed.") % waiting.name, url)


def _identity(person: Person) -> Step | None:
    changed = Cluster.objects.visible_to(person).attached().filter(identity_changed_at__isnull=False).first()
    if changed is None:
        return None
    text = _("Another cluster answers at the address of %s. Nothing of it is read.") % changed.name
    return Step("broken", _("Identity changed"), text, reverse("registry:cluster", args=[changed.slug]))


def _failed_jobs(person: Person, at: datetime) -> Step | None:
    if not person.may(Permission.JOB_VIEW):
        return None
    failed = Job.objects.filter(state=State.DEAD, finished_at__gt=at - LATELY).count()
    if not failed:
        return None
    text = (
        ngettext("%d job failed for good since yesterday.", "%d jobs failed for good since yesterday.", failed) % failed
    )
    return Step("broken", _("Failed"), text, f"{reverse('home:jobs')}?state=dead")


def _deaf(person: Person, at: datetime) -> Step | None:
    if not person.may(Permission.JOB_VIEW) or all(stat.tone == "ok" for stat in queues(at)):
        return None
    text = _("A queue has had no worker for two minutes: nothing it holds is done.")
    return Step("broken", _("No worker"), text, reverse("home:jobs"))


def _unowned(person: Person) -> Step | None:
    if not person.may(Permission.PROJECT_ASSIGN):
        return None
    count = ownership.unowned(person).count()
    if not count:
        return None
    text = ngettext("%d namespace belongs to no project.", "%d namespaces belong to no project.", count) % count
    return Step("attention", _("Unowned"), text, reverse("projects:unowned"))


def queues(at: datetime) -> list[parts.Stat]:
    """Return how much waits in each queue, and whether a worker still takes from it."""
    beats = dict(Heartbeat.objects.values_list("queue", "beat_at"))
    found = []
    for name in kinds.QUEUES:
        waiting = Job.objects.filter(queue=name, state__in=OPEN, due_at__lte=at).count()
        beat_at = beats.get(name)
        alive = beat_at is not None and at - beat_at < DEAF_AFTER
        note = _("worker seen %s") % formats.ago(beat_at, at) if beat_at else _("no worker seen yet")
        found.append(
            parts.Stat(
                _("Queue %s: open") % name,
                formats.number(waiting),
                note=note,
                tone="ok" if alive else "broken",
                url=f"{reverse('home:jobs')}?state=waiting",
            )
        )
    return found
