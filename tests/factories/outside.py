"""A provider with outside groups and accounts in them, as a refresh would have left them."""

import itertools

from portal.accounts.models import GroupMembership, Identity, OutsideGroup, Provider, User
from portal.core import clock

_ids = itertools.count(1)


def a_provider(key: str = "corp", name: str = "Corporate directory") -> Provider:
    """An enabled directory."""
    return Provider.objects.get_or_create(key=key, defaults={"kind": "ldap", "name": name, "enabled": True})[0]


def a_group(name: str, *members: User, path: str = "", provider: Provider | None = None) -> OutsideGroup:
    """A group with these people in it, each by an account read just now."""
    group = OutsideGroup.objects.create(
        provider=provider or a_provider(), external_id=f"g{next(_ids)}", name=name, path=path
    )
    for user in members:
        join(user, group)
    return group


def join(user: User, group: OutsideGroup) -> Identity:
    """Put a person's account into a group."""
    identity, _made = Identity.objects.get_or_create(
        user=user,
        provider=group.provider,
        defaults={"subject": str(user.pk), "username": user.username, "groups_as_of": clock.now()},
    )
    GroupMembership.objects.create(identity=identity, group=group, direct=True)
    return identity


def leave(user: User, group: OutsideGroup) -> None:
    """Take a person's account out of a group."""
    GroupMembership.objects.filter(identity__user=user, group=group).delete()
