"""Venlo: a small k3s cluster on boxes in a warehouse, one of which has stopped reporting."""

from portal.home.demo.catalogue.shapes import App, Disk, Pool, Site, Space

LOCAL = "local-path"
_GATEWAYS = ("gateways",)

POOLS = (
    Pool("server", "edge-4x16", 4, 16, 1, control_plane=True),
    Pool("boxes", "edge-8x32", 8, 32, 6, joined=(18,)),
    Pool("gateways", "edge-2x4", 2, 4, 3, only=True, down=1),
)

SCANNING = (
    App("scan-api", 20, 100, 256, releases=2),
    App("sorter-control", 16, 150, 384, releases=1),
    App("conveyor-telemetry", 26, 100, 192, releases=2, weekend=14),
    App("label-printer", 12, 80, 192, releases=1),
    App("pick-lists", 13, 100, 256, releases=2),
    App("stock-count", 8, 100, 256, releases=1, joined=(18, 18)),
    App("gateway-agent", kind="DaemonSet", cpu=200, memory=512, pools=_GATEWAYS),
    App("edge-db", 2, 1000, 4096, "StatefulSet", storage=60, storage_class=LOCAL),
    App("shift-report", kind="CronJob", cpu=200, memory=384, every=8, minutes=6),
)
DOCK = (
    App("dock-scheduler", 8, 100, 256, releases=2),
    App("gate-cameras", 12, 300, 512, releases=1, trouble="restarts"),
    App("weighbridge", 4, 80, 192),
    App("slot-board", 8, 80, 192, releases=1),
)
KUBE_SYSTEM = (
    App("coredns", 2, 100, 70),
    App("metrics-server", 1, 100, 70),
    App("local-path-provisioner", 1, 50, 64),
    App("traefik", 2, 100, 128),
    App("svclb-traefik", kind="DaemonSet", cpu=20, memory=32),
)
PLATFORM = (
    Space("kube-system", KUBE_SYSTEM, balancers=("traefik",)),
    Space(
        "monitoring",
        (
            App("node-exporter", kind="DaemonSet", cpu=20, memory=32),
            App("prometheus-agent", 1, 200, 1024, "StatefulSet", storage=20, storage_class=LOCAL),
        ),
        shared=True,
    ),
    Space("logging", (App("log-shipper", kind="DaemonSet", cpu=50, memory=96),), shared=True),
)
_LOGISTICS = (("team", "logistics"), ("environment", "production"))
TEAMS = (
    Space("scanning", SCANNING, "parcel-tracking", labels=_LOGISTICS, quota=(16, 32, 120)),
    Space("dock", DOCK, "parcel-tracking", labels=_LOGISTICS, age=52),
)
UNOWNED = (
    Space(
        "yard-pilot",
        (App("plate-reader", 6, 200, 384, trouble="image"), App("yard-map", 3, 80, 192)),
        labels=(("team", "logistics"),),
        age=26,
        disks=(Disk("plate-images", 80, "Bound", LOCAL, age=26),),
    ),
)

WAREHOUSE = Site(
    slug="venlo-warehouse",
    name="Venlo warehouse",
    distribution="k3s",
    version="v1.33.4+k3s1",
    region="venlo",
    zones=("hall-1", "hall-2"),
    provider="k3s://",
    host="venlo",
    pod_limit=110,
    driver="rancher.io/local-path",
    pools=POOLS,
    spaces=PLATFORM + TEAMS + UNOWNED,
)
