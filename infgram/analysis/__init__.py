"""Analyses that run many queries on an index: deduplication, novelty, overlap and tracing."""

from __future__ import annotations

from infgram.analysis.dedup import dedup
from infgram.analysis.dedup_output import write_dedup
from infgram.analysis.novelty import Novelty, novelty, novelty_batch
from infgram.analysis.overlap import ItemOverlap, Overlap, OverlapEvidence, SizeOverlap, TotalOverlap, overlap
from infgram.analysis.trace import SpanDocument, Trace, TracedDocument, TracedSpan, trace

__all__ = [
    "ItemOverlap",
    "Novelty",
    "Overlap",
    "OverlapEvidence",
    "SizeOverlap",
    "SpanDocument",
    "TotalOverlap",
    "Trace",
    "TracedDocument",
    "TracedSpan",
    "dedup",
    "novelty",
    "novelty_batch",
    "overlap",
    "trace",
    "write_dedup",
]
