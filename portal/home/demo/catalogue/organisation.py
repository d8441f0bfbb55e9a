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
    """`team` is the slug of its team."""

    slug: str
    name: str
    team: str
    description: str


@dataclass(frozen=True)
class Person:
    """`roles` are (role key, "team" | "project" | "cluster" | "everything", slug)."""

    username: str
    name: str
    roles: tuple[tuple[str, str, str], ...]


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
    Project("product-search", "Product Search", "storefront", "Search, suggestions and ranking."),
    Project("checkout", "Checkout", "payments", "From the cart to the paid order."),
    Project("invoicing", "Invoicing", "payments", "Invoices, reminders and the month-end close."),
    Project("recommendations", "Recommendations", "data-platform", "What a customer may want next."),
    Project("reporting", "Reporting", "data-platform", "Dashboards and exports for the whole company."),
    Project("parcel-tracking", "Parcel Tracking", "logistics", "From the warehouse to the front door."),
)
PEOPLE = (
    Person("mira.holt", "Mira Holt", (("team_owner", "team", "storefront"),)),
    Person("jonas.pietsch", "Jonas Pietsch", (("project_member", "project", "checkout"),)),
    Person("ada.brandt", "Ada Brandt", (("team_owner", "team", "data-platform"),)),
    Person(
        "ruben.dewit",
        "Ruben de Wit",
        (("team_owner", "team", "logistics"), ("cluster_viewer", "cluster", "venlo-warehouse")),
    ),
    Person("helen.farrow", "Helen Farrow", (("finance", "everything", ""),)),
    Person("sami.nieminen", "Sami Nieminen", (("project_viewer", "project", "web-shop"),)),
    Person("lena.okafor", "Lena Okafor", (("cost_viewer", "team", "payments"), ("auditor", "everything", ""))),
    Person("viktor.hald", "Viktor Hald", (("cluster_owner", "cluster", "frankfurt-production"),)),
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
