"""Pages of teams, projects and namespaces without project."""
