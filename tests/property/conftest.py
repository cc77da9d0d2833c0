"""Hypothesis profiles: `quick` by default; `HYPOTHESIS_PROFILE=thousands` before a release."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("quick", deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thousands", deadline=None, max_examples=3000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
