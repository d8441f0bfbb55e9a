"""The gate: every view, fragment, API action and export declares a permission or says why it needs none.

A declaration is an attribute `gate_rule` on what the address resolves to; `portal.access` fails the start of nothing
by itself, an architecture test walks every address and fails on one without. The gate asks the user's
`scopes_for(permission)`; which rows that means is the room's `visible_to(user)`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal, cast
from uuid import UUID

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.module_loading import import_string
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from portal.access.permissions import PERSONAL, Permission
from portal.access.scopes import EVERYWHERE, Person
from portal.core import actors, clock

if TYPE_CHECKING:
    # DRF's views import this module's permission class: at run time that would be a cycle
    from rest_framework.views import APIView

View = Callable[..., HttpResponseBase]
Mark = Literal["public", "signed_in"]


class SignInAgain(Exception):
    """What is asked for needs a sign-in that is not long ago. The API says so; pages lead to the form."""


class Denied(Exception):
    """The person may not do this. Pages and the API answer as if the thing were not there."""

    def __init__(self, permission: Permission, on: str = "") -> None:
        super().__init__(permission.value)
        self.permission = permission
        self.on = on


@dataclass(frozen=True)
class Rule:
    """What an address asks for: permissions per action ("*" = any), or a mark with its reason."""

    permissions: Mapping[str, Permission]
    mark: Mark | None = None
    reason: str = ""


def requires(permission: Permission) -> Callable[[View], View]:
    """Declare the permission of a function view. It must be held somewhere; rows are narrowed by `visible_to`."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            refusal = _refuse(request, permission)
            return refusal or view(request, *args, **kwargs)

        return _declare(guarded, Rule({"*": permission}))

    return decorate


def public(reason: str) -> Callable[[View], View]:
    """Mark a function view that anybody may call, with the reason."""
    return lambda view: _declare(view, Rule({}, mark="public", reason=reason))


def signed_in(reason: str, *, fresh: bool = False) -> Callable[[View], View]:
    """Mark a function view that every signed-in person may call, with the reason; `fresh` only soon after a sign-in."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            return _refuse_person(request, fresh) or view(request, *args, **kwargs)

        return _declare(guarded, Rule({}, mark="signed_in", reason=reason))

    return decorate


class Gated:
    """Mixin for class-based views: set `permission`; `write_permission` guards POST where it differs."""

    permission: Permission
    write_permission: Permission | None = None

    @classmethod
    def as_view(cls, **initkwargs: Any) -> View:
        """Build the view with its declaration."""
        view = cast(View, super().as_view(**initkwargs))  # type: ignore[misc]
        rules = {"*": cls.permission} | ({"POST": cls.write_permission} if cls.write_permission else {})
        return _declare(view, Rule(rules))

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Refuse before anything of the view runs."""
        writing = request.method not in {"GET", "HEAD", "OPTIONS"} and self.write_permission
        refusal = _refuse(request, writing or self.permission)
        return refusal or cast(HttpResponseBase, super().dispatch(request, *args, **kwargs))  # type: ignore[misc]


class SignedIn:
    """Mixin for class-based views that every signed-in person may call; `reason` says why.

    `fresh` opens them only soon after a sign-in.
    """

    reason: str
    fresh = False

    @classmethod
    def as_view(cls, **initkwargs: Any) -> View:
        """Build the view with its declaration."""
        view = cast(View, super().as_view(**initkwargs))  # type: ignore[misc]
        return _declare(view, Rule({}, mark="signed_in", reason=cls.reason))

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Send strangers to the sign-in page."""
        refusal = _refuse_person(request, self.fresh)
        return refusal or cast(HttpResponseBase, super().dispatch(request, *args, **kwargs))  # type: ignore[misc]


class HasPermission(BasePermission):
    """DRF's default permission: refuses a view that declares nothing.

    An API view declares `permissions = {"list": Permission.X, "create": Permission.Y}` by action, or by HTTP method
    in lower case for a plain `APIView`.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Check the action's permission; the denial of a signed-in person is recorded."""
        declared: Mapping[str, Permission] = getattr(view, "permissions", {})
        action = getattr(view, "action", None) or (request.method or "").lower()
        permission = declared.get(action)
        if permission is None:
            return False
        if not request.user.is_authenticated:
            record_denial(request, permission)
            return False
        if person(request).scopes_for(permission).none:
            record_denial(request, permission)
            raise Denied(permission)
        if permission in PERSONAL and not is_fresh(request):
            raise SignInAgain
        _passed(request, permission)
        return True


class ByPersonAlone(BasePermission):
    """For what somebody has of their own: by no token, not while viewing as somebody, changes soon after a sign-in."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Ask who is there, not what they may do."""
        if not request.user.is_authenticated:
            return False
        if getattr(request.user, "within", None) is not None or getattr(request.user, "viewer", None) is not None:
            raise SignInAgain
        if request.method not in {"GET", "HEAD", "OPTIONS"} and not is_fresh(request):
            raise SignInAgain
        return True


def api_of_ones_own(reason: str) -> Callable[[Any], Any]:
    """Mark a view set about what somebody has of their own, with the reason why no permission is asked for."""

    def decorate(view_set: Any) -> Any:
        plain = view_set.as_view
        view_set.permission_classes = [ByPersonAlone]
        view_set.as_view = staticmethod(
            lambda *args, **more: _declare(plain(*args, **more), Rule({}, mark="signed_in", reason=reason))
        )
        return view_set

    return decorate


