"""The row of each declared provider: made on first use, disabled until an administrator enables it."""

from dataclasses import dataclass
from datetime import datetime

from portal.accounts.models import Provider
from portal.accounts.models.providers import HOUR
from portal.accounts.providers import declared
from portal.accounts.providers.declared import Declared, GithubProvider, LdapProvider, OidcProvider
from portal.audit import services as audit
from portal.core.actors import SYSTEM

# Groups of OIDC are as old as the last sign-in.
OIDC_HOURS = 16


@dataclass(frozen=True)
class Known:
    """A row with what the environment declares for it; None once it is not declared any more."""

    row: Provider
    declared: Declared | None

    @property
    def usable(self) -> bool:
        """True where somebody can sign in by it."""
        return self.declared is not None and self.row.enabled

    @property
    def ldap(self) -> LdapProvider:
        """What is declared of a directory. Raises `ValueError` for another kind."""
        if not isinstance(self.declared, LdapProvider):
            raise ValueError(f"{self.row.key} is no declared directory")
        return self.declared

    @property
    def by_browser(self) -> GithubProvider | OidcProvider:
        """What is declared of a provider that browsers are sent to. Raises `ValueError` for another kind."""
        if not isinstance(self.declared, GithubProvider | OidcProvider):
            raise ValueError(f"{self.row.key} is nothing that browsers are sent to")
        return self.declared


def every() -> list[Known]:
    """Return the declared ones in the order of the environment, then those that are rows alone."""
    declared_now = declared.all()
    rows = {row.key: row for row in Provider.objects.order_by("name", "key")}
    for key, provider in declared_now.items():
        found = rows.get(key)
        if found is None:
            rows[key] = _made(provider)
        elif found.kind == provider.kind and found.name != provider.name[:100]:
            found.name = provider.name[:100]
            found.save(update_fields=["name"])
    # Another kind under a used key is another provider: its people and groups would be taken for the first one's.
    fits = {key: one for key, one in declared_now.items() if rows[key].kind == one.kind}
    order = [*declared_now, *(key for key in rows if key not in declared_now)]
    return [Known(rows[key], fits.get(key)) for key in order]


def usable() -> list[Known]:
    """Return those by which people sign in now."""
    return [known for known in every() if known.usable]


def find(key: str) -> Known | None:
    """Return one of them, whatever its state."""
    return next((known for known in every() if known.row.key == key), None)


def note_started(row: Provider, at: datetime) -> None:
    """Keep when a reading began."""
    Provider.objects.filter(pk=row.pk).update(refresh_started_at=at)


def _made(provider: Declared) -> Provider:
    hours = OIDC_HOURS if provider.kind == declared.OIDC else 24
    row, created = Provider.objects.get_or_create(
        key=provider.key,
        defaults={"kind": provider.kind, "name": provider.name[:100], "max_age_seconds": hours * HOUR},
    )
    if created:
        audit.record("accounts.provider.declare", by=SYSTEM, on=row.as_subject(), after={"kind": row.kind})
    return row
