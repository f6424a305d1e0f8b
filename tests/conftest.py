"""Settings of the whole test run: how many examples Hypothesis tries, and where `tests` is."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import settings

# Every run draws other examples; `make torture` draws 200 times as many.
settings.register_profile("normal", max_examples=50, deadline=None, print_blob=True)
settings.register_profile("torture", parent=settings.get_profile("normal"), max_examples=10_000)
settings.load_profile("normal")  # `pytest --hypothesis-profile=torture` loads the other one

# A namespace is looked for anew whenever the path changes, as Ray changes it; and a tool of ours installs a
# folder `tests` of its own.
sys.modules["tests"].__path__ = [str(Path(__file__).parent)]
