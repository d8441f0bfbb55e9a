"""Who owns what: teams own projects, projects hold namespaces of many clusters; both for dated spans of time."""
