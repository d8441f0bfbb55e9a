"""From two real clusters to what each team costs there: attached, owned and priced on the pages, in a real browser.

Every amount is compared, to the last digit, with one worked out here from the clusters' own objects and the instant
up to which Paddock says it counted.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e import answers, arithmetic, estate, steps, work
from tests.e2e import browser as browsing
from tests.e2e.arithmetic import Tenure
from tests.e2e.estate import RealCluster, Workload, instant
from tests.e2e.installation import Installation
from tests.testbed import control_plane

# Large, so that every second shows; odd, so that every rounding does.
CORE, GIB, MONTH_GIB, NODE = "98765.4321", "12345.6789", "56772101.23", "543210.987"
# What a price book starts with.
CORE_WEIGHT, GIB_WEIGHT = "0.031611", "0.004237"
PRICES = f"""asset,instance_type,region,class,provider_id,storage_class,price,unit,currency,from,to
core,,,,,,{CORE},hour,USD,,
memory,,,,,,{GIB},hour,USD,,
volume,,,,,{estate.STORAGE},{MONTH_GIB},month,USD,,
node,e2e.whole,,,,,{NODE},hour,USD,,
"""
SHOP, STOCK = "e2e-shop", "e2e-stock"


@pytest.fixture(scope="module")
def clusters(testbed: control_plane.Bed) -> Iterator[dict[str, RealCluster]]:
    """Two clusters at work: the machines of the first are priced by their parts, those of the second whole."""
    one = RealCluster(testbed["one"], machine="e2e.parts", cores=4, memory_gib=16)
    two = RealCluster(testbed["two"], machine="e2e.whole", cores=8, memory_gib=16)
    one.add_nodes(2)
    two.add_nodes(1)
    one.add_namespaces(SHOP, STOCK)
    two.add_namespaces(SHOP)
    one.add_volume(SHOP, "e2e-data")
    one.deploy(Workload(SHOP, "web", 3, 250, 512), Workload(STOCK, "api", 2, 300, 1000))
    two.deploy(Workload(SHOP, "worker", 2, 750, 3000))
    yield {one.name: one, two.name: two}
    if not two.cluster.pids():
        two.cluster.switch_on()


class Story:
    """One portal over two clusters, and what is known of who pays for what since when."""

    def __init__(self, visit: browsing.Visit, paddock: Installation, clusters: dict[str, RealCluster]) -> None:
        self.visit = visit
        self.paddock = paddock
        self.clusters = clusters
        whole = clusters["e2e-two"]
        self.rates = {
            clusters["e2e-one"].machine: arithmetic.by_parts(core=CORE, memory=GIB),
            estate.STORAGE: arithmetic.by_month(MONTH_GIB),
            whole.machine: arithmetic.by_node(
                NODE,
                cores=whole.cores,
                memory=whole.memory_gib * arithmetic.GIB,
                core_weight=CORE_WEIGHT,
                gib_weight=GIB_WEIGHT,
            ),
        }
        self.tenures = [
            Tenure(name, namespace, "Red", clusters[name].born(namespace))
            for name, namespace in (("e2e-one", SHOP), ("e2e-one", STOCK), ("e2e-two", SHOP))
        ]

    def count(self) -> None:
        """Read, measure and close once more, by the worker."""
        work.sync(self.paddock)
        work.close(self.paddock)

    def expected(self, team: str, counted_to: Mapping[str, datetime]) -> Decimal:
        things = [thing for cluster in self.clusters.values() for thing in cluster.things()]
        return arithmetic.cost(team, things=things, tenures=self.tenures, rates=self.rates, counted_to=counted_to)

    def check(self, *teams: str) -> dict[str, Decimal]:
        """Compare page, API and file with the expected amount of each team, to the last digit; returns them."""
        counted = answers.counted_to(self.visit)
        api, file, page = (ask(self.visit) for ask in (answers.by_api, answers.by_file, answers.by_page))
        assert file.amounts == page.amounts == api.amounts
        assert file.counted_to == page.counted_to == api.counted_to == min(counted.values())
        assert file.notes["coverage"] == api.notes["coverage"]
        assert api.amounts.keys() == set(teams)
        for team in teams:
            assert api.amounts[team] == self.expected(team, counted), team
        assert all(amount > 1 for amount in api.amounts.values())
        return api.amounts

    def move(self, namespace: str, *, cluster: str, source: str, target: str, team: str) -> None:
        """Move a namespace to another team's project on the page, and learn when that was from the API."""
        steps.move_to_project(self.visit, [(namespace, cluster)], slug=source, project=target)
        held = answers.fetch(self.visit, "/projects/")["results"]
        key = next(row["id"] for row in held if row["name"] == target)
        rows = answers.fetch(self.visit, f"/projects/{key}/namespaces/")["results"]
        at = next(instant(row["from"]) for row in rows if row["namespace_name"] == namespace)
        before = next(one for one in self.tenures if (one.cluster, one.namespace) == (cluster, namespace))
        self.tenures.remove(before)
        self.tenures += [replace(before, end=at), replace(before, team=team, start=at)]


def test_a_team_is_charged_what_its_objects_say(
    paddock: Installation, browser: Browser, clusters: dict[str, RealCluster]
) -> None:
    password = steps.first_administrator(paddock)
    paddock.serve()
    paddock.work()
    with browsing.window(browser, paddock.address) as visit:
        steps.sign_in_first(visit, steps.ADMINISTRATOR, password)
        manifest = visit.page.request.get(f"{paddock.address}/clusters/rights/paddock-read.yaml").text()
        for name, cluster in clusters.items():
            steps.attach_cluster(visit, name, cluster.kubeconfig(manifest))
        work.sync(paddock)
        steps.open_team(visit, "Red")
        steps.open_team(visit, "Blue")
        steps.open_project(visit, "Storefront", team="Red")
        steps.open_project(visit, "Warehouse", team="Blue")
        one, two = clusters
        steps.put_into_project(visit, [(SHOP, one), (STOCK, one), (SHOP, two)], project="Storefront")
        steps.import_prices(visit, PRICES, book="List prices")

        story = Story(visit, paddock, clusters)
        story.count()
        first = story.check("Red")

        # A namespace given to another team splits the hour at that second.
        story.move(STOCK, cluster=one, source="storefront", target="Warehouse", team="Blue")
        # A Deployment that is deleted costs nothing any more from its end on.
        clusters[one].delete(SHOP, "web")
        story.count()
        second = story.check("Red", "Blue")
        assert second["Red"] > first["Red"]

        # A cluster that is switched off is charged up to its last confirmation, and says so.
        last = work.confirmed(two)
        clusters[two].switch_off()
        story.count()
        story.count()
        story.check("Red", "Blue")
        counted = answers.counted_to(visit)
        assert counted[two] == last < counted[one]
        assert answers.by_api(visit, cluster=two).coverage < 1
        visit.open(f"/costs/?cluster={two}")
        expect(visit.page.get_by_text(f"counted to {last:%Y-%m-%d %H:%M:%S} UTC").first).to_be_visible()
        visit.open(f"/clusters/{two}/")
        expect(visit.page.get_by_text("Not reachable").first).to_be_visible()
        expect(visit.page.get_by_text(f"counted to {last:%Y-%m-%d %H:%M:%S} UTC").first).to_be_visible()
