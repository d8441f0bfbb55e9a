"""Asking for access, deciding on it, and looking again each quarter at what was given."""
