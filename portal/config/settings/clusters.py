"""Which rooms have a say about what is written to clusters."""

# What shall stand in a cluster: `(cluster id, instant) -> Iterable[Desired]`, see `clusters.applying.desired`.
DESIRED_STATES: list[str] = ["clusters.projects.desired.of_cluster", "clusters.quotas.desired.of_cluster"]
# Which room hears what a cluster made of its wish, by `Desired.source`, in the transaction that keeps the answer:
# `(source_id=, uid=, text=, at=) -> None`, with the uid of what was made or why nothing was.
OUTCOME_HOOKS: dict[str, str] = {"projects.wish": "clusters.projects.services.settling.outcome"}
# Who is asked before an action, by action: `(ids) -> list[Verdict]`, see `portal.core.action_checks`.
ACTION_CHECKS: dict[str, list[str]] = {"namespace.move": ["clusters.quotas.checks.namespace_move"]}
# Tabs that rooms above projects add to a project's pages: `(request, project, team) -> (key, label, address) | None`.
PROJECT_TABS: list[str] = ["clusters.quotas.views.tab", "clusters.manifests.views.tab"]
# What amounts of a quota cost: `(person, project id, {resource: amount}, instant) -> ({resource: money}, currency)`.
QUOTA_MONEY = "billing.ledger.quota_money.of_quota"
# Requests that rooms above bring to the page of requests, see `portal.requests.sources`.
REQUEST_SOURCES: list[str] = ["clusters.quotas.request_source"]
# What namespaces cost lately: `(person, keys, instant) -> ({key: money}, currency)`.
NAMESPACE_MONEY = "billing.ledger.namespace_money.of_namespaces"
# What else a move of namespaces does: `(person, keys, source id, target id, instant) -> list[Line]`, see
# `clusters.projects.moving`.
NAMESPACE_EFFECTS: list[str] = []
