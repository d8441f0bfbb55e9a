"""Fixtures of every test."""

pytest_plugins = ["tests.people", "tests.fakes.fixtures", "tests.testbed.fixtures"]
