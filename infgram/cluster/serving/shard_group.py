"""The queries of one group of shards; `distributed_queries` merges the answers of several groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from infgram import _core
from infgram.engine import Rows
from infgram.errors import QueryError
from infgram.files.manifest import ShardEntry
from infgram.shards import open_shards, verify_shards
from infgram.types import Int64Array, Load

MOST_ROWS: Final = 1000
"""The maximum number of rows sent with a suffix length. A longer distribution is requested only if it is needed."""


@dataclass(frozen=True)
class Refused:
    """The answer to an invalid query."""

    error: QueryError


class GroupInfgram(NamedTuple):
    """The longest suffix that occurs in a group, and the rows that follow it; None for too many rows."""

    suffix_length: int
    rows: Rows | None


class GroupContinuation(NamedTuple):
    """The counts of a token after a group's longest suffix; `only_next_token` is the only one that follows, if any."""

    suffix_length: int
    context_count: int
    continuation_count: int
    only_next_token: int | None


SuffixCount: TypeAlias = tuple[int, int]
"""The length of a suffix, and its count."""


class ShardGroup:
    """Open neighboring shards of an index. Thread-safe."""

    def __init__(self, shards: Sequence[tuple[Path, ShardEntry]], load: Load) -> None:
        """Open the shards.

        Args:
            shards: the folder of each shard, and its entry in the manifest.
            load: as for `infgram.open`.

        Raises:
            IndexDamagedError: the files of a shard are inconsistent.
        """
        self._shards = shards
        self._core = open_shards(shards, load)

    def answer(self, queries: Sequence[tuple[str, tuple[Any, ...]]]) -> list[Any]:
        """Return the answers to queries of `GROUP_QUERIES`, in order; the answer to an invalid query is `Refused`."""
        return [self._answer(name, arguments) for name, arguments in queries]

    def _answer(self, name: str, arguments: tuple[Any, ...]) -> Any:
        try:
            return GROUP_QUERIES[name](self._core, *arguments)
        except QueryError as error:
            return Refused(error)

    def verify(self) -> None:
        """Verify every byte and all metadata.

        Raises:
            IndexDamagedError: a file is damaged; the message names it, expected and found.
        """
        verify_shards(self._core, self._shards)


def _infgram(core: _core.Index, context: Any) -> GroupInfgram:
    length, rows = core.infgram(context, 1, MOST_ROWS + 1)
    if len(rows[0]) > MOST_ROWS:
        return GroupInfgram(length, None)
    order = np.argsort(rows[0])
    return GroupInfgram(length, (rows[0][order], rows[1][order], rows[2], rows[3]))


def _continued(core: _core.Index, context: Any, next_token: int) -> GroupContinuation:
    length, context_count, continuation_count, is_sparse = core.infgram_counts(context, next_token, 1)
    only_next_token = None
    if is_sparse:
        suffix = context[len(context) - length :]
        only_next_token = int(core.next_tokens(suffix, 1)[0][0])
    return GroupContinuation(length, context_count, continuation_count, only_next_token)


def _suffix_counts(core: _core.Index, context: Any, min_count: int) -> list[SuffixCount]:
    """Return the suffixes at which the count increases, by descending length, until it reaches `min_count`."""
    suffix_counts: list[SuffixCount] = []
    least = 1
    while least <= min_count:
        length, count = core.longest_suffix(context, least)
        if length == 0:
            break
        suffix_counts.append((length, count))
        least = count + 1
    return suffix_counts


def _score_suffix_counts(
    core: _core.Index, tokens: Any, end: bool, min_count: int
) -> list[tuple[Int64Array, Int64Array]]:
    """Return `_suffix_counts` of every position, as arrays of lengths and counts per step; a length of 0 is the end."""
    steps: list[tuple[Int64Array, Int64Array]] = []
    least = 1
    while least <= min_count:
        lengths, counts, _ = core.score(tokens, end, least)
        if not lengths.any():
            break
        steps.append((lengths, counts))
        least = int(counts[lengths > 0].min()) + 1
    return steps


def _score_at(core: _core.Index, tokens: Any, end: bool, lengths: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Return context and continuation counts at each position, for suffixes of given lengths."""
    positions = np.arange(len(lengths))
    begins = positions - lengths
    context_counts = np.full(len(lengths), core.n_tokens + core.n_documents, dtype=np.int64)
    used = np.flatnonzero(lengths)
    context_counts[used] = core.count_spans(tokens, begins[used], positions[used])
    n_tokens = len(lengths) - end
    continuation_counts = np.zeros(len(lengths), dtype=np.int64)
    continuation_counts[:n_tokens] = core.count_spans(tokens, begins[:n_tokens], positions[:n_tokens] + 1)
    if end:
        suffix = tokens[int(begins[-1]) :]
        length, _, count, _ = core.infgram_counts(suffix, -1, 1)
        continuation_counts[-1] = count if length == len(suffix) else 0
    return context_counts, continuation_counts


def _windows(core: _core.Index, positions: Sequence[tuple[int, int]], n_tokens: int) -> list[list[int]]:
    """Return the `n_tokens` tokens that start at each document and offset."""
    return [core.read_window(document, offset, offset + n_tokens).tolist() for document, offset in positions]


def _matching(core: _core.Index, clauses: Any, distance: int | None) -> Any:
    return core.conjunction(clauses, distance).documents()


def _matching_sample(
    core: _core.Index, clauses: Any, distance: int | None, size: int, seed: int, before: int, total: int
) -> Any:
    return core.conjunction(clauses, distance).sampled_documents(size, seed, before=before, total=total)


GROUP_QUERIES: Final[Mapping[str, Callable[..., Any]]] = {
    "find": _core.Index.find,
    "count": _core.Index.count,
    "count_batch": _core.Index.count_batch,
    "count_spans": _core.Index.count_spans,
    "count_before": _core.Index.count_before,
    "document_count": _core.Index.document_count,
    "next_tokens": _core.Index.next_tokens,
    "longest_suffix": _core.Index.longest_suffix,
    "longest_matches": _core.Index.longest_matches,
    "locate": _core.Index.locate,
    "locate_rank": _core.Index.locate_rank,
    "sample_documents": _core.Index.sample_documents,
    "document_ids": _core.Index.document_ids,
    "document_tokens": _core.Index.document_tokens,
    "document_length": _core.Index.document_length,
    "read_window": _core.Index.read_window,
    "document_metadata": _core.Index.document_metadata,
    "score": _core.Index.score,
    "infgram": _infgram,
    "continued": _continued,
    "suffix_counts": _suffix_counts,
    "score_suffix_counts": _score_suffix_counts,
    "score_at": _score_at,
    "windows": _windows,
    "clause_counts": lambda core, clauses, distance: core.conjunction(clauses, distance).counts(),
    "matching": _matching,
    "matching_sample": _matching_sample,
    "matches": lambda core, clauses, distance, *place: core.conjunction(clauses, distance).matches(*place),
}
"""The queries by name; the first argument of each is the open shards."""
