"""Building by tasks: a plan first, then splits, then shards, then the manifest."""

from __future__ import annotations

from infgram.cluster.build.build import build
from infgram.cluster.build.summary import BuildSummary, StageSummary

__all__ = ["BuildSummary", "StageSummary", "build"]
