"""Make sure that somebody can sign in: `manage.py first_administrator`.

Prints the user name and, while it is unused, a one-time password (a new one at each call: the old one is stored as
a hash only). Once the first administrator has chosen a password, only the name is printed.
"""

import secrets
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from portal.accounts import services
from portal.accounts.bindings import role_bindings
from portal.accounts.models import Binding, User
from portal.audit import services as audit
from portal.core import clock
from portal.core.actors import COMMAND

USERNAME = "admin"


class Command(BaseCommand):
    """Called by `make run` at each start; safe to call by hand."""

    help = "Create the first administrator if there is none; print the one-time password while it is unused"

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        """Create, renew, or leave alone."""
        held = (
            Binding.objects.in_force(clock.now())
            .filter(role="admin", user__is_active=True, is_demo=False)
            .select_related("user")
            .order_by("created_at")
            .first()
        )
        holder = held.user if held else None
        if holder is None:
            user, password = self._create()
        elif holder.password_is_one_time:
            user, password = holder, self._renew(holder)
        else:
            user, password = holder, ""
        self.stdout.write(f"administrator      {user.username}")
        if password:
            self.stdout.write(f"one-time password  {password}")

    def _create(self) -> tuple[User, str]:
        user, password = services.create_user(username=USERNAME, by=COMMAND, display_name="First administrator")
        for role in ("admin", "finance"):
            role_bindings.grant(
                user=user,
                role=role,
                scope=role_bindings.EVERYTHING,
                by=COMMAND,
                at=clock.now(),
                reason="first administrator",
            )
        return user, password

    def _renew(self, user: User) -> str:
        password = secrets.token_urlsafe(12)
        user.set_password(password)
        user.save(update_fields=["password"])
        audit.record("accounts.password.change", by=COMMAND, on=user.as_subject(), after={"one_time": True})
        return password
