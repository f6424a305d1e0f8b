"""Conversion of the responses of a service to the results of the library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from infgram.client.jobs import Job
from infgram.client.problems import error_of
from infgram.types import (
    BuildProgress,
    Document,
    InfgramDistribution,
    InfgramLogProb,
    Int64Array,
    Location,
    LongestMatches,
    NextTokenDistribution,
    Reading,
    Readings,
    SearchHit,
    SearchMatch,
    SearchResult,
    SequenceScore,
    SuffixRange,
)

Answer = Mapping[str, Any]
Lines = list[Any]
D = TypeVar("D", bound=NextTokenDistribution)

_LISTS = ("rows", "documents", "locations")


def without_problem(line: Answer) -> Answer:
    """Return one result of a batch.

    Raises:
        InfgramError: the result is a problem document.
    """
    if "code" in line and "status" in line:
        raise error_of(line)
    return line


def as_lines(answer: Answer) -> Lines:
    """Convert a complete response to the lines of a stream."""
    name = next(name for name in _LISTS if name in answer)
    return [{key: value for key, value in answer.items() if key != name}, *answer[name]]


def counts(answer: Answer) -> list[int]:
    """Return the counts of a batch.

    Raises:
        InfgramError: one of the queries failed.
    """
    for problem in answer["errors"].values():
        raise error_of(problem)
    return list(answer["counts"])


def readings(answer: Answer) -> Readings:
    """Return the count of a string and of its tokenizations."""
    fields = dict(answer["readings"])
    for name in ("as_typed", "after_space", "other_tokenizations", "other_case"):
        part = fields[name]
        fields[name] = part and Reading(part["count"], tuple(part["token_ids"]), part["text"])
    return Readings(**fields)


def suffix_ranges(answer: Answer) -> list[SuffixRange]:
    """Return the suffix range in each shard."""
    return [SuffixRange(each["lo"], each["hi"]) for each in answer["ranges"]]


def locations(lines: Lines) -> list[Location]:
    """Return the occurrences."""
    return [Location(each["document_id"], each["offset"]) for each in lines[1:]]


def next_tokens(lines: Lines) -> NextTokenDistribution:
    """Return the tokens that follow the whole context."""
    head, *rows = lines
    ids, row_counts = (_int64([row[name] for row in rows]) for name in ("token_id", "count"))
    return NextTokenDistribution(ids, row_counts, head["context_count"], head["n_distinct"])


def infgram(lines: Lines) -> InfgramDistribution:
    """Return the tokens that follow the longest suffix."""
    rows = next_tokens(lines)
    return InfgramDistribution(
        rows.token_ids, rows.counts, rows.context_count, rows.n_distinct, lines[0]["suffix_length"]
    )


def cut(read: Callable[[Lines], D], top_k: int | None) -> Callable[[Lines], D]:
    """Return `read`, or for `top_k` = 0 a function that removes the row that a service always returns."""
    if top_k != 0:
        return read
    return lambda lines: replace(read(lines), token_ids=_int64([]), counts=_int64([]))


def log_prob(answer: Answer) -> InfgramLogProb:
    """Return the probability of one token."""
    return InfgramLogProb(
        suffix_length=answer["suffix_length"],
        context_count=answer["context_count"],
        continuation_count=answer["continuation_count"],
        is_sparse=answer["is_sparse"],
    )


def score(answer: Answer) -> SequenceScore:
    """Return the scores of a sequence."""
    names = ("token_ids", "suffix_lengths", "context_counts", "continuation_counts")
    return SequenceScore(*(_int64(answer[name]) for name in names))


def longest_matches(answer: Answer) -> LongestMatches:
    """Return the longest match at each position."""
    return LongestMatches(_int64(answer["lengths"]), _int64(answer["counts"]))


def search(lines: Lines) -> SearchResult:
    """Return a page of documents and the counts."""
    head, *hits = lines
    return SearchResult(
        count=head["count"],
        document_count=head["document_count"],
        is_exact=head["is_exact"],
        documents=tuple(map(_hit, hits)),
        cursor=head["cursor"],
        count_interval=_interval(head["count_interval"]),
        document_count_interval=_interval(head["document_count_interval"]),
    )


def _interval(bounds: list[int] | None) -> tuple[int, int] | None:
    return None if bounds is None else (bounds[0], bounds[1])


def _hit(answer: Answer) -> SearchHit:
    fields = {name: answer[name] for name in SearchHit.__dataclass_fields__ if name != "matches"}
    return SearchHit(**fields, matches=tuple(SearchMatch(**match) for match in answer["matches"]))


def document(answer: Answer) -> Document:
    """Return a document."""
    return Document(
        answer["document_id"],
        answer["text"],
        _int64(answer["token_ids"]),
        answer["metadata"],
        answer["source"],
        answer["line"],
    )


def job(answer: Answer) -> Job:
    """Return a job."""
    progress = answer["progress"]
    return Job(
        answer["id"],
        answer["kind"],
        answer["status"],
        None if progress is None else BuildProgress(**progress),
        answer["result"],
        answer["error"],
    )


def _int64(values: list[int]) -> Int64Array:
    return np.array(values, dtype=np.int64)
