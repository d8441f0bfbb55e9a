"""A project as one YAML document: export, difference, apply."""
