"""Writing down that rights changed, in the transaction of the change; `RightChange` says who reads it."""

from collections.abc import Iterable
from uuid import UUID

from portal.accounts.models import Binding, Identity, Provider, RightChange


def of_binding(binding: Binding) -> None:
    """Note that a binding came, went or got another end."""
    RightChange.objects.create(scope_kind=binding.scope_kind, scope_id=binding.scope_id)


def of_role(key: str) -> None:
    """Note that a role means something else wherever it is given."""
    places = Binding.objects.filter(role=key).values_list("scope_kind", "scope_id").distinct()
    _write(RightChange(scope_kind=kind, scope_id=place) for kind, place in places)


def of_person(user_id: UUID | None) -> None:
    """Note that a person counts otherwise than before, or has another name; None is an account that is nobody's."""
    if user_id is not None:
        RightChange.objects.create(user_id=user_id)


def of_groups(groups: Iterable[UUID]) -> None:
    """Note that groups came, went, were renamed, or hold other groups."""
    _write(RightChange(group_id=group) for group in set(groups))


def of_provider(provider: Provider) -> None:
    """Note that the groups and accounts of a provider count now, or do not any more."""
    bound = Binding.objects.filter(group__provider=provider).values_list("group_id", flat=True)
    of_groups(group for group in bound.distinct() if group is not None)
    people = Identity.objects.filter(provider=provider, user__bindings__isnull=False)
    _write(RightChange(user_id=user) for user in people.values_list("user_id", flat=True).distinct())


def _write(rows: Iterable[RightChange]) -> None:
    RightChange.objects.bulk_create(rows, batch_size=1000)
