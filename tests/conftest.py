"""Fixtures for all tests, and how Hypothesis searches: no test depends on how fast the machine is."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.services.fixtures"]

settings.register_profile("journalguard", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("journalguard")
