"""What a batch is answered with: results in the order of the questions, a problem in the place of each that failed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from pydantic import BaseModel

from . import examples
from .answers import (
    CountAnswer,
    DetokenizeAnswer,
    DistributionAnswer,
    DocumentAnswer,
    DocumentCountAnswer,
    FindAnswer,
    InterpolatedAnswer,
    LocateAnswer,
    LongestMatchesAnswer,
    LongestSuffixAnswer,
    NoveltyAnswer,
    OverlapAnswer,
    ProbAnswer,
    ScoreAnswer,
    SearchAnswer,
    SearchTextAnswer,
    TokenizeAnswer,
    TraceAnswer,
    shown,
)
from .problems import Problem

A = TypeVar("A", bound=BaseModel)


class Results(Generic[A]):
    """The results of a batch, made one by one as they are sent."""

    def __init__(self, results: Iterable[A | Problem]) -> None:
        self._results = results

    def __iter__(self) -> Iterator[A | Problem]:
        return iter(self._results)


class CountBatchAnswer(BaseModel):
    """The counts in the order of the questions, with a problem in the place of each that failed."""

    model_config = shown({"results": [examples.COUNT, examples.PROBLEM]})

    results: list[CountAnswer | Problem]


class DistributionBatchAnswer(BaseModel):
    """The distributions in the order of the questions, with a problem in the place of each that failed."""

    model_config = shown({"results": [examples.DISTRIBUTION, examples.PROBLEM]})

    results: list[DistributionAnswer | Problem]


class ScoreBatchAnswer(BaseModel):
    """The scores in the order of the questions, with a problem in the place of each that failed."""

    model_config = shown({"results": [examples.SCORE, examples.PROBLEM]})

    results: list[ScoreAnswer | Problem]


class SearchBatchAnswer(BaseModel):
    """The documents found in the order of the questions, with a problem in the place of each that failed."""

    model_config = shown({"results": [examples.SEARCH, examples.PROBLEM]})

    results: list[SearchAnswer | Problem]


class SearchTextBatchAnswer(BaseModel):
    """The documents found in the order of the questions, with a problem in the place of each that failed."""

    model_config = shown({"results": [examples.SEARCH_TEXT, examples.PROBLEM]})

    results: list[SearchTextAnswer | Problem]


class FindBatchAnswer(BaseModel):
    """The suffix ranges in the order of the questions, with a problem in the place of each that failed."""

    model_config = shown({"results": [examples.FIND, examples.PROBLEM]})

    results: list[FindAnswer | Problem]


class LocateBatchAnswer(BaseModel):
    """The places in the order of the questions, with a problem in the place of each that failed."""

    model_config = shown({"results": [examples.LOCATE, examples.PROBLEM]})

    results: list[LocateAnswer | Problem]


class ProbBatchAnswer(BaseModel):
    """The probabilities in the order of the questions, with a problem in the place of each that failed."""

    model_config = shown({"results": [examples.PROB, examples.PROBLEM]})

    results: list[ProbAnswer | Problem]


class LongestSuffixBatchAnswer(BaseModel):
    """The longest suffixes in the order of the questions, with a problem in the place of each that failed."""

    model_config = shown({"results": [examples.LONGEST_SUFFIX, examples.PROBLEM]})

    results: list[LongestSuffixAnswer | Problem]


class LongestMatchesBatchAnswer(BaseModel):
    """The longest matches in the order of the questions, with a problem in the place of each that failed."""

    model_config = shown({"results": [examples.LONGEST_MATCHES, examples.PROBLEM]})

    results: list[LongestMatchesAnswer | Problem]


class InterpolatedBatchAnswer(BaseModel):
    """The distributions in the order of the questions, with a problem in the place of each that failed."""

    model_config = shown({"results": [examples.INTERPOLATED, examples.PROBLEM]})

    results: list[InterpolatedAnswer | Problem]


class DocumentCountBatchAnswer(BaseModel):
    """The counts of documents in the order of the questions, with a problem in the place of each that failed."""

    model_config = shown({"results": [examples.DOCUMENT_COUNT, examples.PROBLEM]})

    results: list[DocumentCountAnswer | Problem]


class TraceBatchAnswer(BaseModel):
    """The traces in the order of the questions, with a problem in the place of each that failed."""

    model_config = shown({"results": [examples.TRACE, examples.PROBLEM]})

    results: list[TraceAnswer | Problem]


class NoveltyBatchAnswer(BaseModel):
    """The novelties in the order of the questions, with a problem in the place of each that failed."""

    model_config = shown({"results": [examples.NOVELTY, examples.PROBLEM]})

    results: list[NoveltyAnswer | Problem]


class OverlapBatchAnswer(BaseModel):
    """The overlaps in the order of the questions, with a problem in the place of each that failed."""

    model_config = shown({"results": [examples.OVERLAP, examples.PROBLEM]})

    results: list[OverlapAnswer | Problem]


class TokenizeBatchAnswer(BaseModel):
    """The answers in the order of the questions, with a problem in the place of each that failed."""

    model_config = shown({"results": [{"token_ids": [3, 14], "tokens": ["natural", " language"]}, examples.PROBLEM]})

    results: list[TokenizeAnswer | Problem]


class DetokenizeBatchAnswer(BaseModel):
    """The answers in the order of the questions, with a problem in the place of each that failed."""

    model_config = shown(
        {"results": [{"text": "natural language", "tokens": ["natural", " language"]}, examples.PROBLEM]}
    )

    results: list[DetokenizeAnswer | Problem]


class DocumentBatchAnswer(BaseModel):
    """The documents in the order of their questions, with a problem in the place of each that there is not."""

    model_config = shown({"results": [examples.WHOLE_DOCUMENT, examples.PROBLEM]})

    results: list[DocumentAnswer | Problem]
