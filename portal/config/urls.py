"""Every address, written out."""

from django.urls import include, path

from portal.home import outside

urlpatterns = [
    path("", include("portal.home.urls")),
    path("", include("portal.accounts.urls")),
    path("", include("portal.tokens.urls")),
    path("", include("portal.explorer.urls")),
    path("", include("portal.requests.urls")),
    path("audit/", include("portal.audit.urls")),
    path("outbox/", include("portal.outbox.urls")),
    path("", include("clusters.applying.urls")),
    path("clusters/", include("clusters.registry.urls")),
    path("inventory/", include("clusters.inventory.urls")),
    path("", include("clusters.manifests.urls")),
    path("", include("clusters.projects.urls")),
    path("", include("clusters.quotas.urls")),
    path("prices/", include("billing.pricing.urls")),
    path("costs/", include("billing.ledger.urls")),
    path("csp-report/", outside.csp_report, name="csp_report"),
    path(".well-known/security.txt", outside.security_txt, name="security_txt"),
    path("api/v1/", include("portal.config.api_urls")),
]
handler404 = "portal.access.views.not_found"
handler500 = "portal.access.views.server_error"
