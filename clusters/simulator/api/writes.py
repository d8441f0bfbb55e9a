"""Create, update, patch, apply and delete: from the request to the stored object, refused as a server refuses."""

import copy
import datetime as dt
import secrets
import uuid
from dataclasses import dataclass
from typing import Any

from clusters.simulator import wire
from clusters.simulator.api import (
    kinds,
    limits,
    lists,
    managed,
    quotas,
    rbac,
    reviews,
    statuses,
    store,
    upkeep,
    validation,
)

Body = dict[str, Any]

APPLY, MERGE = "application/apply-patch+yaml", "application/merge-patch+json"
PROTECTED = frozenset({"default", "kube-system", "kube-public"})
# Their deletion answers with the object, not with a Status.
SHOWN_WHEN_DELETED = frozenset(
    {"pods", "services", "serviceaccounts", "persistentvolumes", "persistentvolumeclaims", "resourcequotas"}
)
WITHOUT_STATUS = frozenset(
    {"configmaps", "secrets", "serviceaccounts", "limitranges", "events", "storageclasses", "networkpolicies"}
    | {"roles", "rolebindings", "clusterroles", "clusterrolebindings"}
)
# A change of their spec is counted.
COUNTED = frozenset({"apps", "batch", "networking.k8s.io", "policy", "autoscaling"})
_KEPT = ("creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")
_MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


@dataclass(frozen=True, slots=True)
class Asked:
    """One write, taken apart. `user` has all rights that hold in the namespace."""

    request: wire.Request
    kind: kinds.Kind
    namespace: str
    name: str
    subresource: str
    user: reviews.User

    @property
    def dry_run(self) -> bool:
        return bool(self.request.query.get("dryRun"))

    @property
    def manager(self) -> str:
        agent = self.request.headers.get("user-agent", "").partition("/")[0]
        return self.request.query.get("fieldManager") or agent or "unknown"

    @property
    def content_type(self) -> str:
        return self.request.headers.get("content-type", "").partition(";")[0].strip()


