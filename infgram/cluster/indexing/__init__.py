"""Build an index with tasks: first the plan, then splits, shards, and the manifest."""

from __future__ import annotations

from infgram.cluster.indexing.build import build
from infgram.cluster.indexing.summary import BuildSummary, StageSummary

__all__ = ["BuildSummary", "StageSummary", "build"]
