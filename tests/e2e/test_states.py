"""Every page in its states: it says why there is nothing, what to do next, and never how the program broke.

With Django's own client: what a state looks like in a browser is one component's matter, and seen in its gallery.
Loading is a component too.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from billing.ledger.models import CostRun, RunState
from clusters.inventory.models import Stream
from clusters.inventory.models.sync import StreamState
from clusters.registry.models import Cluster
from portal.accounts.models import User
from portal.core import clock, periods
from tests.clusters.inventory.estate import Estate
from tests.clusters.inventory.objects import shop
from tests.e2e import pages
from tests.fakes.simulator import Simulator
from tests.people import client_of, person

# What somebody without any role may still open.
FOR_EVERYBODY = {
    *("home:home", "home:gallery", "accounts:sign_in", "accounts:password", "accounts:confirm", "accounts:profile"),
    *("accounts:identities", "accounts:second_factor", "accounts:own_sessions", "tokens:own", "tokens:new"),
    *("explorer:looks", "requests:own", "requests:ask"),
}
# Lists too short to be searched, or of things without a name.
WITHOUT_TEXT_FILTER = {
    *("pricing:books", "pricing:unpriced", "accounts:providers", "explorer:never_used"),
    *("audit:integrity", "audit:heads", "projects:unowned_roles"),
}
# Lists that are about clusters and so as old as what was last read of them.
AGEING = ("inventory:workloads", "inventory:pods", "inventory:nodes", "inventory:namespaces")
TRACES = ("Traceback", "Exception", "django.", ".py&quot;", "SELECT ", "psycopg")
EMPTY = re.compile(r'data-empty="(\w+)"')


def text_of(main: str) -> str:
    """What a person reads."""
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


def fine(html: str) -> str:
    """No page shows how it is made; returns its main part."""
    main = html.partition("<main")[2].partition(">")[2].partition("</main>")[0]
    assert main
    assert not [word for word in TRACES if word in text_of(main)]
    return main


def empty_form(main: str) -> str:
    """Which of the four forms of nothing is shown, after a look whether it has a reason."""
    found = EMPTY.search(main)
    assert found, text_of(main)[:400]
    reason = re.search(r"<p>(.+?)</p>", main[found.end() :], re.DOTALL)
    assert reason, main[found.start() :][:600]
    assert len(reason[1].split()) >= 3
    return found[1]


@pytest.fixture
def estate(db: None, simulator: Simulator, simulated: Callable[..., str]) -> Estate:
    """One attached cluster that was read."""
    objects = {name.replace("_", "."): bodies for name, bodies in shop().items()}
    made = Estate(simulator, simulated(slug="states", objects=objects))
    made.load()
    return made


@pytest.mark.parametrize("name", pages.PLAIN)
def test_fresh_installation(name: str, ann: User) -> None:
    """Nothing is there yet: the administrator gets every page, and each list says why it is empty."""
    client = Client() if name == "accounts:sign_in" else client_of(ann)
    response = client.get(reverse(name))
    assert response.status_code == 200
    main = fine(response.content.decode())
    if name in pages.LISTS and "data-empty" in main:
        assert empty_form(main) == "no_data"
        assert "href=" in main


EMPTY_AT_FIRST = (
    "registry:clusters",
    "inventory:workloads",
    "inventory:pods",
    "inventory:nodes",
    "inventory:namespaces",
    "projects:projects",
    "projects:teams",
    "projects:unowned",
    "pricing:books",
    "pricing:unpriced",
    "ledger:costs",
    "home:jobs",
)
# An empty list is good news here: nothing is left to do.
NOTHING_TO_DO = {"projects:unowned", "pricing:unpriced", "home:jobs"}


@pytest.mark.parametrize("name", EMPTY_AT_FIRST)
def test_an_empty_list_says_why_and_what_to_do(name: str, ann: User) -> None:
    main = fine(client_of(ann).get(reverse(name)).content.decode())
    assert empty_form(main) == "no_data"
    after = main[main.index("data-empty") :]
    assert name in NOTHING_TO_DO or "href=" in after.partition("</section>")[0], text_of(main)


@pytest.mark.parametrize("name", [name for name in pages.PLAIN if name not in FOR_EVERYBODY])
def test_without_any_right(name: str, bob: User) -> None:
    """The same neutral answer everywhere: who can grant, and a way back; no names, no trace."""
    response = client_of(bob).get(reverse(name))
    assert response.status_code in (403, 404)
    main = fine(response.content.decode())
    assert "An administrator can grant access" in text_of(main)
    assert 'href="/"' in main


@pytest.mark.parametrize("name", sorted(FOR_EVERYBODY - {"accounts:sign_in"}))
def test_what_is_for_everybody_opens_without_any_right(name: str, bob: User) -> None:
    """One's own account, tokens and requests need no role."""
    response = client_of(bob).get(reverse(name))
    assert response.status_code == 200
    fine(response.content.decode())


