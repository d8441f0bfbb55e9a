"""Writes about teams, projects and what projects hold."""
