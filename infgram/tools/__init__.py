"""Tools that ask an index many questions at once: each in a file of its own."""

from __future__ import annotations

from infgram.tools.cut import write_dedup
from infgram.tools.dedup import dedup
from infgram.tools.novelty import Novelty, novelty, novelty_batch
from infgram.tools.overlap import ItemOverlap, Overlap, OverlapEvidence, SizeOverlap, TotalOverlap, overlap
from infgram.tools.trace import SpanDocument, Trace, TracedDocument, TracedSpan, trace

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
