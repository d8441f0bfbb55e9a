"""Teams, projects, people and prices of an invented retailer."""

from dataclasses import dataclass

from portal.home.demo.catalogue.frankfurt import FRANKFURT
from portal.home.demo.catalogue.ireland import IRELAND
from portal.home.demo.catalogue.shapes import Site
from portal.home.demo.catalogue.warehouse import WAREHOUSE

SITES: tuple[Site, ...] = (FRANKFURT, IRELAND, WAREHOUSE)


@dataclass(frozen=True)
class Team:
    """Who pays."""

    slug: str
    name: str
    cost_centre: str
    owner: str


@dataclass(frozen=True)
class Project:
    """`team` is the slug of its team; anybody may find a listed one and ask for access to it."""

    slug: str
    name: str
    team: str
    description: str
    listed: bool = False


@dataclass(frozen=True)
class Given:
    """A role on a "team", "project", "cluster" or "everything", for so many days (0: without end)."""

    role: str
    kind: str
    slug: str
    days: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Person:
    """Somebody with an address that no mail reaches: `example.test` exists nowhere."""

    username: str
    name: str
    roles: tuple[Given, ...]

    @property
    def email(self) -> str:
        """Return the person's mail address."""
        return f"{self.username}@example.test"


@dataclass(frozen=True)
class OwnRole:
    """A role of the installation's own."""

    name: str
    description: str
    kinds: tuple[str, ...]
    permissions: tuple[str, ...]


@dataclass(frozen=True)
class Asked:
    """A request that waits since `hours` ago; `who` is a user name."""

    who: str
    given: Given
    hours: int


@dataclass(frozen=True)
class Robot:
    """A program's account with one token, made by the person `maker`."""

    slug: str
    name: str
    description: str
    home: tuple[str, str]
    role: str
    maker: str
    token: str
    permissions: tuple[str, ...]
    networks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Price:
    """A rate of the demo's book: `before` held until the day of the change (0: it never changed)."""

    asset: str
    price: str
    unit: str = "hour"
    instance_type: str = ""
    capacity_class: str = ""
    storage_class: str = ""
    before: str = ""


TEAMS = (
    Team("storefront", "Storefront", "CC-4100", "Mira Holt, #storefront"),
    Team("payments", "Payments", "CC-4200", "Tomas Lindqvist, #payments"),
    Team("data-platform", "Data Platform", "CC-5300", "Ada Brandt, #data-platform"),
    Team("logistics", "Logistics", "CC-6100", "Ruben de Wit, #logistics"),
)
PROJECTS = (
    Project("web-shop", "Web Shop", "storefront", "The shop that customers see, in two regions."),
    Project("product-search", "Product Search", "storefront", "Search, suggestions and ranking.", listed=True),
    Project("checkout", "Checkout", "payments", "From the cart to the paid order."),
    Project("invoicing", "Invoicing", "payments", "Invoices, reminders and the month-end close."),
    Project("recommendations", "Recommendations", "data-platform", "What a customer may want next."),
    Project("reporting", "Reporting", "data-platform", "Dashboards and exports for the whole company."),
    Project("parcel-tracking", "Parcel Tracking", "logistics", "From the warehouse to the front door."),
)
OWN_ROLES = (
    OwnRole(
        "On call (demo)",
        "Sees what runs and who is responsible, for the nights.",
        ("team", "project"),
        ("project.view", "team.view", "inventory.view", "member.view"),
    ),
)
_ON_CALL = "x-on-call-demo"
PEOPLE = (
    Person("mira.holt", "Mira Holt", (Given("team_owner", "team", "storefront"),)),
    Person(
        "jonas.pietsch",
        "Jonas Pietsch",
        (Given("project_member", "project", "checkout", 88, "Until the new payment provider runs."),),
    ),
    Person("ada.brandt", "Ada Brandt", (Given("team_owner", "team", "data-platform"),)),
    Person(
        "ruben.dewit",
        "Ruben de Wit",
        (Given("team_owner", "team", "logistics"), Given("cluster_viewer", "cluster", "venlo-warehouse")),
    ),
    Person("helen.farrow", "Helen Farrow", (Given("finance", "everything", ""),)),
    Person(
        "sami.nieminen",
        "Sami Nieminen",
        (Given("project_viewer", "project", "web-shop", 26, "Looks after the shop's texts during the sale."),),
    ),
    Person(
        "lena.okafor",
        "Lena Okafor",
        (Given("cost_viewer", "team", "payments"), Given("auditor", "everything", "")),
    ),
    Person("viktor.hald", "Viktor Hald", (Given("cluster_owner", "cluster", "frankfurt-production"),)),
    Person("tomas.lindqvist", "Tomas Lindqvist", (Given("team_owner", "team", "payments"),)),
    Person("petra.vogt", "Petra Vogt", (Given("project_owner", "project", "web-shop"),)),
    Person(
        "omar.haddad",
        "Omar Haddad",
        (
            Given("project_member", "project", "recommendations"),
            Given(_ON_CALL, "team", "data-platform", 40, "On call until the end of the quarter."),
        ),
    ),
)
REQUESTS = (
    Asked(
        "sami.nieminen",
        Given("project_member", "project", "web-shop", 30, "I take over the gift finder from Monday on."),
        hours=3,
    ),
    Asked(
        "jonas.pietsch",
        Given("project_viewer", "project", "invoicing", 7, "Refunds end up in invoices; I look for where."),
        hours=26,
    ),
    Asked(
        "omar.haddad",
        Given("cost_viewer", "project", "product-search", 0, "Half of its load comes from recommendations."),
        hours=50,
    ),
)
ROBOTS = (
    Robot(
        "nightly-report",
        "Nightly report",
        "Writes the cost of the team's projects into the morning's dashboard.",
        ("team", "data-platform"),
        "cost_viewer",
        "ada.brandt",
        "dashboard",
        ("cost.view", "project.view"),
        ("192.0.2.0/24",),
    ),
)

BOOK = "Demo list prices"
# When the changed prices below began to hold, in days before now.
PRICE_CHANGE_DAYS = 14
# c7g.2xlarge is left out on purpose.
PRICES = (
    Price("node", "0.0520", instance_type="rack-4x16"),
    Price("node", "0.2140", instance_type="rack-16x64", before="0.1980"),
    Price("node", "0.2310", instance_type="rack-8x128"),
    Price("node", "0.4280", instance_type="m6i.2xlarge", capacity_class="on_demand", before="0.4560"),
    Price("node", "0.1330", instance_type="m6i.2xlarge", capacity_class="spot"),
    Price("node", "1.3540", instance_type="g5.2xlarge", capacity_class="on_demand"),
    Price("node", "0.5640", instance_type="r6i.2xlarge", capacity_class="on_demand"),
    Price("node", "28.50", "month", instance_type="edge-4x16"),
    Price("node", "46.00", "month", instance_type="edge-8x32"),
    Price("node", "11.20", "month", instance_type="edge-2x4"),
    Price("volume", "0.0620", "month", storage_class="longhorn"),
    Price("volume", "0.0880", "month", storage_class="gp3"),
    Price("volume", "0.0150", "month", storage_class="local-path"),
    Price("load_balancer", "0.0252"),
    Price("fee", "0.1000"),
)
