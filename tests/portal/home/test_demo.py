"""The demo in the rooms: loaded beside a real cluster, seen on every page, and removed whole.

It is loaded once for the tests of this file, after attempts that ended behind each of its steps.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.models import Sum
from django.test import Client
from django.test.utils import override_settings
from django.urls import reverse

from billing.ledger import services as ledger
from billing.ledger.models import AssetHour, CostDay, CostHour, CostMonth, CostProjectDay, CostRun, CostWorkloadDay
from billing.metering import services as metering
from billing.metering.models import PriceKey, Segment
from billing.pricing import services as pricing
from billing.pricing.models import PriceBook
from clusters.inventory import services as inventory
from clusters.inventory.models import Namespace, Node, Pod, Workload
from clusters.projects import selectors as ownership
from clusters.projects.models import NamespaceTenure, Project, Team
from clusters.projects.services import holdings, projects, teams
from clusters.registry import selectors as registry_reads
from clusters.registry import services as registry
from clusters.registry.models import Cluster
from portal.accounts.models import Binding, User
from portal.audit.models import Event
from portal.config import nav
from portal.core import clock
from portal.core.actors import COMMAND
from portal.core.periods import HOUR, floor_hour
from portal.home import demo
from portal.jobs import runner
from portal.jobs.models import Job
from portal.requests.models import AccessRequest
from portal.tokens.models import Token
from tests.fakes.simulator import Simulator
from tests.people import client_of, person

# One worker runs all of them, so that it is loaded once.
pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.xdist_group("demo")]

STEPS = ("Prices", "Clusters", "First", "Teams", "Segments")
# What stays or comes by itself: the audit, and Django's own.
# News of rights is taken by the next look; whoever is real hears of what the demo gave and took.
APART = {"right_change", "audit_event", "audit_unsealed", "django_session", "django_content_type", "auth_permission"}

Rows = dict[str, tuple[int, Decimal]]


class Killed(Exception):
    """The process ended here."""


@dataclass
class Estate:
    """The demo beside a real cluster. `before` are all rows as they were without the demo."""

    folder: Path
    simulator: Simulator
    real: Cluster
    before: Rows

    def restart(self) -> None:
        """Start the simulator anew from an empty folder: other ports, keys and tokens."""
        self.simulator.close()
        state = self.folder / "demo" / "state"
        shutil.rmtree(state)
        self.simulator = Simulator(state)


def rows() -> Rows:
    """How many rows every table has, and what they add up to as text; empty tables are left out."""
    found = {}
    with connection.cursor() as cursor:
        for table in sorted({model._meta.db_table for model in apps.get_models()} - APART):
            cursor.execute(f"SELECT count(*), sum(hashtextextended(t::text, 0)::numeric) FROM {table} t")
            count, digest = cursor.fetchone()
            if count:
                found[table] = (count, digest)
    return found


def real_cluster(simulator: Simulator) -> Cluster:
    """A cluster of somebody's own, with everything the demo has too."""
    pod = {
        "metadata": {"name": "web-0", "namespace": "shop", "labels": {"app": "web"}},
        "spec": {"nodeName": "n1", "containers": [{"name": "web", "resources": {"requests": {"cpu": "1"}}}]},
        "status": {
            "phase": "Running",
            "containerStatuses": [{"ready": True, "state": {"running": {"startedAt": "2026-01-02T00:00:00Z"}}}],
        },
    }
    capacity = {"cpu": "4", "memory": "16Gi", "pods": "110"}
    node = {"metadata": {"name": "n1"}, "status": {"capacity": capacity, "allocatable": capacity}}
    objects = {"namespaces": [{"metadata": {"name": "shop"}}], "nodes": [node], "pods": [pod]}
    kubeconfig = simulator.load("own", distribution="kubeadm", objects=objects)
    at = clock.now()
    candidate = registry.propose(name="Own", kubeconfig=kubeconfig.encode(), by=COMMAND, at=at)
    runner.run(Job.objects.get(kind="clusters.registry.check", key=str(candidate.pk)).pk)
    cluster = registry.confirm(cluster=Cluster.objects.get(pk=candidate.pk), by=COMMAND, at=at)
    inventory.sync_once(cluster, at=at, owner="test")
    book = pricing.create_book(name="Own", all_clusters=True, by=COMMAND, at=at)
    prices = (
        "asset,instance_type,region,class,provider_id,storage_class,price,unit,currency,from,to\ncore,,,,,,1,hour,,,\n"
    )
    pricing.import_csv(book=book, data=prices.encode(), unit="", by=COMMAND, at=at)
    # Named like one of the demo's.
    team = teams.open(name="Payments", by=COMMAND, at=at)
    project = projects.open(name="Checkout", team=team, by=COMMAND, at=at)
    space = Namespace.objects.get(cluster=cluster, name="shop")
    holdings.assign(project=project, namespaces=[(cluster.pk, space.uid)], by=COMMAND, at=at)
    metering.fold(cluster_id=cluster.pk, at=at)
    ledger.close_range(cluster_id=cluster.pk, start=floor_hour(at) - 2 * HOUR, end=floor_hour(at) + HOUR, at=at)
    person("helen.farrow", "finance")
    return cluster


