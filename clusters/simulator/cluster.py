"""One simulated cluster: who asks, what for, and the answer."""

import datetime as dt
import hashlib
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

from clusters.simulator import faults, wire, world
from clusters.simulator.api import accounts, kinds, lists, rbac, reviews, statuses, store, upkeep, watches, writes

Body = dict[str, Any]

RECORDED = 5_000
VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
STATUS, TOKEN = ("status",), ("token",)
HEALTH_PATHS = ("/readyz", "/livez", "/healthz")


@dataclass(frozen=True, slots=True)
class Target:
    """A path below /api or /apis, taken apart; `plural` is empty for the resource list of a group version."""

    group: str
    version: str
    namespace: str = ""
    plural: str = ""
    name: str = ""
    rest: tuple[str, ...] = ()


def read_target(path: str) -> Target | None:
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["api"] and len(parts) >= 2:
        return _resource(Target("", parts[1]), parts[2:])
    if parts[:1] == ["apis"] and len(parts) >= 3:
        return _resource(Target(parts[1], parts[2]), parts[3:])
    return None


def _resource(target: Target, parts: list[str]) -> Target:
    if len(parts) >= 3 and parts[0] == "namespaces" and parts[2] not in ("status", "finalize"):
        target, parts = replace(target, namespace=parts[1]), parts[2:]
    if not parts:
        return target
    name = parts[1] if len(parts) > 1 else ""
    return replace(target, plural=parts[0], name=name, rest=tuple(parts[2:]))


