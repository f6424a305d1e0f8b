"""Past one machine: building and serving on a cluster, from object storage."""

from __future__ import annotations

from infgram.cluster.build import BuildSummary, StageSummary, build

__all__ = ["BuildSummary", "StageSummary", "build"]
