"""Ireland: a managed cluster in a cloud, with a spot pool, GPUs, and a machine type that nobody has priced yet."""

from portal.home.demo.catalogue.shapes import App, Disk, Pool, Site, Space

SSD = "gp3"
_SPOT, _MEMORY, _GPU = ("spot",), ("memory",), ("gpu",)

POOLS = (
    Pool("general", "m6i.2xlarge", 8, 32, 11, "on_demand", joined=(27, 15, 5), retired=((140, 20),)),
    Pool("spot", "m6i.2xlarge", 8, 32, 3, "spot", weekly=3, only=True),
    Pool("gpu", "g5.2xlarge", 8, 32, 2, "on_demand", gpus=1, only=True),
    Pool("memory", "r6i.2xlarge", 8, 64, 3, "on_demand", only=True),
    # New, and nobody has entered a price for it.
    Pool("trial", "c7g.2xlarge", 8, 16, 2, "on_demand", joined=(6, 4), only=True, architecture="arm64"),
)

SEARCH = (
    App("query-api", 38, 180, 512, releases=4, weekend=26),
    App("suggest", 16, 100, 384, releases=3),
    App("ranking", 12, 300, 640, pools=("general", "trial"), releases=3, joined=(6, 6, 4)),
    App("indexer", 16, 500, 768, pools=_SPOT, releases=2, weekend=5),
    App("synonyms", 2, 50, 128),
    App(
        "search-index", 6, 1500, 16384, "StatefulSet", pools=_MEMORY, storage=300, storage_class=SSD, expanded=(17, 240)
    ),
    App("reindex-catalogue", kind="Job", cpu=1000, memory=2048, trouble="active"),
)
SEARCH_STAGING = (
    App("query-api", 4, 100, 256, releases=7, trouble="rollout"),
    App("suggest", 2, 50, 128, releases=4),
    App("search-index", 1, 500, 4096, "StatefulSet", storage=40, storage_class=SSD),
)
RECOMMENDATIONS = (
    App("recs-api", 36, 150, 384, releases=4, joined=(29, 29, 29, 21, 21, 21, 12, 12, 12, 5, 5, 5)),
    App("event-collector", 32, 150, 256, releases=2, joined=(26, 26, 18, 18, 9, 9)),
    App("candidate-generator", 18, 500, 768, pools=_SPOT, releases=2, weekend=6),
    App("model-server", 2, 2000, 8192, pools=_GPU, gpu=1, releases=1),
    App("feature-writer", 10, 200, 512, releases=2),
    App("feature-store", 3, 1000, 12288, "StatefulSet", pools=_MEMORY, storage=150, storage_class=SSD),
    App("embeddings", 16, 600, 640, pools=("trial",), joined=(6,) * 10 + (4,) * 6, age=6),
    App("nightly-training", kind="CronJob", cpu=2000, memory=8192, pools=_SPOT, every=24, minutes=95, trouble="failed"),
    App("retrain-embeddings", kind="Job", cpu=4000, memory=16384, pools=_GPU, gpu=2, trouble="pending"),
)
LAB = (
    App("notebook", 6, 500, 2048, "StatefulSet", storage=50, storage_class=SSD, joined=(25, 14)),
    App("experiment-tracker", 2, 100, 512, releases=1),
    App("tracker-db", 1, 250, 1024, "StatefulSet", storage=30, storage_class=SSD),
)
REPORTING = (
    App("dashboards", 8, 200, 768, releases=3),
    App("query-engine", 14, 600, 1024, pools=_SPOT, releases=1, weekend=4),
    App("query-coordinator", 3, 300, 2048, releases=1),
    App("semantic-layer", 6, 150, 512, releases=2),
    App("metadata-db", 2, 500, 4096, "StatefulSet", pools=_MEMORY, storage=80, storage_class=SSD),
    App("warehouse-loader", kind="CronJob", cpu=800, memory=1536, pools=("general", "spot"), every=1, minutes=7),
    App("partner-export", kind="CronJob", cpu=400, memory=1024, pools=("general", "spot"), every=8, minutes=21),
)
SHOP_WEST = (
    App("storefront-web", 36, 100, 256, releases=5, weekend=22),
    App("product-api", 18, 150, 384, releases=3, weekend=12),
    App("cart", 12, 80, 256, releases=3),
    App("price-api", 8, 100, 256, releases=2),
    App("session-cache", 3, 250, 2048, "StatefulSet", storage=8, storage_class=SSD),
)
INSIGHTS = (
    App("segment-builder", 10, 200, 640, releases=2),
    App("profile-api", 16, 150, 512, releases=3, weekend=10),
    App("consent-service", 6, 100, 256, releases=1),
    App("churn-score", kind="CronJob", cpu=1000, memory=2048, pools=("general", "spot"), every=12, minutes=17),
)
TRACKING = (
    App("tracking-api", 24, 120, 384, releases=3, joined=(15, 15, 8, 8)),
    App("carrier-webhooks", 18, 100, 256, releases=2),
    App("notifications", 14, 80, 256, releases=2, trouble="restarts"),
    App("eta-model", 8, 250, 768, releases=1, age=21),
    App("address-check", 6, 100, 256, releases=1),
    App("parcel-events", 3, 500, 4096, "StatefulSet", pools=_MEMORY, storage=100, storage_class=SSD),
)

