"""Ways in which a server breaks the contract, each with the checks that must notice."""

from collections.abc import Iterable
from typing import Any

from tests.contracts.proxy import Asked, Body, Given, Mutation


def _is_list(given: Given) -> bool:
    return isinstance(given.body, dict) and "items" in given.body


def _drop(*names: str, only_watches: bool | None = None) -> Any:
    """Forgets parameters of a request, as a server that does not know them."""

    def asked(request: Asked) -> None:
        if only_watches is None or only_watches == request.is_watch:
            for name in names:
                request.query.pop(name, None)

    return asked


def _without_in_list(*names: str) -> Any:
    def given(answer: Given) -> None:
        if _is_list(answer):
            for name in names:
                answer.body["metadata"].pop(name, None)

    return given


def _status_as(code: int, reason: str, *, instead_of: int) -> Any:
    def given(answer: Given) -> None:
        if answer.status == instead_of:
            answer.status = code
            if isinstance(answer.body, dict):
                answer.body |= {"code": code, "reason": reason}

    return given


def _frozen_list_version(answer: Given) -> None:
    if _is_list(answer):
        answer.body["metadata"]["resourceVersion"] = "1000"


def _frozen_object_versions(answer: Given) -> None:
    if _is_list(answer):
        for item in answer.body["items"]:
            item["metadata"]["resourceVersion"] = "1000"


def _later_pages_move(answer: Given) -> None:
    if _is_list(answer) and "continue" in answer.asked.query:
        answer.body["metadata"]["resourceVersion"] += "0"


def _items_name_their_kind(answer: Given) -> None:
    if _is_list(answer):
        kind = answer.body["kind"].removesuffix("List")
        answer.body["items"] = [{"kind": kind, "apiVersion": "v1"} | item for item in answer.body["items"]]


def _items_backwards(answer: Given) -> None:
    if _is_list(answer):
        answer.body["items"].reverse()


def _no_items_is_null(answer: Given) -> None:
    if _is_list(answer) and not answer.body["items"]:
        answer.body["items"] = None


def _forbidden_is_empty(answer: Given) -> None:
    if answer.status == 403 and answer.asked.method == "GET":
        answer.status = 200
        answer.body = {"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": []}


def _errors_as_pages(answer: Given) -> None:
    if answer.status >= 400:
        answer.content_type, answer.content, answer.body = "text/html", b"<h1>Error</h1>", None


def _nameless_managers(answer: Given) -> None:
    for entry in answer.body.get("metadata", {}).get("managedFields") or ():
        entry["manager"] = "unknown"


def _as_merge(asked: Asked) -> None:
    if "apply" in asked.headers.get("content-type", ""):
        asked.headers["content-type"] = "application/merge-patch+json"


def _keep(asked: Asked) -> None:
    if asked.method == "DELETE":
        asked.query["dryRun"] = "All"


def _without_message(answer: Given) -> None:
    if answer.status == 403:
        answer.body["message"] = "forbidden"


def _version_without_platform(answer: Given) -> None:
    if answer.asked.path == "/version":
        answer.body.pop("platform")


def _resources_without_verbs(answer: Given) -> None:
    if answer.asked.path == "/api/v1":
        for resource in answer.body["resources"]:
            resource["verbs"] = []


def _everything_allowed(answer: Given) -> None:
    if answer.status == 201 and "allowed" in answer.body.get("status", {}):
        answer.body["status"]["allowed"] = True


def _nothing_allowed(answer: Given) -> None:
    if answer.status == 201 and "allowed" in answer.body.get("status", {}):
        answer.body["status"]["allowed"] = False


def _all_namespaces(request: Asked) -> None:
    parts = request.path.split("/")
    if len(parts) == 6 and parts[3] == "namespaces":
        request.path = f"/api/v1/{parts[5]}"


def _slow_to_end(request: Asked) -> None:
    if request.is_watch:
        request.query["timeoutSeconds"] = "5"


def _without(kind: str) -> Any:
    def told(event: Body) -> Iterable[Body]:
        return [] if event["type"] == kind else [event]

    return told


def _renamed(kind: str, other: str) -> Any:
    def told(event: Body) -> Iterable[Body]:
        return [event | {"type": other if event["type"] == kind else event["type"]}]

    return told


def _twice(event: Body) -> Iterable[Body]:
    return [event, event]


def _old_bookmarks(event: Body) -> Iterable[Body]:
    if event["type"] == "BOOKMARK":
        event["object"]["metadata"]["resourceVersion"] = "1"
    return [event]


def _objects_without_kind(event: Body) -> Iterable[Body]:
    event["object"].pop("kind", None)
    return [event]


