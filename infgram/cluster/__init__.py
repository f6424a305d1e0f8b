"""Build and serve indexes on a Ray cluster, with files in object storage."""

from __future__ import annotations

from infgram.cluster.indexing import BuildSummary, StageSummary, build
from infgram.cluster.serving.deployment import deploy, undeploy
from infgram.cluster.serving.index import Index

__all__ = ["BuildSummary", "Index", "StageSummary", "build", "deploy", "undeploy"]