KUBE_SYSTEM = (
    App("aws-node", kind="DaemonSet", cpu=50, memory=64),
    App("kube-proxy", kind="DaemonSet", cpu=100, memory=64),
    App("ebs-csi-node", kind="DaemonSet", cpu=30, memory=120),
    App("coredns", 4, 100, 70),
    App("ebs-csi-controller", 2, 60, 240),
    App("metrics-server", 2, 100, 200),
    App("cluster-autoscaler", 1, 100, 600),
    App("load-balancer-controller", 2, 100, 128),
)
PLATFORM = (
    Space("kube-system", KUBE_SYSTEM),
    Space(
        "ingress-nginx",
        (App("ingress-nginx-controller", 5, 250, 384, releases=1),),
        shared=True,
        balancers=("ingress-nginx-controller",),
    ),
    Space(
        "monitoring",
        (
            App("node-exporter", kind="DaemonSet", cpu=30, memory=64),
            App("prometheus", 2, 750, 6144, "StatefulSet", storage=200, storage_class=SSD),
            App("kube-state-metrics", 1, 100, 256),
        ),
        shared=True,
    ),
    Space("logging", (App("log-shipper", kind="DaemonSet", cpu=60, memory=120),), shared=True),
    Space("cert-manager", (App("cert-manager", 1), App("cainjector", 1), App("webhook", 1, 50, 64))),
    Space("gatekeeper-system", (App("gatekeeper-audit", 1, 100, 256), App("gatekeeper-controller", 3, 100, 256))),
)
_PRODUCTION = ("environment", "production")
TEAMS = (
    Space("search-prod", SEARCH, "product-search", labels=(("team", "storefront"), _PRODUCTION), quota=(40, 160, 120)),
    Space(
        "search-staging", SEARCH_STAGING, "product-search", labels=(("team", "storefront"), ("environment", "staging"))
    ),
    Space(
        "recommendations",
        RECOMMENDATIONS,
        "recommendations",
        labels=(("team", "data-platform"), _PRODUCTION),
        quota=(60, 140, 160),
        balancers=("recs-api-private",),
    ),
    Space(
        "recommendations-lab",
        LAB,
        "recommendations",
        labels=(("team", "data-platform"), ("environment", "development")),
        disks=(Disk("shared-datasets", 500, "Bound", SSD), Disk("scratch", 200, "Pending", SSD, age=2)),
    ),
    Space(
        "reporting",
        REPORTING,
        "reporting",
        labels=(("team", "data-platform"), _PRODUCTION),
        quota=(40, 60, 80),
        disks=(Disk("extract-cache", 150, "Deleted", SSD, gone=8),),
    ),
    Space("shop-eu-west", SHOP_WEST, "web-shop", labels=(("team", "storefront"), _PRODUCTION), quota=(24, 48, 120)),
    Space(
        "customer-insights",
        INSIGHTS,
        "web-shop",
        moved=("reporting", 12),
        labels=(("team", "storefront"), _PRODUCTION),
    ),
    Space(
        "parcel-tracking",
        TRACKING,
        "parcel-tracking",
        labels=(("team", "logistics"), _PRODUCTION),
        balancers=("carrier-webhooks",),
    ),
)
UNOWNED = (
    # A label names a team that owns two projects: the team alone is suggested.
    Space(
        "poc-vector-search",
        (App("vector-db", 2, 500, 2048, "StatefulSet", storage=100, storage_class=SSD), App("playground", 3, 100, 256)),
        labels=(("owner-team", "data-platform"),),
        age=19,
        disks=(Disk("vector-db-backup", 120, "Released", SSD, age=33),),
    ),
    # The label's text is all there is.
    Space(
        "microsite-autumn",
        (App("web", 6, 100, 128, releases=1), App("form-handler", 2, 50, 128)),
        labels=(("owner", "brand-marketing"),),
        age=61,
    ),
    Space("sandbox-upgrade-test", (App("echo", 1, 50, 64),), terminating=True, age=9),
)

IRELAND = Site(
    slug="ireland-cloud",
    name="Ireland cloud",
    distribution="eks",
    version="v1.31.7-eks-473151a",
    region="eu-west-1",
    zones=("eu-west-1a", "eu-west-1b", "eu-west-1c"),
    provider="aws:///",
    host="ip",
    pod_limit=58,
    driver="ebs.csi.aws.com",
    pools=POOLS,
    spaces=PLATFORM + TEAMS + UNOWNED,
    groups=("metrics.k8s.io", "templates.gatekeeper.sh", "constraints.gatekeeper.sh"),
)
