"""Settings of the tests of planning: the path of `benchmarks`, which fits the constants."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))  # last, so that infgram is the installed package
