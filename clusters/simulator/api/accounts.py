"""Who asks: tokens given by the world, tokens of service accounts, and whom a request impersonates."""

import datetime as dt
import secrets
from dataclasses import dataclass, replace
from typing import Any

from clusters.simulator import wire
from clusters.simulator.api import kinds, reviews, statuses, store, validation

Body = dict[str, Any]

PREFIX = "system:serviceaccount:"
SHORTEST, LONGEST = 600, 2**32
DEFAULT_SECONDS = 3600
AUDIENCE = "https://kubernetes.default.svc"


@dataclass(frozen=True, slots=True)
class Issued:
    """A token of one life of a service account: it dies with it."""

    namespace: str
    name: str
    uid: str
    expires_at: dt.datetime


def groups_of(name: str, given: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The groups of a user who has signed in: those given, a service account's own, and that of all."""
    own: tuple[str, ...] = ()
    if name.startswith(PREFIX):
        own = ("system:serviceaccounts", f"system:serviceaccounts:{name.removeprefix(PREFIX).partition(':')[0]}")
    return tuple(dict.fromkeys((*given, *own, "system:authenticated")))


class Accounts:
    def __init__(self, catalogue: kinds.Catalogue, objects: store.Store, users: dict[str, reviews.User]) -> None:
        self._objects = objects
        self._kind = catalogue.by_key("serviceaccounts")
        self._users = {token: replace(user, groups=groups_of(user.name, user.groups)) for token, user in users.items()}
        self._issued: dict[str, Issued] = {}

    def user(self, request: wire.Request) -> reviews.User:
        """Raises StatusError 401 for a token that nobody has."""
        header = request.headers.get("authorization", "")
        if not header:
            return reviews.User(reviews.ANONYMOUS, (), groups=("system:unauthenticated",))
        scheme, _, token = header.partition(" ")
        found = self._users.get(token.strip()) or self._bearer(token.strip())
        if found is None or scheme.lower() != "bearer":
            raise statuses.unauthorized()
        return found

    def impersonated(
        self, user: reviews.User, request: wire.Request, action: reviews.Action | None, seen: reviews.Seen
    ) -> reviews.User:
        """Who the request is to count as; raises StatusError 400, and 403 without the right to it."""
        name = request.headers.get("impersonate-user", "")
        groups = tuple(filter(None, request.headers.get("impersonate-group", "").split("\n")))
        if not name:
            if groups:
                raise statuses.bad_request(f"requested groups {list(groups)} without impersonating a user name")
            return user
        holder = seen(user, "")
        as_account = name.startswith(PREFIX)
        allowed = holder.may("impersonate", "", "serviceaccounts" if as_account else "users", name.rpartition(":")[2])
        if as_account:
            allowed = allowed or seen(user, name.split(":")[2]).may(
                "impersonate", "", "serviceaccounts", name.rpartition(":")[2]
            )
        if not allowed or not all(holder.may("impersonate", "", "groups", group) for group in groups):
            refused = action or reviews.Action(request.method.lower(), "", request.path)
            raise reviews.forbidden(user, replace(refused, verb=f"impersonate-on:user-info:{refused.verb}"))
        # The administrators' group passes every check, whatever else is granted.
        rules = reviews.ADMIN_RULES if "system:masters" in groups else ()
        return reviews.User(name, rules, groups=groups_of(name, groups))

    def issue(self, namespace: str, name: str, review: Body) -> Body:
        """The answer to a TokenRequest; raises StatusError 404 and 422."""
        account = self._account(namespace, name)
        if self._kind is None or account is None:
            raise statuses.not_found(kinds.SERVICE_ACCOUNT, name)
        spec = review.get("spec") or {}
        seconds = int(spec.get("expirationSeconds") or DEFAULT_SECONDS)
        if not SHORTEST <= seconds <= LONGEST:
            bound = "less than 10 minutes" if seconds < SHORTEST else "larger than 2^32 seconds"
            message = f"Invalid value: {seconds}: may not specify a duration {bound}"
            cause = validation.Cause("spec.expirationSeconds", "FieldValueInvalid", message)
            validation.refuse(kinds.Kind("authentication.k8s.io", "v1", "", "TokenRequest"), "", [cause])
        token = f"simulated.{secrets.token_urlsafe(32)}"
        expires_at = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)
        self._issued[token] = Issued(namespace, name, account["metadata"]["uid"], expires_at)
        metadata = {key: account["metadata"][key] for key in ("name", "namespace", "uid")}
        return {
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": metadata | {"creationTimestamp": account["metadata"].get("creationTimestamp")},
            "spec": {"audiences": spec.get("audiences") or [AUDIENCE], "expirationSeconds": seconds},
            "status": {"token": token, "expirationTimestamp": expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")},
        }

    def _bearer(self, token: str) -> reviews.User | None:
        issued = self._issued.get(token)
        if issued is None or issued.expires_at <= dt.datetime.now(dt.UTC):
            return None
        account = self._account(issued.namespace, issued.name)
        if account is None or account["metadata"]["uid"] != issued.uid:
            return None
        name = f"{PREFIX}{issued.namespace}:{issued.name}"
        return reviews.User(name, (), groups=groups_of(name))

    def _account(self, namespace: str, name: str) -> Body | None:
        if self._kind is None:
            return None
        entry = self._objects.collection(self._kind).entries.get(store.object_key(namespace, name))
        return entry.body if entry else None
