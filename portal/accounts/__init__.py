"""People, what providers know of them, and the roles they are given."""
