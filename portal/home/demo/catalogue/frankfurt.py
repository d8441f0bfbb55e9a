"""Frankfurt: own machines under RKE2, managed by Rancher. The shop and the payments of an invented retailer."""

from portal.home.demo.catalogue.shapes import App, Disk, Pool, Site, Space

BLOCK = "longhorn"
_DATABASES = ("databases",)

POOLS = (
    Pool("control", "rack-4x16", 4, 16, 3, control_plane=True, only=True),
    Pool("workers", "rack-16x64", 16, 64, 19, joined=(16, 9), retired=((200, 11),)),
    Pool("databases", "rack-8x128", 8, 128, 4, only=True),
)

SHOP = (
    App("storefront-web", 48, 250, 512, releases=5, weekend=32, trouble="rollout"),
    App("storefront-bff", 24, 300, 640, releases=4, weekend=18),
    App("product-api", 36, 350, 768, releases=3, weekend=26),
    App("cart", 28, 200, 384, releases=3, weekend=20),
    App("price-api", 18, 250, 512, releases=2),
    App("stock-api", 18, 200, 512, releases=2, joined=(20, 20, 6)),
    App("media-proxy", 16, 500, 512, releases=1),
    App("search-proxy", 14, 150, 256, releases=2),
    App("gift-finder", 12, 150, 384, releases=2, joined=(22,) * 6),
    App("customer-account", 16, 200, 512, releases=2),
    App("wishlist", 8, 100, 256, releases=1),
    App("newsletter", 6, 100, 256, releases=1),
    App("translations", 6, 50, 192),
    App("session-cache", 3, 500, 4096, "StatefulSet", storage=8, storage_class=BLOCK),
    App("sitemap", kind="CronJob", cpu=500, memory=512, every=24, minutes=11),
)
SHOP_STAGING = (
    App("storefront-web", 4, 100, 256, releases=9, trouble="image"),
    App("storefront-bff", 3, 100, 256, releases=7),
    App("product-api", 3, 100, 384, releases=6),
    App("cart", 2, 100, 256, releases=5),
    App("price-api", 2, 100, 256, releases=3),
    App("session-cache", 1, 100, 512, "StatefulSet", storage=8, storage_class=BLOCK),
)
CHECKOUT = (
    App("checkout-api", 28, 400, 768, releases=3, weekend=20, trouble="rollout"),
    App("payment-gateway", 22, 400, 768, releases=2),
    App("fraud-check", 18, 750, 1536, releases=2, joined=(24, 24, 10, 10)),
    App("order-writer", 14, 300, 512, releases=2),
    App("card-vault", 8, 250, 512, releases=1),
    App("vouchers", 8, 150, 384, releases=2),
    App("loyalty-points", 10, 200, 512, releases=1),
    App("receipt-mailer", 6, 100, 256, releases=1, trouble="restarts"),
    App("refunds", 6, 150, 384, releases=1),
    App(
        "orders-db",
        3,
        2000,
        24576,
        "StatefulSet",
        pools=_DATABASES,
        storage=250,
        storage_class=BLOCK,
        expanded=(19, 200),
    ),
    App("settlement", kind="CronJob", cpu=1000, memory=2048, every=6, minutes=14),
)
CHECKOUT_STAGING = (
    App("checkout-api", 3, 100, 384, releases=8),
    App("payment-gateway", 2, 100, 384, releases=6),
    App("fraud-check", 2, 200, 768, releases=6, trouble="crash"),
    App("order-writer", 2, 100, 256, releases=4),
    App("orders-db", 1, 500, 4096, "StatefulSet", pools=_DATABASES, storage=50, storage_class=BLOCK),
)
INVOICING = (
    App("invoice-api", 12, 250, 512, releases=2),
    App("pdf-renderer", 14, 500, 1024, releases=1, weekend=6),
    App("credit-notes", 6, 150, 384, releases=1),
    App("dunning", 4, 150, 384, releases=1),
    App("tax-rates", 4, 100, 256),
    App("invoice-db", 2, 1500, 16384, "StatefulSet", pools=_DATABASES, storage=120, storage_class=BLOCK),
    App("bank-statements", kind="CronJob", cpu=300, memory=512, every=12, minutes=9),
    App("month-end-close", kind="Job", cpu=1000, memory=2048, trouble="failed"),
)
INVOICING_STAGING = (
    App("invoice-api", 2, 100, 256, releases=4),
    App("pdf-renderer", 2, 200, 512, releases=3),
    App("invoice-db", 1, 250, 2048, "StatefulSet", storage=20, storage_class=BLOCK),
)