class Writes:
    def __init__(
        self, catalogue: kinds.Catalogue, objects: store.Store, rights: rbac.Rights, keeper: upkeep.Upkeep
    ) -> None:
        self._catalogue = catalogue
        self._objects = objects
        self._rights = rights
        self._upkeep = keeper

    def answer(self, asked: Asked, verb: str, scope: lists.Scope) -> wire.Answer:
        if verb == "delete":
            return self._delete(asked, scope)
        if verb == "deletecollection":
            return self._delete_all(asked, scope)
        status = 200
        if verb == "create":
            entry, status = self._create(asked, self._body(asked), None), 201
        elif verb == "update":
            entry = self._update(asked)
        elif asked.content_type == APPLY:
            entry, status = self._apply(asked)
        elif asked.content_type == MERGE:
            entry = self._merge(asked)
        else:
            known = f"accepted media types include: {MERGE}, {APPLY}"
            raise statuses.StatusError(415, f"the body of the request was in an unknown format - {known}", details={})
        return wire.Answer(status, lists.encode_object(entry, scope) + b"\n")

    def _create(self, asked: Asked, body: Body, managers: managed.Managers | None) -> store.Entry:
        kind, metadata = asked.kind, body["metadata"]
        self._check_namespace(asked, str(metadata.get("name") or ""))
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = f"{metadata['generateName']}{secrets.token_hex(3)[:5]}"
        for name in ("uid", "resourceVersion", "managedFields", *_KEPT):
            metadata.pop(name, None)
        self._complete(kind, body)
        validation.check(kind, body, None)
        self._rights.check_gift(asked.user, kind, body)
        ranges = self._bodies("limitranges", asked.namespace)
        limits.check(kind.plural, body, ranges)
        for quota in self._bodies("resourcequotas", asked.namespace):
            quotas.check(kind, body, quota, self._upkeep.bodies_in(asked.namespace))
        if found := self._find(asked, metadata["name"]):
            deleting = bool(found.body["metadata"].get("deletionTimestamp"))
            raise statuses.already_exists(kind, metadata["name"], deleting=deleting)
        metadata |= {"uid": str(uuid.uuid4()), "creationTimestamp": _now()}
        if _is_counted(kind):
            metadata["generation"] = 1
        who = managed.Manager(asked.manager, managed.UPDATE)
        managed.note(body, managers or managed.updated(None, body, who, _now()), kind.group_version)
        return self._keep(asked, body)

    def _update(self, asked: Asked) -> store.Entry:
        body = self._body(asked)
        before = self._existing(asked)
        uid = body["metadata"].get("uid")
        if uid and uid != before.body["metadata"]["uid"]:
            why = (
                f"Precondition failed: UID in precondition: {uid}, UID in object meta: {before.body['metadata']['uid']}"
            )
            raise statuses.conflict(asked.kind, asked.name, why)
        return self._change(asked, before, body)

    def _merge(self, asked: Asked) -> store.Entry:
        patch = self._decoded(asked)
        before = self._existing(asked)
        body = _merge_patch(_copy(before.body), patch)
        body.pop("kind", None)
        body.pop("apiVersion", None)
        named = (patch.get("metadata") or {}).get("resourceVersion")
        body["metadata"]["resourceVersion"] = named or before.body["metadata"]["resourceVersion"]
        return self._change(asked, before, body)

    def _apply(self, asked: Asked) -> tuple[store.Entry, int]:
        self._check_apply(asked)
        wanted = self._body(asked)
        live = self._find(asked, asked.name)
        who = managed.Manager(asked.request.query["fieldManager"], managed.APPLY, asked.subresource)
        if live is None:
            return self._apply_anew(asked, wanted, who), 201
        self._check_version(asked, live, wanted)
        uid = wanted["metadata"].get("uid") or live.body["metadata"]["uid"]
        force = asked.request.query.get("force") == "true"
        body, managers, conflicts = managed.applied(_copy(live.body), _bare(wanted), who, force=force, at=_now())
        if conflicts:
            raise managed.refused(conflicts, asked.kind.group_version)
        body["metadata"] |= {"uid": uid, "resourceVersion": live.body["metadata"]["resourceVersion"]}
        return self._change(asked, live, body, managers), 200

    def _apply_anew(self, asked: Asked, wanted: Body, who: managed.Manager) -> store.Entry:
        reviews.check(asked.user, _creation(asked))
        if asked.subresource:
            raise statuses.not_found(asked.kind, asked.name)
        if uid := wanted["metadata"].get("uid"):
            why = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            raise statuses.conflict(asked.kind, asked.name, why)
        body = _bare(wanted)
        fields = managed.fields_of(body)
        return self._create(asked, body, {who: (fields, _now())})

    def _check_apply(self, asked: Asked) -> None:
        if not asked.request.query.get("fieldManager"):
            cause = validation.Cause(
                "fieldManager", "FieldValueRequired", "Required value: is required for apply patch"
            )
            validation.refuse(kinds.Kind("meta.k8s.io", "v1", "", "PatchOptions"), "", [cause])

    def _change(
        self, asked: Asked, before: store.Entry, body: Body, managers: managed.Managers | None = None
    ) -> store.Entry:
        """Stores what an existing object has become; an object that has not changed keeps its version."""
        self._check_version(asked, before, body)
        kind, old = asked.kind, before.body
        metadata = body["metadata"]
        metadata["uid"] = metadata.get("uid") or old["metadata"]["uid"]
        metadata |= {name: old["metadata"][name] for name in _KEPT if name in old["metadata"]}
        if not metadata.get("finalizers"):
            metadata.pop("finalizers", None)
        body = _with_status(asked, old, body)
        self._complete(kind, body)
        validation.check(kind, body, old)
        if body.get("rules") != old.get("rules") or body.get("subjects") != old.get("subjects"):
            self._rights.check_gift(asked.user, kind, body)
        if managers is None:
            who = managed.Manager(asked.manager, managed.UPDATE, asked.subresource)
            managers = managed.updated(old, body, who, _now())
        managed.note(body, managers, kind.group_version)
        metadata = body["metadata"]
        metadata["resourceVersion"] = old["metadata"]["resourceVersion"]
        if _same(body, old):
            return before
        if _is_counted(kind) and body.get("spec") != old.get("spec"):
            metadata["generation"] = int(old["metadata"].get("generation") or 0) + 1
        return self._keep(asked, body)

    def _check_version(self, asked: Asked, before: store.Entry, body: Body) -> None:
        version = body["metadata"].get("resourceVersion")
        if version and version != before.body["metadata"]["resourceVersion"]:
            raise statuses.conflict(asked.kind, asked.name, _MODIFIED)

    def _keep(self, asked: Asked, body: Body) -> store.Entry:
        metadata = body["metadata"]
        if asked.dry_run:
            return store.Entry(asked.namespace, metadata["name"], 0, body=body)
        entry = self._objects.put(asked.kind, body)
        if metadata.get("deletionTimestamp") and not metadata.get("finalizers") and asked.kind.key != "namespaces":
            self._upkeep.remove(asked.kind, entry)
        self._upkeep.touch(asked.namespace)
        return entry

    def _complete(self, kind: kinds.Kind, body: Body) -> None:
        """The defaults that Paddock or its tests look at."""
        metadata = body["metadata"]
        if kind.key == "namespaces":
            metadata["labels"] = dict(metadata.get("labels") or {}) | {"kubernetes.io/metadata.name": metadata["name"]}
            body.setdefault("spec", {"finalizers": ["kubernetes"]})
            body["status"] = {"phase": "Active"} | dict(body.get("status") or {})
        elif kind.key == "pods" and "uid" not in metadata:
            limits.requests_from_limits(body)
            limits.give_defaults(body, self._bodies("limitranges", str(metadata.get("namespace", ""))))
            body["status"] = {"phase": "Pending"}
        elif kind.key == "limitranges":
            limits.complete(body)
        elif kind.group == rbac.GROUP and kind.plural in rbac.BINDINGS:
            for subject in [body.get("roleRef") or {}, *(body.get("subjects") or [])]:
                if subject.get("kind") != "ServiceAccount":
                    subject.setdefault("apiGroup", rbac.GROUP)

    def _check_namespace(self, asked: Asked, name: str) -> None:
        if not asked.kind.namespaced:
            return
        namespaces = self._kind("namespaces")
        found = self._objects.collection(namespaces).entries.get(asked.namespace)
        if found is None:
            raise statuses.not_found(namespaces, asked.namespace)
        if found.body["metadata"].get("deletionTimestamp"):
            place = f"namespace {asked.namespace}"
            cause = {
                "reason": "NamespaceTerminating",
                "message": f"{place} is being terminated",
                "field": "metadata.namespace",
            }
            why = f"unable to create new content in {place} because it is being terminated"
            raise statuses.forbidden(asked.kind, name, why, causes=[cause])

    def _delete(self, asked: Asked, scope: lists.Scope) -> wire.Answer:
        options = self._decoded(asked) if asked.request.body else {}
        entry = self._existing(asked)
        _check_preconditions(asked, entry, options.get("preconditions") or {})
        if asked.kind.key == "namespaces" and asked.name in PROTECTED:
            raise statuses.forbidden(asked.kind, asked.name, "this namespace may not be deleted")
        policy = options.get("propagationPolicy") or asked.request.query.get("propagationPolicy") or upkeep.BACKGROUND
        dry_run = asked.dry_run or bool(options.get("dryRun"))
        waiting = self._upkeep.delete(asked.kind, entry, policy, dry_run=dry_run)
        if waiting is not None or asked.kind.key in SHOWN_WHEN_DELETED:
            return wire.Answer(200, lists.encode_object(waiting or entry, scope) + b"\n")
        details = statuses.about(asked.kind, asked.name) | {"uid": entry.body["metadata"]["uid"]}
        return wire.json_answer(
            {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
        )

    def _delete_all(self, asked: Asked, scope: lists.Scope) -> wire.Answer:
        options = self._decoded(asked) if asked.request.body else {}
        policy = options.get("propagationPolicy") or upkeep.BACKGROUND
        found = [entry for entry in self._objects.collection(asked.kind).entries.values() if scope.shows(entry)]
        for entry in found:
            self._upkeep.delete(asked.kind, entry, policy, dry_run=asked.dry_run)
        page = lists.Page(self._objects.version, found, None, None)
        return wire.Answer(200, lists.encode_page(page, scope))

    def _body(self, asked: Asked) -> Body:
        """The object sent, placed where the path says; raises StatusError 400 where it says otherwise."""
        body = self._decoded(asked)
        kind = asked.kind
        sent = (body.get("kind", kind.name), body.get("apiVersion", kind.group_version))
        if sent != (kind.name, kind.group_version):
            raise statuses.bad_request(f'{sent[0]} in version "{sent[1]}" cannot be handled as a {kind.name}')
        metadata = body.get("metadata")
        body["metadata"] = metadata = dict(metadata) if isinstance(metadata, dict) else {}
        _check_fields(asked, body)
        if metadata.get("namespace", asked.namespace) != asked.namespace:
            message = "the namespace of the provided object does not match the namespace sent on the request"
            raise statuses.bad_request(message)
        _check_name(asked, str(metadata.get("name") or ""))
        metadata |= {"namespace": asked.namespace} if asked.namespace else {}
        return body

    def _decoded(self, asked: Asked) -> Body:
        try:
            body = asked.request.json()
        except ValueError:
            raise statuses.bad_request("the body is not JSON") from None
        if not isinstance(body, dict):
            raise statuses.bad_request(f"the object provided is unrecognized (must be of type {asked.kind.name})")
        return body

    def _existing(self, asked: Asked) -> store.Entry:
        found = self._find(asked, asked.name)
        if found is None:
            raise statuses.not_found(asked.kind, asked.name)
        return found

    def _find(self, asked: Asked, name: str) -> store.Entry | None:
        return self._objects.collection(asked.kind).entries.get(store.object_key(asked.namespace, name))

    def _bodies(self, key: str, namespace: str) -> list[Body]:
        entries = self._objects.collection(self._kind(key)).entries.values()
        return [entry.body for entry in entries if namespace and entry.namespace == namespace]

    def _kind(self, key: str) -> kinds.Kind:
        kind = self._catalogue.by_key(key)
        assert kind is not None
        return kind


def _check_fields(asked: Asked, body: Body) -> None:
    """An unknown field is an error of an apply always, and of other writes where they ask for it."""
    kind, name = asked.kind, validation.unknown_field(asked.kind, body)
    if name and asked.content_type == APPLY:
        place = f"{asked.namespace}/{asked.name}; {kind.group}/{kind.version}, Kind={kind.name}"
        message = f"failed to create typed patch object ({place}): .{name}: field not declared in schema"
        raise statuses.StatusError(500, message)
    if name and asked.request.query.get("fieldValidation") == "Strict":
        why = f'cannot be handled as a {kind.name}: strict decoding error: unknown field "{name}"'
        raise statuses.bad_request(f'{kind.name} in version "{kind.version}" {why}')


def _check_name(asked: Asked, name: str) -> None:
    """An object sent to a path with a name bears that name."""
    if not asked.name or name == asked.name:
        return
    if not name:
        why = f"the name of the object ({asked.name} based on URL) was undeterminable: name must be provided"
    else:
        why = f"the name of the object ({name}) does not match the name on the URL ({asked.name})"
    raise statuses.bad_request(why)


def _check_preconditions(asked: Asked, entry: store.Entry, wanted: Body) -> None:
    metadata = entry.body["metadata"]
    for field, word in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
        if wanted.get(field) and wanted[field] != metadata[field]:
            why = (
                f"the {word} in the precondition ({wanted[field]}) does not match the {word} in record"
                f" ({metadata[field]}). The object might have been deleted and then recreated"
            )
            raise statuses.conflict(asked.kind, asked.name, why)


def _with_status(asked: Asked, old: Body, body: Body) -> Body:
    """Below `status` only the status changes, and elsewhere everything else."""
    if asked.kind.plural in WITHOUT_STATUS:
        return body
    if asked.subresource == "status":
        return _copy(old) | ({"status": body["status"]} if "status" in body else {})
    rest = {name: value for name, value in body.items() if name != "status"}
    return rest | ({"status": old["status"]} if "status" in old else {})


def _merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    found = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = _merge_patch(found.get(name), value)
    return found


def _same(one: Body, other: Body) -> bool:
    """Alike but for the times in managedFields."""
    return _timeless(one) == _timeless(other)


def _timeless(body: Body) -> Body:
    metadata = dict(body["metadata"])
    entries = metadata.pop("managedFields", None) or []
    told = [{name: value for name, value in entry.items() if name != "time"} for entry in entries]
    return body | {"metadata": metadata | {"managedFields": told}}


def _creation(asked: Asked) -> reviews.Action:
    return reviews.Action("create", asked.kind.group, asked.kind.plural, asked.namespace, asked.name)


def _is_counted(kind: kinds.Kind) -> bool:
    return kind.group in COUNTED or kind.key == "pods"


def _bare(body: Body) -> Body:
    return {name: value for name, value in body.items() if name not in ("kind", "apiVersion")}


def _copy(body: Body) -> Body:
    return copy.deepcopy(body)


def _now() -> str:
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
