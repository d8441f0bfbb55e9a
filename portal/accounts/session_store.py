"""Sessions in PostgreSQL, with an end: 16 hours after the sign-in, or 60 minutes after the last sign of a person.

Settings: `SESSION_COOKIE_AGE` and `SESSION_IDLE_SECONDS`. What is stored keeps the framework's form; the columns beside
it say whose session it is.
"""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db import IntegrityError, router, transaction
from django.http import HttpRequest

from portal.accounts.models import Session, User
from portal.core import clock

# Keys of what a session remembers.
IDENTITY, SIGNED_IN_AT, AUTHENTICATED_AT, SECOND = "identity", "signed_in_at", "authenticated_at", "second_factor"
ADDRESS, AGENT = "address", "agent"
USER = "_auth_user_id"
# A session of nobody holds what a sign-in under way needs.
BEFORE_SIGN_IN = timedelta(hours=1)


class SessionStore(DatabaseStore):
    """Reads only what has not ended; writes whose it is beside it."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        """Our table."""
        return Session

    @classmethod
    def clear_expired(cls) -> None:
        """Forget what has ended."""
        now = clock.now()
        Session.objects.filter(expire_date__lte=now).delete()
        Session.objects.filter(active_at__lte=_idle_since(now)).delete()

    def save(self, must_create: bool = False) -> None:
        """Write; an ended session is not made again. Raises `CreateError`, `UpdateError`."""
        if self.session_key is None:
            self.create()
            return
        data: dict[str, Any] = self._get_session(no_load=must_create)  # type: ignore[attr-defined]
        columns = {
            "session_data": self.encode(data),
            "user_id": data.get(USER),
            "identity_id": data.get(IDENTITY),
            "authenticated_at": _instant(data.get(AUTHENTICATED_AT)),
            "address": data.get(ADDRESS, "")[:64],
            "agent": data.get(AGENT, "")[:200],
        }
        now = clock.now()
        if not must_create:
            signed_in = _instant(data.get(SIGNED_IN_AT))
            if signed_in:
                columns["expire_date"] = signed_in + timedelta(seconds=settings.SESSION_COOKIE_AGE)
            if not Session.objects.filter(session_key=self.session_key).update(**columns):
                raise UpdateError
            return
        row = Session(
            session_key=self.session_key,
            public_id=uuid.uuid4(),
            expire_date=now + BEFORE_SIGN_IN,
            created_at=now,
            active_at=now,
            **columns,
        )
        try:
            with transaction.atomic(using=router.db_for_write(Session)):
                row.save(force_insert=True)
        except IntegrityError:
            raise CreateError from None

    def _get_session_from_db(self) -> Session | None:
        now = clock.now()
        found = Session.objects.filter(
            session_key=self.session_key, expire_date__gt=now, active_at__gt=_idle_since(now)
        ).first()
        if found is None:
            self._session_key = None
        return found


def _idle_since(now: datetime) -> datetime:
    return now - timedelta(seconds=settings.SESSION_IDLE_SECONDS)


def _instant(seconds: Any) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def mark_signed_in(sender: object, request: HttpRequest, user: User, **_more: object) -> None:
    """Note when and where somebody signed in; connected to the framework's own signal."""
    at = clock.now()
    user.last_login = at
    user.save(update_fields=["last_login"])
    now = int(at.timestamp())
    request.session[SIGNED_IN_AT] = request.session[AUTHENTICATED_AT] = now
    request.session[ADDRESS] = request.META.get("REMOTE_ADDR", "")
    request.session[AGENT] = request.META.get("HTTP_USER_AGENT", "")
