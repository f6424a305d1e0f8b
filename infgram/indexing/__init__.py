"""Building an index on disk from a corpus."""

from __future__ import annotations

from infgram.indexing.build import build, build_from_tokens, estimate_build
from infgram.indexing.convert import convert

__all__ = ["build", "build_from_tokens", "convert", "estimate_build"]