def test_home_without_any_right_says_what_to_do(bob: User) -> None:
    main = fine(client_of(bob).get("/").content.decode())
    assert empty_form(main) == "no_right"
    assert "Ask for access" in text_of(main)


@pytest.mark.parametrize("name", pages.LISTS)
def test_a_filter_that_hides_everything(name: str, ann: User, estate: Estate) -> None:
    """Each text filter of each list, with a text that nothing has."""
    client = client_of(ann)
    client.get("/")
    person("nobody-in-particular")
    html = client.get(reverse(name)).content.decode()
    filters = re.findall(r'<input class="form-control" id="filter-[^"]+" name="(\w+)"[^>]*type="search"', html)
    if not filters:
        assert name in WITHOUT_TEXT_FILTER, "a list without a text filter"
        return
    for field in filters:
        main = fine(client.get(reverse(name), {field: "zz-nothing-has-this"}).content.decode())
        assert empty_form(main) == "filtered", field
        assert "Clear filters" in text_of(main)


@pytest.mark.parametrize("name", AGEING)
def test_old_facts_say_how_old_they_are(name: str, ann: User, estate: Estate) -> None:
    old = clock.now() - timedelta(hours=3)
    Stream.objects.filter(cluster=estate.cluster).update(last_ok_at=old)
    main = fine(client_of(ann).get(reverse(name)).content.decode())
    assert "pd-banner-attention" in main, text_of(main)
    assert old.strftime("%Y-%m-%dT%H:%M") in main
    assert "3 hours ago" in text_of(main)


@pytest.mark.parametrize("name", AGEING)
def test_a_cluster_that_is_away_is_named_and_the_rest_stays(name: str, ann: User, estate: Estate) -> None:
    """One of two clusters does not answer: which, since when, and the rows of both."""
    away = clock.now() - timedelta(minutes=40)
    Stream.objects.filter(cluster=estate.cluster).update(
        state=StreamState.UNREACHABLE, code="unreachable", text="Connection refused", since=away, last_ok_at=away
    )
    main = fine(client_of(ann).get(reverse(name)).content.decode())
    text = text_of(main)
    assert estate.cluster.name in text
    assert "not reachable" in text.lower(), text
    assert "data-empty" not in main


def test_a_cluster_that_never_answered_is_no_empty_list(ann: User, estate: Estate) -> None:
    """Nothing was ever read because the source is down: that is not "nothing there"."""
    Stream.objects.filter(cluster=estate.cluster).update(
        state=StreamState.UNREACHABLE, code="unreachable", text="Connection refused", last_ok_at=None
    )
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM pod")
    main = fine(client_of(ann).get(reverse("inventory:pods")).content.decode())
    assert empty_form(main) == "source_down"


def counted(cluster: Cluster, to: datetime) -> None:
    """The running hour of a cluster is closed up to an instant."""
    hour = periods.floor_hour(to)
    CostRun.objects.create(
        cluster=cluster,
        hour=hour,
        state=RunState.PROVISIONAL,
        counted_to=to,
        counted_seconds=int((to - hour).total_seconds()),
        due_seconds=3600,
        currency="USD",
        method="test",
        closed_at=to,
    )


def test_costs_name_the_cluster_that_lags_behind(
    ann: User, estate: Estate, simulator: Simulator, simulated: Callable[..., str]
) -> None:
    """Charged up to its last confirmation: which cluster, and since when; the others go on."""
    fresh = Estate(simulator, simulated(slug="fresh"))
    away = clock.now() - timedelta(minutes=40)
    counted(estate.cluster, away)
    counted(fresh.cluster, clock.now())
    text = text_of(fine(client_of(ann).get(reverse("ledger:costs")).content.decode()))
    assert "1 of 2" in text
    assert f"{estate.cluster.name} (charged up to its last confirmation)" in text
    assert f"counted to {away:%Y-%m-%d %H:%M:%S} UTC" in text
    assert f"{fresh.cluster.name} (" not in text


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["registry:clusters", "inventory:pods", "ledger:costs", "projects:projects"])
def test_a_page_that_breaks_gives_an_id_and_nothing_else(name: str, ann: User) -> None:
    """A table is missing, as in a half-done migration."""
    client = client_of(ann)
    client.raise_request_exception = False
    client.get("/")
    table = {
        "registry:clusters": "cluster",
        "inventory:pods": "pod",
        "ledger:costs": "cost_run",
        "projects:projects": "project",
    }[name]
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO away")
        try:
            response = client.get(reverse(name))
        finally:
            cursor.execute(f"ALTER TABLE away RENAME TO {table}")
    assert response.status_code == 500
    main = fine(response.content.decode())
    assert response["X-Request-Id"] in main
    assert 'href="/"' in main


def test_a_page_that_is_not_there(ann: User) -> None:
    response = client_of(ann).get("/clusters/no-such-cluster/")
    assert response.status_code == 404
    assert 'href="/"' in fine(response.content.decode())
