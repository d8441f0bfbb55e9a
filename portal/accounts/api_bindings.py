"""api/v1 of bindings and roles."""

from typing import Any
from uuid import UUID

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ViewSetMixin

from portal.access import gate
from portal.access.permissions import Permission
from portal.access.roles import Role
from portal.access.scopes import ScopeKind
from portal.accounts import lists
from portal.accounts.bindings import (
    granting,
    memberships,
    own_roles,
    role_bindings,
    role_rules,
    role_services,
    searching,
)
from portal.accounts.models import Binding, CustomRole, OutsideGroup, User
from portal.accounts.models.bindings import CUSTOM
from portal.core import clock, errors, listing


class BindingOut(serializers.ModelSerializer[Binding]):
    """A role given to a person or a group on a scope."""

    class Meta:
        model = Binding
        fields = (
            "id",
            "user",
            "group",
            "role",
            "scope_kind",
            "scope_id",
            "scope_label",
            "reason",
            "expires_at",
            "created_at",
            "created_by",
        )


class BindingIn(serializers.Serializer[dict[str, Any]]):
    """A new binding: for a user or a group, on everything (without `scope_id`) or on one thing."""

    user = serializers.UUIDField(required=False)
    group = serializers.UUIDField(required=False)
    role = serializers.CharField(max_length=40)
    scope_kind = serializers.ChoiceField(choices=[kind.value for kind in ScopeKind])
    scope_id = serializers.UUIDField(required=False, allow_null=True)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True)


class BindingChange(serializers.Serializer[dict[str, Any]]):
    """Another end, null for none; another role makes it another binding."""

    expires_at = serializers.DateTimeField(required=False, allow_null=True)
    role = serializers.CharField(max_length=40, required=False)


class RoleOut(serializers.Serializer[Any]):
    """A role; `version` is what a change must name, "" for those of Paddock, which never change."""

    key = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    scope_kinds = serializers.ListField(child=serializers.CharField())
    permissions = serializers.ListField(child=serializers.CharField())
    in_clusters = serializers.ListField(child=serializers.CharField())
    is_own = serializers.BooleanField()
    version = serializers.CharField()


class RoleIn(serializers.Serializer[dict[str, Any]]):
    """A role of the installation's own, whole. A change names the `version` that it was made from."""

    name = serializers.CharField(max_length=80)
    description = serializers.CharField(max_length=300, required=False, allow_blank=True)
    scope_kinds = serializers.ListField(child=serializers.ChoiceField(choices=[kind.value for kind in ScopeKind]))
    permissions = serializers.ListField(child=serializers.ChoiceField(choices=[one.value for one in Permission]))
    version = serializers.CharField(required=False, allow_blank=True)


class RoleDeletion(serializers.Serializer[dict[str, Any]]):
    """Whether the role is taken away from those who have it."""

    take_away = serializers.BooleanField(required=False, default=False)


class HolderOut(serializers.Serializer[Any]):
    """Whom a role can be given to: a person, a robot or an outside group. `user` or `group` of a binding is its id."""

    kind = serializers.ChoiceField(choices=["person", "robot", "group"])
    id = serializers.UUIDField()
    name = serializers.CharField()
    about = serializers.CharField()


class HoldersOut(serializers.Serializer[Any]):
    """The best of what was found."""

    results = HolderOut(many=True)


