"""Several questions of one kind in one body; one that does not fit its schema fails alone."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ValidationError, ValidatorFunctionWrapHandler
from pydantic.functional_validators import WrapValidator

from .limits import AtMost
from .problems import of_validation
from .questions import (
    CountQuestion,
    DetokenizeQuestion,
    DocumentCountQuestion,
    DocumentQuestion,
    FindQuestion,
    InfgramQuestion,
    InterpolatedQuestion,
    LocateQuestion,
    LongestMatchesQuestion,
    LongestSuffixQuestion,
    NextTokenQuestion,
    NoveltyQuestion,
    OverlapQuestion,
    ProbQuestion,
    ScoreQuestion,
    SearchQuestion,
    SearchTextQuestion,
    TokenizeQuestion,
    TraceQuestion,
    body_config,
)


def _problem_in_place(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """A question of a batch that does not fit its schema fails alone."""
    try:
        return validate(value)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_context=False, include_input=False)
        return of_validation([{**each, "loc": ("body", *each["loc"])} for each in errors]).problem


Q = TypeVar("Q", bound=BaseModel)
Item = Annotated[Q, WrapValidator(_problem_in_place)]
"""A question of a batch; at run time a `Problem` where it does not fit."""


class Batch(BaseModel):
    """Several questions of one kind."""

    model_config = body_config({"items": [{"query": "natural"}, {"token_ids": [3, 14, 15]}]})

    items: list[Any]


class CountBatch(Batch):
    """Several counts."""

    items: Annotated[list[Item[CountQuestion]], AtMost("batch_items")]


class DocumentCountBatch(Batch):
    """Several document counts."""

    items: Annotated[list[Item[DocumentCountQuestion]], AtMost("batch_items")]


class TraceBatch(Batch):
    """Several texts to trace."""

    items: Annotated[list[Item[TraceQuestion]], AtMost("batch_items")]


class NoveltyBatch(Batch):
    """Several texts."""

    items: Annotated[list[Item[NoveltyQuestion]], AtMost("batch_items")]


class OverlapBatch(Batch):
    """Several items of a test set."""

    items: Annotated[list[Item[OverlapQuestion]], AtMost("batch_items")]


class FindBatch(Batch):
    """Several finds."""

    items: Annotated[list[Item[FindQuestion]], AtMost("batch_items")]


class LocateBatch(Batch):
    """Several places to find."""

    items: Annotated[list[Item[LocateQuestion]], AtMost("batch_items")]


class NextTokenBatch(Batch):
    """Several next-token questions."""

    items: Annotated[list[Item[NextTokenQuestion]], AtMost("batch_items")]


class InfgramBatch(Batch):
    """Several ∞-gram questions."""

    items: Annotated[list[Item[InfgramQuestion]], AtMost("batch_items")]


class InterpolatedBatch(Batch):
    """Several contexts."""

    items: Annotated[list[Item[InterpolatedQuestion]], AtMost("batch_items")]


class ProbBatch(Batch):
    """Several probabilities."""

    model_config = body_config({"items": [{"query": "natural", "token_id": 15}, {"token_ids": [3], "token_id": -1}]})

    items: Annotated[list[Item[ProbQuestion]], AtMost("batch_items")]


class LongestSuffixBatch(Batch):
    """Several longest suffixes."""

    items: Annotated[list[Item[LongestSuffixQuestion]], AtMost("batch_items")]


class LongestMatchesBatch(Batch):
    """Several sequences to match."""

    items: Annotated[list[Item[LongestMatchesQuestion]], AtMost("batch_items")]


class ScoreBatch(Batch):
    """Several sequences to score."""

    items: Annotated[list[Item[ScoreQuestion]], AtMost("batch_items")]


class SearchBatch(Batch):
    """Several searches."""

    items: Annotated[list[Item[SearchQuestion]], AtMost("batch_items")]


class SearchTextBatch(Batch):
    """Several texts to search for."""

    model_config = body_config({"items": [{"query": "natural"}, {"query": "NATURAL", "ignore_case": True}]})

    items: Annotated[list[Item[SearchTextQuestion]], AtMost("batch_items")]


class TokenizeBatch(Batch):
    """Several texts."""

    model_config = body_config({"items": [{"query": "natural"}, {"query": "natural language"}]})

    items: Annotated[list[Item[TokenizeQuestion]], AtMost("batch_items")]


class DetokenizeBatch(Batch):
    """Several sequences of tokens."""

    model_config = body_config({"items": [{"token_ids": [3, 14]}, {"token_ids": []}]})

    items: Annotated[list[Item[DetokenizeQuestion]], AtMost("batch_items")]


class DocumentBatch(Batch):
    """Several documents."""

    model_config = body_config({"items": [{"document_id": 4}, {"document_id": 0}]})

    items: Annotated[list[Item[DocumentQuestion]], AtMost("batch_documents")]
