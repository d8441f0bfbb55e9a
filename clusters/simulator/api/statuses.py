"""Error bodies: the `Status` object Kubernetes answers with, and the exception that carries one."""

import json
from collections.abc import Sequence
from typing import Any

from clusters.simulator import wire
from clusters.simulator.api import kinds

Body = dict[str, Any]

REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    406: "NotAcceptable",
    409: "Conflict",
    410: "Expired",
    415: "UnsupportedMediaType",
    422: "Invalid",
    429: "TooManyRequests",
    503: "ServiceUnavailable",
    504: "Timeout",
}

EXPIRED_CONTINUE = (
    "The provided continue parameter is too old to display a consistent list result. Start a new list without"
    " it, or use the token of this answer to read the rest at the price of consistency."
)


class StatusError(Exception):
    """An answer other than success; `details` and `metadata` stand in the body as given."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        details: Body | None = None,
        metadata: Body | None = None,
        retry_after: int | None = None,
        reason: str = "",
    ) -> None:
        super().__init__(message)
        self.reason = reason or REASONS.get(code, "")
        self.code = code
        self.details = None if details is None else dict(details)
        self.metadata = metadata or {}
        self.retry_after = retry_after
        if retry_after is not None:
            self.details = (self.details or {}) | {"retryAfterSeconds": retry_after}

    def body(self) -> Body:
        status: Body = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.metadata,
            "status": "Failure",
            "message": str(self),
        }
        if self.reason:
            status["reason"] = self.reason
        if self.details is not None:
            status["details"] = self.details
        return status | {"code": self.code}

    def answer(self) -> wire.Answer:
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return wire.json_answer(self.body(), status=self.code, headers=headers)

    def event(self) -> bytes:
        """The line that tells of this error inside a watch."""
        return json.dumps({"type": "ERROR", "object": self.body()}, separators=(",", ":")).encode() + b"\n"


def bad_request(message: str) -> StatusError:
    return StatusError(400, message)


def unauthorized() -> StatusError:
    return StatusError(401, "Unauthorized")


def invalid(kind: str, group: str, message: str) -> StatusError:
    return StatusError(422, f'{kind}.{group} "" is invalid: {message}', details={"group": group, "kind": kind})


def not_found(kind: kinds.Kind, name: str) -> StatusError:
    return StatusError(404, f'{kind.key} "{name}" not found', details=about(kind, name))


def forbidden(kind: kinds.Kind, name: str, why: str, *, causes: Sequence[Body] = ()) -> StatusError:
    details = about(kind, name) | ({"causes": list(causes)} if causes else {})
    return StatusError(403, f'{kind.key} "{name}" is forbidden: {why}', details=details)


def already_exists(kind: kinds.Kind, name: str, *, deleting: bool) -> StatusError:
    before = "object is being deleted: " if deleting else ""
    message = f'{before}{kind.key} "{name}" already exists'
    return StatusError(409, message, details=about(kind, name), reason="AlreadyExists")


def conflict(kind: kinds.Kind, name: str, why: str) -> StatusError:
    message = f'Operation cannot be fulfilled on {kind.key} "{name}": {why}'
    return StatusError(409, message, details=about(kind, name))


def no_resource() -> StatusError:
    return StatusError(404, "the server could not find the requested resource", details={})


def method_not_allowed() -> StatusError:
    return StatusError(405, "the server does not allow this method on the requested resource", details={})


def garbled_watch(version: str) -> StatusError:
    """What a real server says to a watch from a version that is no number: 500, without a reason."""
    return StatusError(500, f'resourceVersion: Invalid value: "{version}": invalid syntax')


def too_old(resource_version: int, oldest: int) -> StatusError:
    return StatusError(410, f"too old resource version: {resource_version} ({oldest})")


def expired_continue(token: str) -> StatusError:
    """The old token no longer works; `token` reads on from the same place in today's objects."""
    return StatusError(410, EXPIRED_CONTINUE, metadata={"continue": token})


def too_new(resource_version: int, current: int) -> StatusError:
    message = f"Too large resource version: {resource_version}, current: {current}"
    causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
    return StatusError(504, f"Timeout: {message}", details={"causes": causes}, retry_after=1)


def about(kind: kinds.Kind, name: str) -> Body:
    details = {"name": name, "kind": kind.plural}
    return details | {"group": kind.group} if kind.group else details
