"""What administrators hear of at once."""

from datetime import datetime

from portal.accounts.bindings import memberships, role_bindings
from portal.accounts.models import Binding, User
from portal.outbox import services as outbox


def administrators(at: datetime) -> list[str]:
    """Return the mail addresses of those who are administrators now, also by a group."""
    held = memberships.people(list(Binding.objects.in_force(at).filter(role=role_bindings.ADMINISTRATOR)), at)
    people = User.objects.filter(pk__in=held).exclude(email="")
    return sorted(set(people.values_list("email", flat=True)))


def break_glass(*, user: User, address: str, at: datetime) -> None:
    """Tell every administrator that the break-glass account was used."""
    to = administrators(at)
    if to:
        outbox.mail(
            to=to,
            subject=f"Paddock: {user.username} signed in with the break-glass account",
            text=f"{user.username} signed in from {address or 'an unknown address'} at {at:%Y-%m-%d %H:%M} UTC.\n"
            "If nobody told you of this, look at the audit and end the session.\n",
            key=f"break-glass/{user.pk}/{at:%Y%m%d%H%M%S}",
            at=at,
        )
