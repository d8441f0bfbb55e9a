"""Roles given on scopes: bindings, roles of one's own, what a change touches, and how they end."""
