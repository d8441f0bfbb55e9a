"""The addresses that a provider must be told of."""

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.accounts.providers.declared import GithubProvider, OidcProvider
from portal.core import parts


def facts(provider: GithubProvider | OidcProvider) -> list[parts.Fact]:
    """Return them as an administrator copies them."""
    hook = "accounts:github_hook" if isinstance(provider, GithubProvider) else "accounts:oidc_logout"
    label = _("Webhook address") if isinstance(provider, GithubProvider) else _("Back-channel logout address")
    back = settings.BASE_URL + reverse("accounts:callback", args=[provider.key])
    return [
        parts.Fact(_("Callback address"), back, mono=True),
        parts.Fact(label, settings.BASE_URL + reverse(hook, args=[provider.key]), mono=True),
    ]
