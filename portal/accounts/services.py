"""Writes about people."""

import secrets

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from portal.access.permissions import Permission
from portal.access.scopes import ScopeKind
from portal.accounts import sessions
from portal.accounts.bindings import right_changes, role_bindings
from portal.accounts.models import Binding, User, fold, rights
from portal.audit import services as audit
from portal.core import clock, errors
from portal.core.actors import Actor
from portal.core.models import validate


@transaction.atomic
def create_user(  # noqa: PLR0913 - one argument for each thing known of a person
    *,
    username: str,
    by: Actor,
    display_name: str = "",
    email: str = "",
    password: str | None = None,
    is_break_glass: bool = False,
    is_demo: bool = False,
) -> tuple[User, str]:
    """Create a local account; returns it with its password, a one-time password where none is given.

    Raises `Refused` (username taken or malformed, password too weak).
    """
    one_time = password is None
    chosen = password or secrets.token_urlsafe(12)
    if User.objects.filter(username_folded=fold(username)).exists():
        raise errors.Refused.one("username", _("This user name is taken."))
    user = User(
        username=username,
        display_name=display_name,
        email=email,
        password_is_one_time=one_time,
        is_break_glass=is_break_glass,
        is_demo=is_demo,
    )
    if not one_time:
        check_password_rules(chosen, user)
    user.set_password(chosen)
    user.username_folded = fold(username)
    validate(user)
    user.save()
    audit.record(
        "accounts.user.create",
        by=by,
        on=user.as_subject(),
        after={"username": username, "one_time_password": one_time, "break_glass": is_break_glass},
    )
    return user, chosen


@transaction.atomic
def change_person(*, user: User, display_name: str, email: str, by: Actor) -> None:
    """Change the name others read, and where mail goes. Neither decides who somebody is. Raises `Refused`."""
    before = {"name": user.display_name, "email": user.email}
    after = {"name": display_name, "email": email}
    if before == after:
        return
    user.display_name, user.email = display_name, email
    validate(user)
    user.save(update_fields=["display_name", "email"])
    audit.record("accounts.person.change", by=by, on=user.as_subject(), before=before, after=after)


def check_password_rules(password: str, user: User) -> None:
    """Raise `Refused` at the field "password" when the password is too weak for the person."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise errors.Refused({"password": error.messages}) from None


@transaction.atomic
def change_password(*, user: User, password: str, by: Actor) -> None:
    """Set a password of the person's own choice. Raises `Refused`."""
    check_password_rules(password, user)
    if user.password_is_one_time and user.check_password(password):
        raise errors.Refused.one("password", _("This is the one-time password. Choose another."))
    user.set_password(password)
    user.password_is_one_time = False
    user.save(update_fields=["password", "password_is_one_time"])
    audit.record("accounts.password.change", by=by, on=user.as_subject())


@transaction.atomic
def reset_password(*, user: User, by: Actor, reset_by: User) -> str:
    """Give a local account a new one-time password and end its sessions; returns the password, which is shown once.

    Raises `Refused` where the account has rights its resetter lacks, `Conflict` where it has no local password.
    """
    demand_dominance(reset_by, user)
    if not user.has_usable_password():
        raise errors.Conflict.one("", _("This person signs in with a provider. The password is changed there."))
    password = secrets.token_urlsafe(12)
    user.set_password(password)
    user.password_is_one_time = True
    user.save(update_fields=["password", "password_is_one_time"])
    sessions.end_all(of=user)
    audit.record("accounts.password.reset", by=by, on=user.as_subject())
    return password


def demand_dominance(actor: User, target: User) -> None:
    """Raise `Refused` unless the actor holds every right of the target: a reset would hand them over.

    Rights count that are suspended now (account deactivated, provider disabled, groups too old): they come back.
    """
    at = clock.now()
    mine = Q(user=target) | Q(group__gone_at=None, group__memberships__identity__user=target)
    bindings = list(Binding.objects.in_force(at).filter(mine).distinct())
    known = rights.permissions_of(one.role for one in bindings)
    for binding in bindings:
        scope = role_bindings.Scope(ScopeKind(binding.scope_kind), binding.scope_id, binding.scope_label)
        given = known.get(binding.role, frozenset())
        if not all(role_bindings.holds(actor, one, scope) for one in given) or not _outlasts(actor, binding, given):
            raise errors.Refused.one(
                "", _("This person has rights that you do not have. Their access is not yours to reset.")
            )


def _outlasts(actor: User, binding: Binding, given: frozenset[Permission]) -> bool:
    scope = role_bindings.Scope(ScopeKind(binding.scope_kind), binding.scope_id, binding.scope_label)
    try:
        role_bindings.demand_lasting(actor, given, scope, until=binding.expires_at)
    except errors.Refused:
        return False
    return True


@transaction.atomic
def set_active(*, user: User, active: bool, by: Actor) -> None:
    """Deactivate or reactivate a person or robot. Their sessions end with it, and their tokens open nothing.

    Raises `Conflict` for oneself, and where a person does it for the last administrator or break-glass account.
    """
    before = user.is_active
    if before == active:
        return
    if not active and str(user.id) == by.id:
        raise errors.Conflict.one("", _("Nobody deactivates their own account."))
    if not active and by.kind == "user":
        _demand_somebody_stays(user)
    user.is_active = active
    user.save(update_fields=["is_active"])
    right_changes.of_person(user.pk)
    if not active:
        sessions.end_all(of=user)
    audit.record(
        "accounts.user.activate" if active else "accounts.user.deactivate",
        by=by,
        on=user.as_subject(),
        before={"is_active": before},
        after={"is_active": active},
    )


def _demand_somebody_stays(user: User) -> None:
    standing = role_bindings.administrators(clock.now())
    if any(one.user_id == user.pk for one in standing):
        left = [one for one in standing if one.user_id != user.pk]
        if all(one.expires_at for one in left):
            raise errors.Conflict.one("", _("This is the last administrator. Give the role to somebody else first."))
    glass = User.objects.filter(is_break_glass=True, is_active=True).exclude(pk=user.pk)
    if user.is_break_glass and not glass.exists():
        raise errors.Conflict.one("", _("This is the last break-glass account: it works when nothing else does."))
