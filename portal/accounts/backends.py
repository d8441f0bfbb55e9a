"""Signing in with a local account."""

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest

from portal.accounts.models import User, fold
from portal.accounts.models.people import PERSON


class LocalAccounts(BaseBackend):
    """User name and password of our own table. Permissions never come from here."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """Return the active person the password belongs to, None otherwise, in the same time either way."""
        if not username or not password:
            return None
        user = User.objects.filter(username_folded=fold(username), kind=PERSON).first()
        if user is None:
            make_password(password)  # costs what checking would: an unknown name must not answer faster
            return None
        return user if user.check_password(password) and user.is_active else None

    def get_user(self, user_id: Any) -> User | None:
        """Return the person of a session, None once the account is not in force: sessions end with it."""
        user = User.objects.filter(pk=user_id, kind=PERSON).first()
        return user if user is not None and user.in_force() else None
