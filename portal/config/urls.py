"""Every address, written out."""

from django.urls import include, path

urlpatterns = [
    path("", include("portal.home.urls")),
    path("", include("portal.accounts.urls")),
    path("audit/", include("portal.audit.urls")),
    path("clusters/", include("clusters.registry.urls")),
    path("inventory/", include("clusters.inventory.urls")),
    path("", include("clusters.projects.urls")),
    path("prices/", include("billing.pricing.urls")),
    path("costs/", include("billing.ledger.urls")),
    path("api/v1/", include("portal.config.api_urls")),
]
handler404 = "portal.access.views.not_found"
handler500 = "portal.access.views.server_error"
