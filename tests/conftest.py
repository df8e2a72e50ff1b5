"""Fixtures that every folder may use."""

pytest_plugins = ["tests.stack_fixture"]