class Cluster:
    """Answers requests from a store; `requests` holds the latest ones for tests to count."""

    def __init__(self, described: world.ClusterWorld, *, token: str, version: int, largest_page: int = 0) -> None:
        self.world = described
        self.token = token
        self.faults = faults.Faults()
        self.catalogue = kinds.Catalogue(described.groups)
        self.store = store.Store(self.catalogue, version, described.history)
        self.requests: deque[Body] = deque(maxlen=RECORDED)
        self._largest_page = largest_page
        users = {each.token: reviews.User(each.name, (), groups=each.groups) for each in described.users} | {
            token: reviews.User(described.user, reviews.read_rules(), described.denied)
        }
        if described.admin_token:
            users[described.admin_token] = reviews.User("admin", reviews.ADMIN_RULES)
        described.fill(self.catalogue, self.store)
        self._accounts = accounts.Accounts(self.catalogue, self.store, users)
        self._rights = rbac.Rights(self.catalogue, self.store)
        self._writes = writes.Writes(
            self.catalogue, self.store, self._rights, upkeep.Upkeep(self.catalogue, self.store)
        )

    def put(self, key: str, body: Body) -> store.Entry:
        """Adds or replaces an object; raises WorldError."""
        kind = self._kind(key)
        if kind.key == "constrainttemplates.templates.gatekeeper.sh":
            self.catalogue.add(kinds.constraint_kind(body))
        created = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        life = self.store.version + 1
        return self.store.put(kind, world.complete(self.world.slug, kind, body, key, created=created, life=life))

    def delete(self, key: str, namespace: str, name: str) -> None:
        """Raises WorldError, and StatusError 404."""
        self.store.delete(self._kind(key), namespace, name)

    async def answer(self, request: wire.Request) -> wire.Answer:
        target = read_target(request.path)
        verb = _verb(request, target)
        try:
            await faults.before(self.faults, request.path, verb)
            answer = self._route(request, target, verb)
        except statuses.StatusError as error:
            answer = error.answer()
        except wire.CutOffError:
            self._record(request, verb, 0)
            raise
        self._record(request, verb, answer.status)
        return faults.after(self.faults, request.path, verb, answer)

    def _route(self, request: wire.Request, target: Target | None, verb: str) -> wire.Answer:
        user = self._accounts.user(request)
        if target is None or not target.plural:
            user = self._accounts.impersonated(user, request, None, self._rights.seen)
            reviews.check_path(user, request.path, request.method.lower())
            return self._document(request, target)
        action = reviews.Action(
            verb,
            target.group,
            target.plural + "".join(f"/{part}" for part in target.rest),
            # A namespace counts as inside itself.
            target.name if (target.group, target.plural) == ("", "namespaces") else target.namespace,
            target.name,
        )
        user = self._accounts.impersonated(user, request, action, self._rights.seen)
        if target.group == kinds.AUTHORIZATION and target.plural in kinds.REVIEWS:
            reviews.check(user, action)
            return self._review(request, target, user)
        if verb not in kinds.READ_VERBS or not user.may(action.verb, action.group, action.resource, action.name):
            user = self._rights.seen(user, action.namespace)
        reviews.check(user, action)
        return self._objects(request, target, verb, user)

    def _document(self, request: wire.Request, target: Target | None) -> wire.Answer:
        """What is no resource: version, health and discovery."""
        if request.path in HEALTH_PATHS:
            return wire.Answer(200, b"ok", content_type="text/plain; charset=utf-8")
        if target is not None and not self._has_version(target):
            return _no_page()
        document = self._discovery(request.path.rstrip("/"), target)
        if document is None:
            return _no_page()
        if request.method not in ("GET", "HEAD"):
            raise statuses.method_not_allowed()
        return wire.json_answer(document)

    def _discovery(self, path: str, target: Target | None) -> Body | None:
        if path == "/version":
            return version_document(self.world.version)
        if path == "/api":
            return kinds.api_versions()
        if path == "/apis":
            return self.catalogue.group_list()
        if target is not None:
            return self.catalogue.resource_list(target.group, target.version)
        prefix, _, group = path.rpartition("/")
        return self.catalogue.group(group) if prefix == "/apis" else None

    def _has_version(self, target: Target) -> bool:
        """False for an unknown group; raises StatusError 404 for an unknown version of a known one."""
        if not self.catalogue.has_group(target.group):
            return False
        if not self.catalogue.has_version(target.group, target.version):
            raise statuses.no_resource()
        return True

    def _review(self, request: wire.Request, target: Target, user: reviews.User) -> wire.Answer:
        if request.method != "POST":
            raise statuses.method_not_allowed()
        if "json" not in request.headers.get("content-type", "json"):
            raise statuses.StatusError(415, "the body of the request was in an unknown format: JSON alone is known")
        try:
            body = request.json()
        except ValueError:
            raise statuses.bad_request("the body is not JSON") from None
        review = reviews.access_review if target.plural == "selfsubjectaccessreviews" else reviews.rules_review
        return wire.json_answer(review(user, body, self._rights.seen), status=201)

    def _objects(self, request: wire.Request, target: Target, verb: str, user: reviews.User) -> wire.Answer:
        if not self._has_version(target):
            return _no_page()
        kind = self.catalogue.find(target.group, target.version, target.plural)
        if kind is None or not _has_part(kind, target.rest) or (target.namespace and not kind.namespaced):
            raise statuses.no_resource()
        if verb not in kind.verbs or _is_misplaced(kind, target, verb):
            raise statuses.method_not_allowed()
        if not _accepts_json(request):
            raise statuses.StatusError(406, "only application/json is available", details={})
        scope = lists.scope(kind, target.namespace, request)
        if verb == "get":
            return self._get(scope, target)
        if verb not in kinds.READ_VERBS:
            return self._write(request, target, verb, user, scope)
        return self._watch(request, scope) if verb == "watch" else self._list(request, scope)

    def _write(
        self, request: wire.Request, target: Target, verb: str, user: reviews.User, scope: lists.Scope
    ) -> wire.Answer:
        if target.rest == TOKEN:
            review = request.json() if request.body else {}
            return wire.json_answer(self._accounts.issue(target.namespace, target.name, review), status=201)
        asked = writes.Asked(request, scope.kind, target.namespace, target.name, "".join(target.rest), user)
        return self._writes.answer(asked, verb, scope)

    def _get(self, scope: lists.Scope, target: Target) -> wire.Answer:
        collection = self.store.collection(scope.kind)
        entry = collection.entries.get(store.object_key(target.namespace, target.name))
        if entry is None:
            raise statuses.not_found(scope.kind, target.name)
        entry = self._identified(scope.kind, entry, f"/namespaces/{target.name}", "get")
        return wire.Answer(200, lists.encode_object(entry, scope) + b"\n")

    def _list(self, request: wire.Request, scope: lists.Scope) -> wire.Answer:
        path, number = request.path, lists.page_number(request.query)
        if self.faults.take("gone_in_list", path, "list", page=number):
            raise statuses.expired_continue(request.query.get("continue", ""))
        page = lists.page(self.store, scope, request.query, largest=self._largest_page)
        if self.faults.take("empty_list", path, "list"):
            page = lists.Page(page.version, [], None, None)
        if scope.kind.key == "namespaces":
            entries = [self._identified(scope.kind, entry, path, "list") for entry in page.entries]
            page = replace(page, entries=entries)
        return wire.Answer(200, lists.encode_page(page, scope))

    def _watch(self, request: wire.Request, scope: lists.Scope) -> wire.Answer:
        terms = watches.terms(request)
        lines = faults.spoil_lines(self.faults, request.path, watches.follow(self.store, scope, terms))
        return wire.Answer(200, _texts(lines))

    def _identified(self, kind: kinds.Kind, entry: store.Entry, path: str, verb: str) -> store.Entry:
        """The entry as it is, or kube-system with the uid of a scripted other identity."""
        if kind.key != "namespaces" or entry.name != "kube-system":
            return entry
        fault = self.faults.take("other_identity", path, verb)
        if fault is None:
            return entry
        metadata = entry.body["metadata"] | {"uid": fault.parameters["uid"]}
        return store.Entry("", entry.name, entry.version, body=entry.body | {"metadata": metadata})

    def _kind(self, key: str) -> kinds.Kind:
        kind = self.catalogue.by_key(key)
        if kind is None:
            raise world.WorldError(f"{key}: no such resource in this cluster")
        return kind

    def _record(self, request: wire.Request, verb: str, status: int) -> None:
        shown = {name: request.headers.get(name, "") for name in ("user-agent", "accept", "accept-encoding")}
        about = {"method": request.method, "path": request.path, "query": request.query, "verb": verb}
        self.requests.append(about | {"status": status, "headers": shown})


