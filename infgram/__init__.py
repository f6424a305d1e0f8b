"""infgram: exact ∞-gram indexes of text: count, continue, score and find strings of any length."""

from __future__ import annotations

from infgram._core import __version__
from infgram.build import build, build_from_tokens, estimate_build
from infgram.corpus import TokenCorpus
from infgram.errors import (
    IndexClosedError,
    IndexDamagedError,
    IndexExistsError,
    IndexNotFoundError,
    IndexVersionError,
    InfgramError,
    InputError,
    MissingExtraError,
    QueryError,
    StorageError,
    TimeLimitError,
    TokenizerError,
)
from infgram.index import Index, open
from infgram.query_language import Cnf
from infgram.session import Session
from infgram.types import (
    END_OF_DOCUMENT,
    BuildEstimate,
    BuildProgress,
    Document,
    InfgramDistribution,
    InfgramLogProb,
    Location,
    LongestMatches,
    LongestSuffix,
    NextTokenDistribution,
    SearchHit,
    SearchMatch,
    SearchResult,
    SequenceScore,
    SuffixRange,
)

__all__ = [
    "END_OF_DOCUMENT",
    "BuildEstimate",
    "BuildProgress",
    "Cnf",
    "Document",
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
    "Location",
    "LongestMatches",
    "LongestSuffix",
    "MissingExtraError",
    "NextTokenDistribution",
    "QueryError",
    "SearchHit",
    "SearchMatch",
    "SearchResult",
    "SequenceScore",
    "Session",
    "StorageError",
    "SuffixRange",
    "TimeLimitError",
    "TokenCorpus",
    "TokenizerError",
    "__version__",
    "build",
    "build_from_tokens",
    "estimate_build",
    "open",
]
