"""Past one machine: building and serving on a Ray cluster, from object storage."""

from __future__ import annotations

from infgram.cluster.build import BuildSummary, StageSummary, build
from infgram.cluster.deployment import deploy, undeploy
from infgram.cluster.index import Index

__all__ = ["BuildSummary", "Index", "StageSummary", "build", "deploy", "undeploy"]
