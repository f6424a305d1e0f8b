"""infgram: exact ∞-gram indexes of text: count, continue, score and find strings of any length."""

from __future__ import annotations

import importlib
import typing
from importlib.util import find_spec as _find_spec

if typing.TYPE_CHECKING:  # for type checkers; the same names as in _HOMES, compared in tests/test_package.py
    from infgram._core import __version__ as __version__
    from infgram.analysis.dedup import dedup as dedup
    from infgram.analysis.dedup_output import write_dedup as write_dedup
    from infgram.analysis.novelty import Novelty as Novelty, novelty as novelty, novelty_batch as novelty_batch
    from infgram.analysis.overlap import (
        ItemOverlap as ItemOverlap,
        Overlap as Overlap,
        OverlapEvidence as OverlapEvidence,
        SizeOverlap as SizeOverlap,
        TotalOverlap as TotalOverlap,
        overlap as overlap,
    )
    from infgram.analysis.rules import OVERLAP_RULES as OVERLAP_RULES, OverlapRule as OverlapRule
    from infgram.analysis.trace import (
        SpanDocument as SpanDocument,
        Trace as Trace,
        TracedDocument as TracedDocument,
        TracedSpan as TracedSpan,
        trace as trace,
    )
    from infgram.changes.add import add as add, add_from_tokens as add_from_tokens
    from infgram.changes.compact import compact as compact
    from infgram.changes.delete import delete as delete
    from infgram.changes.results import (
        Addition as Addition,
        Compaction as Compaction,
        Deletion as Deletion,
    )
    from infgram.client import AsyncClient as AsyncClient, Client as Client, Job as Job
    from infgram.corpus import TokenCorpus as TokenCorpus
    from infgram.duplicates import (
        DedupTotals as DedupTotals,
        DocumentDuplicates as DocumentDuplicates,
        Duplicates as Duplicates,
    )
    from infgram.errors import (
        CursorError as CursorError,
        IndexChangedError as IndexChangedError,
        IndexClosedError as IndexClosedError,
        IndexDamagedError as IndexDamagedError,
        IndexExistsError as IndexExistsError,
        IndexNotFoundError as IndexNotFoundError,
        IndexVersionError as IndexVersionError,
        InfgramError as InfgramError,
        InputError as InputError,
        MissingExtraError as MissingExtraError,
        QueryError as QueryError,
        ServiceError as ServiceError,
        ShardUnavailableError as ShardUnavailableError,
        StorageError as StorageError,
        TimeLimitError as TimeLimitError,
        TokenizerError as TokenizerError,
    )
    from infgram.exports.export import Exported as Exported, export as export
    from infgram.index import Index as Index
    from infgram.index_location import open as open
    from infgram.indexing.build import (
        build as build,
        build_from_tokens as build_from_tokens,
        estimate_build as estimate_build,
    )
    from infgram.indexing.convert import convert as convert
    from infgram.partial import PartialAnswers as PartialAnswers, partial_answers as partial_answers
    from infgram.query_language import Cnf as Cnf
    from infgram.session import Session as Session
    from infgram.tokenizations import Spellings as Spellings
    from infgram.types import (
        END_OF_DOCUMENT as END_OF_DOCUMENT,
        BuildEstimate as BuildEstimate,
        BuildProgress as BuildProgress,
        Document as Document,
        FieldCount as FieldCount,
        InfgramDistribution as InfgramDistribution,
        InfgramLogProb as InfgramLogProb,
        Location as Location,
        LongestMatches as LongestMatches,
        LongestSuffix as LongestSuffix,
        NextTokenDistribution as NextTokenDistribution,
        Reading as Reading,
        Readings as Readings,
        SearchHit as SearchHit,
        SearchMatch as SearchMatch,
        SearchResult as SearchResult,
        SequenceScore as SequenceScore,
        SuffixRange as SuffixRange,
    )
else:

    def __getattr__(name: str) -> typing.Any:
        """Import a public name on first use."""
        for module, names in _HOMES.items():
            if name in names:
                globals()[name] = value = getattr(importlib.import_module(module), name)
                return value
        if name in _SUBMODULES:
            return importlib.import_module(f"{__name__}.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_HOMES: typing.Final[dict[str, tuple[str, ...]]] = {
    "infgram._core": ("__version__",),
    "infgram.indexing.build": ("build", "build_from_tokens", "estimate_build"),
    "infgram.changes.add": ("add", "add_from_tokens"),
    "infgram.changes.compact": ("compact",),
    "infgram.changes.delete": ("delete",),
    "infgram.changes.results": ("Addition", "Compaction", "Deletion"),
    "infgram.indexing.convert": ("convert",),
    "infgram.client": ("AsyncClient", "Client", "Job"),
    "infgram.corpus": ("TokenCorpus",),
    "infgram.duplicates": ("DedupTotals", "DocumentDuplicates", "Duplicates"),
    "infgram.errors": (
        "CursorError",
        "IndexChangedError",
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
    "infgram.exports.export": ("Exported", "export"),
    "infgram.index": ("Index",),
    "infgram.index_location": ("open",),
    "infgram.partial": ("PartialAnswers", "partial_answers"),
    "infgram.query_language": ("Cnf",),
    "infgram.session": ("Session",),
    "infgram.tokenizations": ("Spellings",),
    "infgram.analysis.dedup_output": ("write_dedup",),
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

_SUBMODULES: typing.Final = ("lm",)
"""Public subpackages, which are imported on first use too: `infgram.lm` needs no import statement."""

__all__: list[str] = sorted(name for names in _HOMES.values() for name in names)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if _find_spec("infgram._core") is None:
    from infgram.source_tree import import_installed as _import_installed

    _import_installed()
