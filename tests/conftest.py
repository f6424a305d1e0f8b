"""Settings of the whole test run: how many examples Hypothesis tries."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("normal", max_examples=100, deadline=None, print_blob=True)
settings.register_profile("torture", parent=settings.get_profile("normal"), max_examples=10_000)
settings.load_profile("normal")  # `pytest --hypothesis-profile=torture` loads the other one