def demand(
    request: HttpRequest | Request,
    permission: Permission,
    *,
    team: UUID | None = None,
    project: UUID | None = None,
    cluster: UUID | None = None,
) -> None:
    """Check a right on one thing. Raises `Denied`, which is recorded where it becomes an answer."""
    scopes = person(request).scopes_for(permission)
    if not scopes.covers(team=team, project=project, cluster=cluster):
        named = next(
            (f"{kind} {key}" for kind, key in (("project", project), ("team", team), ("cluster", cluster)) if key),
            "",
        )
        record_denial(request, permission, named)
        raise Denied(permission, named)


def is_fresh(request: HttpRequest | Request) -> bool:
    """Tell whether the person proved to be one no longer ago than `SIGN_IN_FRESH_SECONDS`; a token never does."""
    if getattr(request.user, "within", None) is not None:
        return False
    at = request.session.get("authenticated_at", 0)
    return bool(at > clock.now().timestamp() - settings.SIGN_IN_FRESH_SECONDS)


def record_denial(request: HttpRequest | Request, permission: Permission, on: str = "") -> None:
    """Tell the audit that somebody was refused, who need not have signed in."""
    recorder = import_string(settings.DENIAL_RECORDER)
    recorder(actor_of(request), permission=permission.value, path=request.path, method=request.method or "", on=on)


def record_hidden(request: HttpRequest | Request) -> None:
    """Tell the audit that somebody asked by name for what is not there for them.

    Whether it exists is not asked, so that the answer takes as long either way. Somebody who may see everything of
    its kind asked for nothing that is hidden.
    """
    match = request.resolver_match
    if match is None or not match.kwargs or not request.user.is_authenticated:
        return
    permission = _declared(match.func, request.method or "")
    if permission is not None and not person(request).scopes_for(permission).everything:
        record_denial(request, permission)


def actor_of(request: HttpRequest | Request) -> actors.Actor:
    """Return who is asking, as `portal.accounts.middleware` found out."""
    return cast(actors.Actor, getattr(getattr(request, "_request", request), "actor", actors.SYSTEM))


def person(request: HttpRequest | Request) -> Person:
    """Return the signed-in person; only after the gate has let the request through."""
    return cast(Person, request.user)


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """Send to the sign-in page and back; an htmx request is told to move the whole page, not a cell of it."""
    return _by_way_of(request, settings.LOGIN_URL)


def to_confirm(request: HttpRequest) -> HttpResponse:
    """Send to the page where somebody signed in proves once more to be that person, and back."""
    return _by_way_of(request, settings.CONFIRM_URL)


def _by_way_of(request: HttpRequest, name: str) -> HttpResponse:
    if not request.headers.get("HX-Request"):
        # What was sent cannot be sent again from here: back to the page it was typed into.
        back = request.get_full_path() if request.method == "GET" or name == settings.LOGIN_URL else _referring(request)
        return redirect_to_login(back, login_url=reverse(name))
    answer = HttpResponse(status=204)
    answer["HX-Redirect"] = redirect_to_login(_path(request.headers.get("HX-Current-URL", "")), reverse(name)).url
    return answer


def _referring(request: HttpRequest) -> str:
    return _path(request.headers.get("Referer", "")) if request.headers.get("Referer") else request.get_full_path()


def _path(url: str) -> str:
    return "/" + url.split("/", 3)[3] if url.count("/") >= 3 else "/"


def _refuse(request: HttpRequest, permission: Permission) -> HttpResponseBase | None:
    if not request.user.is_authenticated:
        record_denial(request, permission)
        return to_sign_in(request)
    if person(request).scopes_for(permission).none:
        record_denial(request, permission)
        raise Denied(permission)
    if permission in PERSONAL and not is_fresh(request):
        return to_confirm(request)
    _passed(request, permission)
    return None


def _refuse_person(request: HttpRequest, fresh: bool) -> HttpResponseBase | None:
    if not request.user.is_authenticated:
        return to_sign_in(request)
    return to_confirm(request) if fresh and not is_fresh(request) else None


def _passed(request: HttpRequest | Request, permission: Permission) -> None:
    """Note the use, and leave with the request what a long answer asks again while it is under way."""
    import_string(settings.RIGHT_USE_RECORDER)(person(request), permission)
    held = person(request).scopes_for(permission)
    reached: list[frozenset[UUID | int]] = []

    def still() -> bool:
        again: Person | None = import_string(settings.PERSON_AGAIN)(request)
        now = again.scopes_for(permission) if again is not None else None
        if now is None or now not in (held, EVERYWHERE):
            return False
        if now.everything:
            return True
        # The right may stand while what it reaches goes: a project is closed or moved, a namespace released.
        reached.append(import_string(settings.SCOPE_REACH)(projects=now.projects, teams=now.teams))
        return reached[0] <= reached[-1]

    asked: Any = getattr(request, "_request", request)
    asked.still_allowed = still


def _declared(view: Any, method: str) -> Permission | None:
    rule = getattr(view, "gate_rule", None)
    if isinstance(rule, Rule):
        return rule.permissions.get(method, rule.permissions.get("*"))
    declared: Mapping[str, Permission] = getattr(getattr(view, "cls", None), "permissions", {})
    return declared.get(getattr(view, "actions", {}).get(method.lower(), method.lower()))


def _declare(view: View, rule: Rule) -> View:
    view.gate_rule = rule  # type: ignore[attr-defined]
    return view