MUTATIONS: dict[str, Mutation] = {
    "continue missing": Mutation(("lists.pages",), given=_without_in_list("continue")),
    "rest of a page missing": Mutation(("lists.pages",), given=_without_in_list("remainingItemCount")),
    "limit ignored": Mutation(("lists.pages",), asked=_drop("limit")),
    "limit ignored at the end": Mutation(("lists.pages",), asked=_drop("continue")),
    "pages of different versions": Mutation(("lists.pages", "lists.pages_hold_one_snapshot"), given=_later_pages_move),
    "items name their kind": Mutation(("lists.form_of_a_list",), given=_items_name_their_kind),
    "items out of order": Mutation(("lists.order_is_namespace_then_name",), given=_items_backwards),
    "no items is null": Mutation(("lists.missing_namespace_is_an_empty_list",), given=_no_items_is_null),
    "namespace ignored": Mutation(("lists.a_namespace_shows_only_its_own",), asked=_all_namespaces),
    "list version stands still": Mutation(("versions.changes_move_the_list",), given=_frozen_list_version),
    "object versions stand still": Mutation(("versions.a_change_moves_the_object",), given=_frozen_object_versions),
    "exact version ignored": Mutation(
        ("versions.exact_is_that_version",), asked=_drop("resourceVersion", "resourceVersionMatch")
    ),
    "label selector ignored": Mutation(
        ("selectors.labels", "selectors.bad_selectors_are_refused"), asked=_drop("labelSelector")
    ),
    "field selector ignored": Mutation(("selectors.fields",), asked=_drop("fieldSelector")),
    "selector of a watch ignored": Mutation(
        ("selectors.watch_follows_what_begins_and_ceases_to_match",),
        asked=_drop("labelSelector", only_watches=True),
    ),
    "version of a watch ignored": Mutation(
        ("watches.events_after_an_event",), asked=_drop("resourceVersion", only_watches=True)
    ),
    "deletions not told": Mutation(("watches.events_since_a_list",), told=_without("DELETED")),
    "additions told as changes": Mutation(("watches.live_events",), told=_renamed("ADDED", "MODIFIED")),
    "events told twice": Mutation(("watches.events_since_a_list",), told=_twice),
    "events without kind": Mutation(("watches.events_since_a_list",), told=_objects_without_kind),
    "bookmarks missing": Mutation(("watches.a_bookmark_before_the_end",), told=_without("BOOKMARK")),
    "bookmarks that go back": Mutation(("watches.a_bookmark_before_the_end",), told=_old_bookmarks),
    "bookmarks unasked": Mutation(
        ("watches.no_bookmarks_unless_asked",),
        asked=lambda asked: asked.query.update({"allowWatchBookmarks": "true"}),
    ),
    "watch ends late": Mutation(("watches.a_quiet_watch_ends_in_time_without_error",), asked=_slow_to_end),
    "410 as 404": Mutation(("history.expired_positions",), given=_status_as(404, "NotFound", instead_of=410)),
    "410 not told in a watch": Mutation(("history.expired_positions",), told=_without("ERROR")),
    "401 as 403": Mutation(
        ("errors.an_unknown_token_is_unauthorized",), given=_status_as(403, "Forbidden", instead_of=401)
    ),
    "404 as 200": Mutation(("errors.a_missing_object",), given=_status_as(200, "", instead_of=404)),
    "405 as 404": Mutation(("errors.a_method_that_does_not_exist",), given=_status_as(404, "NotFound", instead_of=405)),
    "400 as 500": Mutation(("selectors.bad_selectors_are_refused",), given=_status_as(500, "", instead_of=400)),
    "forbidden as an empty list": Mutation(("errors.a_forbidden_list_names_who_and_what",), given=_forbidden_is_empty),
    "errors as web pages": Mutation(("errors.a_missing_object",), given=_errors_as_pages),
    "version without platform": Mutation(("discovery.version_has_nine_fields",), given=_version_without_platform),
    "resources without verbs": Mutation(("discovery.resources_of_each_group",), given=_resources_without_verbs),
    "conflicts overridden": Mutation(
        ("writes.apply_against_another_manager_is_a_conflict", "applies.several_conflicts_are_all_named"),
        asked=lambda asked: asked.query.update({"force": "true"}),
    ),
    "dry runs stored": Mutation(
        ("writes.a_dry_run_stores_nothing", "admission.a_dry_run_is_not_counted"), asked=_drop("dryRun")
    ),
    "managers nameless": Mutation(("writes.apply_records_its_manager",), given=_nameless_managers),
    "managed by nobody": Mutation(("applies.labels_of_others_stay",), asked=_as_merge),
    "deletions forgotten": Mutation(("writes.delete",), asked=_keep),
    "quota not enforced": Mutation(
        ("admission.what_is_too_much_is_refused_with_its_figures",), given=_status_as(201, "", instead_of=403)
    ),
    "quota without figures": Mutation(
        ("admission.what_is_too_much_is_refused_with_its_figures",), given=_without_message
    ),
    "everyone impersonated": Mutation(
        ("members.impersonation_needs_a_right",), given=_status_as(200, "", instead_of=403)
    ),
    "everything allowed": Mutation(("reviews.denied",), given=_everything_allowed),
    "nothing allowed": Mutation(("reviews.allowed",), given=_nothing_allowed),
}