def load_until(step: str) -> None:
    """Load, and end behind a step."""

    def say(text: str) -> None:
        if text.strip().startswith(step):
            raise Killed

    with pytest.raises(Killed):
        demo.load(by=COMMAND, say=say)


@pytest.fixture(scope="module")
def estate(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    folder = tmp_path_factory.mktemp("data")
    state = folder / "demo" / "state"
    with django_db_blocker.unblock(), override_settings(DATA_DIR=folder):
        found = Estate(folder, Simulator(state), None, {})  # type: ignore[arg-type]
        try:
            found.real = real_cluster(found.simulator)
            found.before = rows()
            for step in STEPS:
                load_until(step)
            demo.load(by=COMMAND, say=lambda _text: None)
            yield found
        finally:
            found.simulator.close()
            call_command("flush", interactive=False, verbosity=0)


@pytest.fixture
def browser(estate: Estate) -> Client:
    """Somebody who may see everything."""
    return client_of(person("ann", "admin", "finance"))


def demo_clusters() -> list[Cluster]:
    return list(Cluster.objects.filter(is_demo=True).order_by("name"))


def test_it_is_whole_although_it_was_killed_behind_every_step(estate: Estate) -> None:
    clusters = demo_clusters()
    assert [cluster.distribution for cluster in clusters] == ["rke2", "eks", "k3s"]
    assert all(cluster.state == "attached" for cluster in clusters)
    assert Team.objects.filter(is_demo=True).count() == 4
    assert Project.objects.filter(is_demo=True).count() == 7
    assert (
        User.objects.filter(is_demo=True).count()
        == Binding.objects.filter(is_demo=True).values("user").distinct().count()
    )
    assert Node.objects.live().filter(cluster__in=clusters).count() == 60
    assert Pod.objects.live().filter(cluster__in=clusters).count() == 1500
    assert not Cluster.objects.filter(state="candidate").exists()
    assert not Segment.objects.filter(kind="pod", node_uid="").exists()
    assert ownership.drift() == []


def test_five_weeks_are_closed_by_the_real_close(estate: Estate) -> None:
    anchor = Event.objects.get(kind="demo.load").at
    for cluster in demo_clusters():
        runs = CostRun.objects.filter(cluster=cluster)
        hours = sorted(runs.values_list("hour", flat=True))
        assert hours[0] <= anchor - timedelta(days=35)
        assert hours == [hours[0] + number * HOUR for number in range(len(hours))]
        assert runs.exclude(state="final").count() <= 2
        assert not runs.exclude(counted_seconds=3600, due_seconds=3600).filter(hour__lt=floor_hour(anchor)).exists()
    assert not CostHour.objects.filter(overcommitted=True).exists()


def test_the_totals_of_every_table_are_equal(estate: Estate) -> None:
    clusters = demo_clusters()

    def total(model: Any, **only: Any) -> Decimal:
        return model.objects.filter(cluster__in=clusters, **only).aggregate(n=Sum("amount"))["n"] or Decimal(0)

    whole = total(CostHour)
    assert whole > 1000
    assert total(AssetHour) == whole
    assert total(CostDay) == total(CostMonth) == total(CostProjectDay) == whole
    # The running hour is split among workloads once it has ended.
    ended = Event.objects.get(kind="demo.load").at.date()
    assert total(CostWorkloadDay, day__lt=ended) == total(CostHour, kind="workload", day__lt=ended)


def test_each_kind_of_cost_has_something(estate: Estate) -> None:
    found = CostMonth.objects.filter(cluster__in=demo_clusters())
    assert set(found.filter(amount__gt=0).values_list("kind", flat=True)) == {
        "workload",
        "idle",
        "reserved",
        "fee",
        "unattached",
    }
    assert found.filter(shared=True, kind="workload", amount__gt=0).exists()
    assert found.filter(team_id=None, shared=False, kind="workload", amount__gt=0).exists()
    assert found.filter(unpriced_cpu_q__gt=0, team_name="Data Platform").exists()
    unpriced = AssetHour.objects.filter(cluster__in=demo_clusters(), amount=None).values("price_key_id").distinct()
    assert [key.instance_type for key in PriceKey.objects.filter(pk__in=unpriced)] == ["c7g.2xlarge"]
    for team in Team.objects.filter(is_demo=True):
        assert found.filter(team_id=team.pk, amount__gt=0).exists()


def test_a_namespace_moved_and_its_cost_with_it(estate: Estate) -> None:
    space = Namespace.objects.get(name="customer-insights")
    tenures = NamespaceTenure.objects.filter(namespace_uid=space.uid).order_by("period")
    assert [tenure.project.name for tenure in tenures] == ["Reporting", "Web Shop"]
    moved_at = tenures[1].begins_at
    rows_of = CostHour.objects.filter(namespace_uid=space.uid, kind="workload")
    assert set(rows_of.filter(ends_at__lte=moved_at).values_list("project_name", flat=True)) == {"Reporting"}
    assert set(rows_of.filter(starts_at__gte=moved_at).values_list("project_name", flat=True)) == {"Web Shop"}
    assert rows_of.filter(hour=floor_hour(moved_at)).values("project_id").distinct().count() == 2


def test_nobody_of_the_demo_can_sign_in(estate: Estate) -> None:
    for user in User.objects.filter(is_demo=True):
        assert not user.has_usable_password()
        assert not user.password_is_one_time


def test_its_people_hold_what_they_were_given_and_one_token_is_there(estate: Estate) -> None:
    jonas = User.objects.get(is_demo=True, username="jonas.pietsch")
    assert jonas.email == "jonas.pietsch@example.test"
    assert [held.role for held in jonas.rights()] == ["project_member"]
    assert all(held.expires_at for held in jonas.rights())
    omar = User.objects.get(is_demo=True, username="omar.haddad")
    assert {held.role for held in omar.rights()} == {"project_member", "x-on-call-demo"}
    token = Token.objects.get()
    assert token.user.is_demo
    assert token.user.kind == "robot"
    assert AccessRequest.objects.filter(is_demo=True, state="waiting").count() == 3
    assert list(Project.objects.filter(is_listed=True).values_list("name", flat=True)) == ["Product Search"]
    # Whoever decides is real, and gets no mail about people who are not.
    assert not Job.objects.filter(kind="portal.requests.tell").exists()


def test_real_prices_and_clusters_are_apart(estate: Estate) -> None:
    assert PriceBook.objects.get(is_demo=True).cluster_ids() != []
    assert estate.real.pk not in PriceBook.objects.get(is_demo=True).cluster_ids()
    assert PriceBook.objects.get(is_demo=False).cluster_ids() == [estate.real.pk]
    assert Team.objects.get(is_demo=True, cost_centre="CC-4200").name == "Payments (demo)"
    assert User.objects.get(is_demo=True, display_name="Helen Farrow").username == "helen.farrow.demo"


def addresses() -> dict[str, str]:
    """Every page that tells of something, with a word that must stand on it."""
    cluster = Cluster.objects.get(slug="ireland-cloud")
    workload = Workload.objects.get(cluster=cluster, name="recs-api", kind="Deployment")
    pod = Pod.objects.filter(cluster=cluster, workload_name="recs-api").first()
    node = Node.objects.filter(cluster=cluster, instance_type="c7g.2xlarge").first()
    assert pod is not None
    assert node is not None
    named = [
        ("home:home", [], "Recommendations"),
        ("projects:projects", [], "Parcel Tracking"),
        ("projects:project", ["web-shop"], "shop-eu-west"),
        ("projects:project_members", ["checkout-2"], "jonas.pietsch"),
        ("projects:project_activity", ["web-shop"], "Namespace moved"),
        ("projects:teams", [], "Data Platform"),
        ("projects:team", ["storefront"], "Product Search"),
        ("projects:unowned", [], "poc-vector-search"),
        ("registry:clusters", [], "Venlo warehouse"),
        ("registry:cluster", [cluster.slug], "Ireland cloud"),
        ("inventory:workloads", [], "address-check"),
        ("inventory:workload", [workload.pk], pod.name),
        ("inventory:pods", [], "Ireland cloud"),
        ("inventory:pod", [pod.pk], "recs-api"),
        ("inventory:nodes", [], "fra-control-01"),
        ("inventory:node", [node.pk], "c7g.2xlarge"),
        ("inventory:namespaces", [], "checkout-prod"),
        ("ledger:costs", [], "Data Platform"),
        ("ledger:project_panel", ["web-shop"], "USD"),
        ("ledger:cluster_panel", [cluster.slug], "USD"),
        ("pricing:books", [], "Demo list prices"),
        ("pricing:book", ["demo-list-prices"], "m6i.2xlarge"),
        ("pricing:unpriced", [], "c7g.2xlarge"),
        ("home:jobs", [], "Check a cluster"),
        ("requests:own", [], "Access"),
        ("requests:waiting", [], "I take over the gift finder"),
        ("outbox:messages", [], "Outbox"),
        ("accounts:roles", [], "On call (demo)"),
        ("accounts:people", [], "Mira Holt"),
        ("tokens:every", [], "dashboard"),
        ("tokens:robots", [], "Nightly report"),
        ("tokens:robot", ["nightly-report"], "192.0.2.0/24"),
        ("explorer:access", [], "Access"),
        ("accounts:bindings", [], "Storefront"),
        ("accounts:person", ["mira.holt"], "Storefront"),
        ("audit:events", [], "Demo loaded"),
    ]
    return {reverse(name, args=args): word for name, args, word in named}


# Nothing of the demo is on them: what one has asked for oneself, and what was sent. The settings lead on.
OWN = {"/requests/", "/outbox/"}


def test_every_page_has_something_to_say(browser: Client) -> None:
    pages = addresses()
    entries = {reverse(place.name) for place in nav.MAIN + nav.ADMIN} - {"/settings/"}
    assert entries <= set(pages)
    for address, word in pages.items():
        answer = browser.get(address)
        text = answer.content.decode()
        assert answer.status_code == 200, address
        assert word in text, address
        if address in entries:
            assert "data-empty" not in text or address in OWN, address
            assert "Demo data" in text, address
            assert reverse("home:remove_demo") in text, address


def test_only_who_may_remove_it_is_offered_to(estate: Estate) -> None:
    text = client_of(person("fay", "finance")).get("/").content.decode()
    assert "Demo data" in text
    assert reverse("home:remove_demo") not in text


def test_loading_again_changes_nothing(estate: Estate) -> None:
    before, events, world = rows(), Event.objects.count(), (estate.folder / "demo" / "world.json").read_bytes()
    done = demo.load(by=COMMAND, say=lambda _text: None)
    assert done.text == "The demo is loaded."
    assert rows() == before
    assert Event.objects.count() == events
    assert (estate.folder / "demo" / "world.json").read_bytes() == world


def test_a_pass_over_what_stands_changes_nothing(estate: Estate) -> None:
    for cluster in demo_clusters():
        report = inventory.sync_once(cluster, at=clock.now(), owner="test")
        assert (report.skipped, report.failed) == ("", {})
        assert sum(stream.changed + stream.deleted for stream in report.streams) == 0


def test_clusters_are_followed_to_another_address(estate: Estate) -> None:
    servers = {cluster.pk: cluster.server for cluster in demo_clusters()}
    (estate.folder / "demo" / "world.json").unlink()
    estate.restart()
    demo.load(by=COMMAND, say=lambda _text: None)
    for cluster in demo_clusters():
        assert cluster.state == "attached"
        assert cluster.server != servers[cluster.pk]
        report = inventory.sync_once(cluster, at=clock.now(), owner="test")
        assert (report.skipped, report.failed) == ("", {})
        # The world was made again from what the audit remembers.
        assert sum(stream.changed + stream.deleted for stream in report.streams) == 0
    assert Pod.objects.live().filter(cluster__is_demo=True).count() == 1500


def test_removal_leaves_nothing_but_the_audit(estate: Estate) -> None:
    events = Event.objects.count()
    removed = demo.remove(by=COMMAND)
    assert removed == {"clusters": 3, "teams": 4, "projects": 7, "people": 11, "kept": 0}
    assert rows() == estate.before
    assert Event.objects.count() == events + 1
    assert Event.objects.latest("id").kind == "demo.remove"
    assert not registry_reads.demo_loaded()
    assert estate.simulator.clusters() == [] or {one["slug"] for one in estate.simulator.clusters()} == {"own"}
    assert not (estate.folder / "demo" / "world.json").exists()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database"
            " WHERE locktype = 'advisory' AND objid = 6310 AND datname = current_database()"
        )
        assert cursor.fetchone() == (0,)

    assert demo.remove(by=COMMAND) == {}
    assert "--again" in demo.load(by=COMMAND, say=lambda _text: None).text
    assert rows() == estate.before