KUBE_SYSTEM = (
    App("etcd", kind="Node", cpu=200, memory=512, pools=("control",)),
    App("kube-apiserver", kind="Node", cpu=250, memory=1024, pools=("control",)),
    App("kube-controller-manager", kind="Node", cpu=200, memory=256, pools=("control",)),
    App("kube-scheduler", kind="Node", cpu=100, memory=128, pools=("control",)),
    App("rke2-canal", kind="DaemonSet", cpu=250, memory=256),
    App("kube-proxy", kind="DaemonSet", cpu=100, memory=128),
    App("rke2-coredns", 4, 100, 128),
    App("rke2-metrics-server", 1, 100, 200),
    App("rke2-snapshot-controller", 1, 50, 64),
)
PLATFORM = (
    Space("kube-system", KUBE_SYSTEM, rancher="system", disks=(Disk("etcd-snapshots", 40, "Bound", BLOCK),)),
    Space(
        "ingress-nginx",
        (App("ingress-nginx-controller", 6, 500, 512, releases=1), App("default-backend", 2, 20, 32)),
        shared=True,
        rancher="system",
        balancers=("ingress-nginx-controller", "ingress-nginx-internal"),
    ),
    Space(
        "monitoring",
        (
            App("node-exporter", kind="DaemonSet", cpu=50, memory=64),
            App("prometheus", 2, 1500, 12288, "StatefulSet", storage=300, storage_class=BLOCK),
            App("alertmanager", 3, 50, 128, "StatefulSet", storage=5, storage_class=BLOCK),
            App("grafana", 2, 200, 512),
            App("kube-state-metrics", 1, 200, 512, trouble="restarts"),
        ),
        shared=True,
        rancher="system",
    ),
    Space(
        "logging",
        (App("log-shipper", kind="DaemonSet", cpu=100, memory=200), App("log-gateway", 3, 500, 1024)),
        shared=True,
    ),
    Space("cert-manager", (App("cert-manager", 1), App("cainjector", 1), App("webhook", 2, 50, 64)), rancher="system"),
    Space(
        "longhorn-system",
        (
            App("longhorn-manager", kind="DaemonSet", cpu=200, memory=256, pools=("workers", "databases")),
            App("longhorn-csi-plugin", kind="DaemonSet", cpu=50, memory=128, pools=("workers", "databases")),
            App("csi-provisioner", 3, 50, 64),
            App("csi-attacher", 3, 50, 64),
            App("longhorn-ui", 2, 50, 64),
        ),
        shared=True,
        rancher="system",
    ),
    Space(
        "cattle-system",
        (App("cattle-cluster-agent", 2, 200, 512), App("rancher-webhook", 1, 50, 128)),
        rancher="system",
    ),
)
TEAMS = (
    Space(
        "shop-prod",
        SHOP,
        "web-shop",
        labels=(("team", "storefront"), ("environment", "production")),
        rancher="shop",
        quota=(80, 120, 220),
    ),
    Space(
        "shop-staging",
        SHOP_STAGING,
        "web-shop",
        labels=(("team", "storefront"), ("environment", "staging")),
        rancher="shop",
        quota=(8, 16, 40),
    ),
    Space(
        "checkout-prod",
        CHECKOUT,
        "checkout",
        labels=(("team", "payments"), ("environment", "production")),
        rancher="payments",
        quota=(60, 160, 150),
    ),
    Space(
        "checkout-staging",
        CHECKOUT_STAGING,
        "checkout",
        labels=(("team", "payments"), ("environment", "staging")),
        rancher="payments",
        quota=(6, 16, 30),
    ),
    Space(
        "invoicing-prod",
        INVOICING,
        "invoicing",
        labels=(("team", "payments"), ("environment", "production")),
        disks=(
            Disk("invoice-archive-2025", 400, "Bound", BLOCK),
            Disk("invoice-import", 60, "Deleted", BLOCK, gone=13),
        ),
    ),
    Space(
        "invoicing-staging", INVOICING_STAGING, "invoicing", labels=(("team", "payments"), ("environment", "staging"))
    ),
)
UNOWNED = (
    # Rancher's project names the owner.
    Space(
        "payment-mocks",
        (App("bank-simulator", 4, 100, 256, releases=1), App("card-network-mock", 3, 100, 256)),
        rancher="payments",
        age=44,
    ),
    # A label names a project.
    Space(
        "christmas-landing",
        (App("landing-page", 6, 100, 128, releases=2), App("countdown", 2, 50, 64)),
        labels=(("project", "web-shop"), ("environment", "production")),
        age=23,
    ),
    # Nothing names anybody.
    Space(
        "loadtest",
        (
            App("k6-runner", 20, 500, 512, age=30),
            App("results-db", 1, 200, 1024, "StatefulSet", storage=40, storage_class=BLOCK),
        ),
        labels=(("purpose", "load-test"),),
        age=48,
        disks=(Disk("results-db-old", 80, "Released", BLOCK), Disk("spare", 20, "Available", BLOCK, age=51)),
    ),
)

FRANKFURT = Site(
    slug="frankfurt-production",
    name="Frankfurt production",
    distribution="rke2",
    version="v1.32.5+rke2r1",
    region="eu-central",
    zones=("fra-a", "fra-b", "fra-c"),
    provider="rke2://",
    host="fra",
    pod_limit=110,
    driver="driver.longhorn.io",
    pools=POOLS,
    spaces=PLATFORM + TEAMS + UNOWNED,
    groups=("metrics.k8s.io", "management.cattle.io"),
    rancher=True,
)
