"""infgram: exact ∞-gram indexes of text: count, continue, score and find strings of any length."""

from __future__ import annotations

import importlib
import typing

if typing.TYPE_CHECKING:  # for type checkers; the same names as in _HOMES, compared in tests/test_package.py
    from infgram._core import __version__ as __version__
    from infgram.analysis.cut import write_dedup as write_dedup
    from infgram.analysis.dedup import dedup as dedup
    from infgram.analysis.novelty import Novelty as Novelty
    from infgram.analysis.novelty import novelty as novelty
    from infgram.analysis.novelty import novelty_batch as novelty_batch
    from infgram.analysis.overlap import ItemOverlap as ItemOverlap
    from infgram.analysis.overlap import Overlap as Overlap
    from infgram.analysis.overlap import OverlapEvidence as OverlapEvidence
    from infgram.analysis.overlap import SizeOverlap as SizeOverlap
    from infgram.analysis.overlap import TotalOverlap as TotalOverlap
    from infgram.analysis.overlap import overlap as overlap
    from infgram.analysis.rules import OVERLAP_RULES as OVERLAP_RULES
    from infgram.analysis.rules import OverlapRule as OverlapRule
    from infgram.analysis.trace import SpanDocument as SpanDocument
    from infgram.analysis.trace import Trace as Trace
    from infgram.analysis.trace import TracedDocument as TracedDocument
    from infgram.analysis.trace import TracedSpan as TracedSpan
    from infgram.analysis.trace import trace as trace
    from infgram.client import AsyncClient as AsyncClient
    from infgram.client import Client as Client
    from infgram.corpus import TokenCorpus as TokenCorpus
    from infgram.duplicates import DedupTotals as DedupTotals
    from infgram.duplicates import DocumentDuplicates as DocumentDuplicates
    from infgram.duplicates import Duplicates as Duplicates
    from infgram.errors import (
        CursorError as CursorError,
    )
    from infgram.errors import (
        IndexClosedError as IndexClosedError,
    )
    from infgram.errors import (
        IndexDamagedError as IndexDamagedError,
    )
    from infgram.errors import (
        IndexExistsError as IndexExistsError,
    )
    from infgram.errors import (
        IndexNotFoundError as IndexNotFoundError,
    )
    from infgram.errors import (
        IndexVersionError as IndexVersionError,
    )
    from infgram.errors import (
        InfgramError as InfgramError,
    )
    from infgram.errors import (
        InputError as InputError,
    )
    from infgram.errors import (
        MissingExtraError as MissingExtraError,
    )
    from infgram.errors import (
        QueryError as QueryError,
    )
    from infgram.errors import (
        ServiceError as ServiceError,
    )
    from infgram.errors import (
        ShardUnavailableError as ShardUnavailableError,
    )
    from infgram.errors import (
        StorageError as StorageError,
    )
    from infgram.errors import (
        TimeLimitError as TimeLimitError,
    )
    from infgram.errors import (
        TokenizerError as TokenizerError,
    )
    from infgram.index import Index as Index
    from infgram.indexing.build import build as build
    from infgram.indexing.build import build_from_tokens as build_from_tokens
    from infgram.indexing.build import estimate_build as estimate_build
    from infgram.opening import open as open
    from infgram.partial import PartialAnswers as PartialAnswers
    from infgram.partial import partial_answers as partial_answers
    from infgram.query_language import Cnf as Cnf
    from infgram.session import Session as Session
    from infgram.tokenizations import Spellings as Spellings
    from infgram.types import (
        END_OF_DOCUMENT as END_OF_DOCUMENT,
    )
    from infgram.types import (
        BuildEstimate as BuildEstimate,
    )
    from infgram.types import (
        BuildProgress as BuildProgress,
    )
    from infgram.types import (
        Document as Document,
    )
    from infgram.types import (
        FieldCount as FieldCount,
    )
    from infgram.types import (
        InfgramDistribution as InfgramDistribution,
    )
    from infgram.types import (
        InfgramLogProb as InfgramLogProb,
    )
    from infgram.types import (
        Location as Location,
    )
    from infgram.types import (
        LongestMatches as LongestMatches,
    )
    from infgram.types import (
        LongestSuffix as LongestSuffix,
    )
    from infgram.types import (
        NextTokenDistribution as NextTokenDistribution,
    )
    from infgram.types import (
        Reading as Reading,
    )
    from infgram.types import (
        Readings as Readings,
    )
    from infgram.types import (
        SearchHit as SearchHit,
    )
    from infgram.types import (
        SearchMatch as SearchMatch,
    )
    from infgram.types import (
        SearchResult as SearchResult,
    )
    from infgram.types import (
        SequenceScore as SequenceScore,
    )
    from infgram.types import (
        SuffixRange as SuffixRange,
    )
else:

    def __getattr__(name: str) -> typing.Any:
        """Import a public name on first use."""
        for module, names in _HOMES.items():
            if name in names:
                globals()[name] = value = getattr(importlib.import_module(module), name)
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


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
"""The module that defines each public name, which is imported on first use, so that commands start quickly."""

__all__: list[str] = sorted(name for names in _HOMES.values() for name in names)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
