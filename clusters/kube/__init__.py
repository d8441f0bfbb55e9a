"""The one door to Kubernetes. Knows no Django: errors and plain values only.

- `kubeconfig.read(data) -> Connection` reads an upload strictly; `connection.Connection` is sealed as JSON.
- `reactor.run(connection, {key: conversation}, deadline=seconds, allow_loopback=...) -> {key: Outcome}` speaks
  with a cluster, one connection per conversation, all side by side in the calling thread; one that fails
  disturbs no other. `reactor.fetch(connection, request, ...)` is for a single request.
- `conversation` has the words: `page_of`, `watch`, `more`, `get`, `post`, and the answers `Page`, `Batch`,
  `Answer`. Its docstring shows a whole one.
- `objects.table.KINDS` lists the kinds; `kind.extract(item)` gives a row of plain values;
  `objects.metadata.body_of(item)` the bytes to keep for a detail page.
- `writing` changes a cluster: `apply`, `create`, `merge_patch`, `delete`, `create_token`, and asks what may be done:
  `access_review`, `rules_review`. What it refuses stands in `writing_errors`.
- `errors` has what can go wrong, each with `code`, `text` and `remedy` for people.
- `checks.probe`, `rights` and `distribution` are for attaching a cluster.
"""
