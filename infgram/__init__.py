"""infgram: exact ∞-gram indexes of text: count, continue, score and find strings of any length."""

from __future__ import annotations

from infgram._core import __version__
from infgram.build import build, build_from_tokens
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
    TokenizerError,
)
from infgram.index import Index, open
from infgram.types import (
    END_OF_DOCUMENT,
    BuildProgress,
    Document,
    InfgramDistribution,
    InfgramLogProb,
    Location,
    LongestSuffix,
    NextTokenDistribution,
    SearchHit,
    SearchResult,
    SequenceScore,
    SuffixRange,
)

__all__ = [
    "END_OF_DOCUMENT",
    "BuildProgress",
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
    "LongestSuffix",
    "MissingExtraError",
    "NextTokenDistribution",
    "QueryError",
    "SearchHit",
    "SearchResult",
    "SequenceScore",
    "StorageError",
    "SuffixRange",
    "TokenCorpus",
    "TokenizerError",
    "__version__",
    "build",
    "build_from_tokens",
    "open",
]
