"""api/v1: each room lists its routes."""

from itertools import chain

from django.urls import path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import SimpleRouter

from billing.ledger import api as ledger
from billing.pricing import api as pricing
from clusters.inventory import api as inventory
from clusters.manifests import api as manifests
from clusters.projects import api as projects
from clusters.quotas import api as quotas
from clusters.registry import api as registry
from portal.access import gate
from portal.accounts import api as accounts
from portal.audit import api as audit
from portal.explorer import api as explorer
from portal.home import api as home
from portal.outbox import api as outbox
from portal.requests import api as requests
from portal.tokens import api as tokens

app_name = "api"
router = SimpleRouter(trailing_slash=True)
for prefix, viewset, basename in chain(
    registry.ROUTES,
    inventory.ROUTES,
    projects.ROUTES,
    quotas.ROUTES,
    manifests.ROUTES,
    pricing.ROUTES,
    ledger.ROUTES,
    accounts.ROUTES,
    tokens.ROUTES,
    explorer.ROUTES,
    requests.ROUTES,
    audit.ROUTES,
    outbox.ROUTES,
    home.ROUTES,
):
    router.register(prefix, viewset, basename)

schema = gate.signed_in("the description of the API says nothing about what is in it")(
    SpectacularAPIView.as_view(permission_classes=[])
)
urlpatterns = [path("openapi.yaml", schema, name="schema"), *router.urls]
