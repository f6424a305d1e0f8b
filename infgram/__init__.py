"""infgram: exact ∞-gram indexes of text: count, continue, score and find strings of any length."""

from __future__ import annotations

import sys
import typing
from importlib.util import find_spec as _find_spec

from infgram.lazy import Package as _Package

if typing.TYPE_CHECKING:
    from infgram._core import __version__
    from infgram.analysis.cut import write_dedup
    from infgram.analysis.dedup import dedup
    from infgram.analysis.novelty import Novelty, novelty, novelty_batch
    from infgram.analysis.overlap import ItemOverlap, Overlap, OverlapEvidence, SizeOverlap, TotalOverlap, overlap
    from infgram.analysis.rules import OVERLAP_RULES, OverlapRule
    from infgram.analysis.trace import SpanDocument, Trace, TracedDocument, TracedSpan, trace
    from infgram.client import AsyncClient, Client
    from infgram.corpus import TokenCorpus
    from infgram.duplicates import DedupTotals, DocumentDuplicates, Duplicates
    from infgram.errors import (
        CursorError,
        IndexClosedError,
        IndexDamagedError,
        IndexExistsError,
        IndexNotFoundError,
        IndexVersionError,
        InfgramError,
        InputError,
        MissingExtraError,
        QueryError,
        ServiceError,
        ShardUnavailableError,
        StorageError,
        TimeLimitError,
        TokenizerError,
    )
    from infgram.index import Index
    from infgram.indexing.build import build, build_from_tokens, estimate_build
    from infgram.opening import open
    from infgram.partial import PartialAnswers, partial_answers
    from infgram.query_language import Cnf
    from infgram.session import Session
    from infgram.tokenizations import Spellings
    from infgram.types import (
        END_OF_DOCUMENT,
        BuildEstimate,
        BuildProgress,
        Document,
        FieldCount,
        InfgramDistribution,
        InfgramLogProb,
        Location,
        LongestMatches,
        LongestSuffix,
        NextTokenDistribution,
        Reading,
        Readings,
        SearchHit,
        SearchMatch,
        SearchResult,
        SequenceScore,
        SuffixRange,
    )

__all__ = [
    "END_OF_DOCUMENT",
    "OVERLAP_RULES",
    "AsyncClient",
    "BuildEstimate",
    "BuildProgress",
    "Client",
    "Cnf",
    "CursorError",
    "DedupTotals",
    "Document",
    "DocumentDuplicates",
    "Duplicates",
    "FieldCount",
    "Index",
    "IndexClosedError",
    "IndexDamagedError",
    "IndexExistsError",
    "IndexNotFoundError",
    "IndexVersionError",
    "InfgramDistribution",
    "InfgramError",
    "InfgramLogProb",
    "InputError",
    "ItemOverlap",
    "Location",
    "LongestMatches",
    "LongestSuffix",
    "MissingExtraError",
    "NextTokenDistribution",
    "Novelty",
    "Overlap",
    "OverlapEvidence",
    "OverlapRule",
    "PartialAnswers",
    "QueryError",
    "Reading",
    "Readings",
    "SearchHit",
    "SearchMatch",
    "SearchResult",
    "SequenceScore",
    "ServiceError",
    "Session",
    "ShardUnavailableError",
    "SizeOverlap",
    "SpanDocument",
    "Spellings",
    "StorageError",
    "SuffixRange",
    "TimeLimitError",
    "TokenCorpus",
    "TokenizerError",
    "TotalOverlap",
    "Trace",
    "TracedDocument",
    "TracedSpan",
    "__version__",
    "build",
    "build_from_tokens",
    "dedup",
    "estimate_build",
    "novelty",
    "novelty_batch",
    "open",
    "overlap",
    "partial_answers",
    "trace",
    "write_dedup",
]

_HOMES: typing.Final[dict[str, tuple[str, ...]]] = {
    "infgram._core": ("__version__",),
    "infgram.indexing.build": ("build", "build_from_tokens", "estimate_build"),
    "infgram.client": ("AsyncClient", "Client"),
    "infgram.corpus": ("TokenCorpus",),
    "infgram.duplicates": ("DedupTotals", "DocumentDuplicates", "Duplicates"),
    "infgram.errors": (
        "CursorError",
        "IndexClosedError",
        "IndexDamagedError",
        "IndexExistsError",
        "IndexNotFoundError",
        "IndexVersionError",
        "InfgramError",
        "InputError",
        "MissingExtraError",
        "QueryError",
        "ServiceError",
        "ShardUnavailableError",
        "StorageError",
        "TimeLimitError",
        "TokenizerError",
    ),
    "infgram.index": ("Index",),
    "infgram.opening": ("open",),
    "infgram.partial": ("PartialAnswers", "partial_answers"),
    "infgram.query_language": ("Cnf",),
    "infgram.session": ("Session",),
    "infgram.tokenizations": ("Spellings",),
    "infgram.analysis.cut": ("write_dedup",),
    "infgram.analysis.dedup": ("dedup",),
    "infgram.analysis.novelty": ("Novelty", "novelty", "novelty_batch"),
    "infgram.analysis.overlap": ("ItemOverlap", "Overlap", "OverlapEvidence", "SizeOverlap", "TotalOverlap", "overlap"),
    "infgram.analysis.rules": ("OVERLAP_RULES", "OverlapRule"),
    "infgram.analysis.trace": ("SpanDocument", "Trace", "TracedDocument", "TracedSpan", "trace"),
    "infgram.types": (
        "END_OF_DOCUMENT",
        "BuildEstimate",
        "BuildProgress",
        "Document",
        "FieldCount",
        "InfgramDistribution",
        "InfgramLogProb",
        "Location",
        "LongestMatches",
        "LongestSuffix",
        "NextTokenDistribution",
        "Reading",
        "Readings",
        "SearchHit",
        "SearchMatch",
        "SearchResult",
        "SequenceScore",
        "SuffixRange",
    ),
}
"""Where each public name is defined. It is imported on first use, so that a command starts quickly."""

_SUBMODULES: typing.Final = ("lm",)
"""Public packages inside that are imported on first use, too: `infgram.lm` needs no import of its own."""

if _find_spec("infgram._core"):
    sys.modules[__name__].__class__ = _Package
else:
    from infgram.source_tree import import_installed as _import_installed

    _import_installed()