def _verb(request: wire.Request, target: Target | None) -> str:
    """The verb of an access rule; a path that is no resource has its method's."""
    verb = VERBS.get(request.method, request.method.lower())
    if target is None or not target.plural or target.name:
        return verb
    if verb == "delete":
        return "deletecollection"
    if verb != "get":
        return verb
    return "watch" if request.query.get("watch", "").lower() in ("1", "true") else "list"


def _has_part(kind: kinds.Kind, rest: tuple[str, ...]) -> bool:
    """Whether the kind has this subresource; the object itself is none."""
    if rest == STATUS:
        return kind.plural not in writes.WITHOUT_STATUS
    return not rest or (rest == TOKEN and kind == kinds.SERVICE_ACCOUNT)


def _is_misplaced(kind: kinds.Kind, target: Target, verb: str) -> bool:
    """A method that the kind knows, but not on an object, on a list, or on this part of an object."""
    if kind.namespaced and not target.namespace and (target.name or verb not in ("list", "watch")):
        return True
    if target.rest == TOKEN:
        return verb != "create"
    if target.rest == STATUS:
        return verb not in ("get", "update", "patch")
    return bool(target.name) == (verb == "create") if verb in ("create", "update", "patch") else False


async def _texts(lines: AsyncIterator[watches.Line]) -> AsyncIterator[bytes]:
    async for line in lines:
        yield line.text


def _no_page() -> wire.Answer:
    return wire.Answer(404, b"404 page not found\n", content_type="text/plain; charset=utf-8")


def _accepts_json(request: wire.Request) -> bool:
    accept = request.headers.get("accept", "*/*")
    return "application/json" in accept or "*/*" in accept or "application/*" in accept


def version_document(git_version: str) -> Body:
    """All nine fields of /version: clients refuse fewer."""
    major, minor, *_ = git_version.removeprefix("v").split(".")
    return {
        "major": major,
        "minor": minor,
        "gitVersion": git_version,
        "gitCommit": hashlib.sha1(git_version.encode(), usedforsecurity=False).hexdigest(),
        "gitTreeState": "clean",
        "buildDate": "2026-01-15T10:00:00Z",
        "goVersion": "go1.26.0",
        "compiler": "gc",
        "platform": "linux/amd64",
    }