class Bindings(listing.ApiList, GenericViewSet[Binding]):
    """Bindings: to read where one sees members, to write where one may give roles."""

    permissions = {
        "list": Permission.MEMBER_VIEW,
        "retrieve": Permission.MEMBER_VIEW,
        "create": Permission.BINDING_EDIT,
        "partial_update": Permission.BINDING_EDIT,
        "destroy": Permission.BINDING_EDIT,
        "holders": Permission.BINDING_EDIT,
    }
    listing = lists.BindingList
    serializer_class = BindingOut
    lookup_value_regex = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

    @extend_schema(responses=BindingOut)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """One binding."""
        return Response(BindingOut(self._one(request, pk, Permission.MEMBER_VIEW)).data)

    @extend_schema(request=BindingIn, responses={201: BindingOut})
    def create(self, request: Request) -> Response:
        """Give a role."""
        data, user = _read(BindingIn, request), _user(request)
        scope = _scope(data)
        if not granting.may_edit(user, scope) or (scope.id and not scope.label):
            raise errors.Refused.one("scope_id", _("There is none with this id where you may give roles."))
        made = role_bindings.grant(
            **_holder(data, user),
            role=data["role"],
            scope=scope,
            by=gate.actor_of(request),
            at=clock.now(),
            reason=data.get("reason", ""),
            expires_at=data.get("expires_at"),
            granted_by=user,
        )
        return Response(BindingOut(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=BindingChange, responses=BindingOut)
    def partial_update(self, request: Request, pk: UUID) -> Response:
        """Change its end, or its role: then the answer is the binding that took its place."""
        binding = self._one(request, pk, Permission.BINDING_EDIT)
        data = _read(BindingChange, request)
        changed = granting.change(
            binding=binding,
            role=data.get("role", binding.role),
            expires_at=data.get("expires_at", binding.expires_at),
            by=gate.actor_of(request),
            at=clock.now(),
            granted_by=_user(request),
        )
        return Response(BindingOut(changed).data)

    @extend_schema(request=None, responses={204: None})
    def destroy(self, request: Request, pk: UUID) -> Response:
        """Take the role away."""
        binding = self._one(request, pk, Permission.BINDING_EDIT)
        role_bindings.revoke(binding=binding, by=gate.actor_of(request), at=clock.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        parameters=[OpenApiParameter("who", required=True, description="Two characters of the name, or more")],
        responses=HoldersOut,
    )
    @action(detail=False, methods=["get"])
    def holders(self, request: Request) -> Response:
        """Find people, robots and groups by a part of their name, as the form that gives a role does."""
        found = searching.find(request.query_params.get("who", ""), by=_user(request))
        return Response({"results": [HolderOut(one).data for one in found]})

    def _one(self, request: Request, pk: UUID, permission: Permission) -> Binding:
        return get_object_or_404(memberships.visible(_user(request), permission), pk=pk)


class Roles(GenericViewSet[CustomRole]):
    """Roles: those of Paddock to read, the installation's own to write."""

    permissions = {
        "list": Permission.USER_VIEW,
        "retrieve": Permission.USER_VIEW,
        "create": Permission.ROLE_EDIT,
        "update": Permission.ROLE_EDIT,
        "destroy": Permission.ROLE_EDIT,
    }
    serializer_class = RoleOut
    lookup_field = "role"
    lookup_value_regex = "[a-z0-9_-]{1,60}"

    @extend_schema(responses=RoleOut(many=True))
    def list(self, request: Request) -> Response:
        """All roles."""
        return Response({"next": None, "results": [_role_out(role) for role in own_roles.every()]})

    @extend_schema(responses=RoleOut)
    def retrieve(self, request: Request, role: str) -> Response:
        """One role."""
        found = own_roles.find(role)
        if found is None:
            raise Http404
        return Response(_role_out(found))

    @extend_schema(request=RoleIn, responses={201: RoleOut})
    def create(self, request: Request) -> Response:
        """Add a role; its author holds every permission of it on everything."""
        gate.demand(request, Permission.ROLE_EDIT)
        draft = _draft(_read(RoleIn, request))
        made = role_services.create(draft=draft, by=gate.actor_of(request), at=clock.now(), author=_user(request))
        return Response(self._out(made), status=status.HTTP_201_CREATED)

    @extend_schema(request=RoleIn, responses=RoleOut)
    def update(self, request: Request, role: str) -> Response:
        """Change a role for everybody who holds it."""
        gate.demand(request, Permission.ROLE_EDIT)
        own = get_object_or_404(CustomRole, key=role)
        data = _read(RoleIn, request)
        changed = role_services.change(
            role=own,
            draft=_draft(data),
            seen=data.get("version", ""),
            by=gate.actor_of(request),
            at=clock.now(),
            author=_user(request),
        )
        return Response(self._out(changed))

    @extend_schema(request=RoleDeletion, responses={204: None})
    def destroy(self, request: Request, role: str) -> Response:
        """Delete a role; one that is given to somebody only with `take_away`."""
        gate.demand(request, Permission.ROLE_EDIT)
        own = get_object_or_404(CustomRole, key=role)
        take_away = _read(RoleDeletion, request)["take_away"]
        role_services.delete(role=own, by=gate.actor_of(request), at=clock.now(), take_away=take_away)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _out(self, own: CustomRole) -> dict[str, Any]:
        found = own_roles.find(own.key)
        assert found is not None
        return _role_out(found)


def _role_out(role: Role) -> dict[str, Any]:
    own = CustomRole.objects.filter(key=role.key).first() if role.key.startswith(CUSTOM) else None
    become = role_rules.in_clusters(role.permissions, role.scopes) if own else []
    known = {**role_rules.NAMESPACE_ROLES, **role_rules.CLUSTER_ROLES}.get(role.key)
    return {
        "key": role.key,
        "name": str(role.name),
        "description": str(role.description),
        "scope_kinds": [kind.value for kind in ScopeKind if kind in role.scopes],
        "permissions": [one.value for one in Permission if one in role.permissions],
        "in_clusters": [one.name for one in become] if own else [known] if known else [],
        "is_own": own is not None,
        "version": role_services.version(own) if own else "",
    }


def _read(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    given = serializer(data=request.data)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)


def _draft(data: dict[str, Any]) -> role_services.Draft:
    return role_services.Draft(
        " ".join(data["name"].split()),
        data.get("description", ""),
        frozenset(map(ScopeKind, data["scope_kinds"])),
        frozenset(map(Permission, data["permissions"])),
    )


def _scope(data: dict[str, Any]) -> role_bindings.Scope:
    kind, key = ScopeKind(data["scope_kind"]), data.get("scope_id")
    if kind == ScopeKind.EVERYTHING:
        if key is not None:
            raise errors.Refused.one("scope_id", _("A role on everything names nothing in particular."))
        return role_bindings.EVERYTHING
    if key is None:
        raise errors.Refused.one("scope_id", _("Name what the role is given on."))
    place = memberships.page_of(kind, key)
    return role_bindings.Scope(kind, key, place[0] if place else "")


def _holder(data: dict[str, Any], by: User) -> dict[str, Any]:
    given = {name: data[name] for name in ("user", "group") if name in data}
    if len(given) != 1:
        raise errors.Refused.one("user", _("Name a user or a group, and not both."))
    ((name, key),) = given.items()
    found = searching.by_value(f"{'group' if name == 'group' else 'person'}:{key}", by)
    if found is None:
        raise errors.Refused.one(name, _("There is none with this id."))
    return {"group": found} if isinstance(found, OutsideGroup) else {"user": found}


def _user(request: Request) -> User:
    assert isinstance(request.user, User), "the gate lets nobody else through"
    return request.user


# (prefix, viewset, basename), read by portal/accounts/api.py
ROUTES: list[tuple[str, type[ViewSetMixin], str]] = [("bindings", Bindings, "bindings"), ("roles", Roles, "roles")]
