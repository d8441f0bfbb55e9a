"""Which rooms have a say about what is written to clusters."""

# What shall stand in a cluster: `(cluster id, instant) -> Iterable[Desired]`, see `clusters.applying.desired`.
DESIRED_STATES: list[str] = []
# Who is asked before an action, by action: `(ids) -> list[Verdict]`, see `portal.core.action_checks`.
ACTION_CHECKS: dict[str, list[str]] = {}
