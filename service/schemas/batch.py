"""A batch: several requests of one kind in one body, and their answers in the same order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Annotated, Any, Generic, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, ValidatorFunctionWrapHandler, create_model
from pydantic.functional_validators import WrapValidator

from ..problems import Problem, invalid_body
from . import examples
from .fields import AtMost
from .requests import DocumentRequest

Q = TypeVar("Q", bound=BaseModel)
A = TypeVar("A", bound=BaseModel)


def _validate_or_problem(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    try:
        return validate(value)
    except ValidationError as error:
        return invalid_body(error).problem


Item = Annotated[Q, WrapValidator(_validate_or_problem)]
"""An item of a batch; after validation a `Problem` where the item does not fit the schema of `Q`."""


def _examples(model: type[BaseModel], field: str) -> list[Any]:
    """Return the examples of the elements' own model; `model` declares `field` as a list of them."""
    (element,) = get_args(model.model_fields[field].annotation)
    element_type: type[BaseModel] = get_args(element)[0]
    return list(element_type.model_json_schema()["examples"])


def _add_items_example(schema: dict[str, Any], batch: type[BaseModel]) -> None:
    schema["examples"] = [{"items": _examples(batch, "items")}]


def _add_results_example(schema: dict[str, Any], answer: type[BaseModel]) -> None:
    schema["examples"] = [{"results": [_examples(answer, "results")[0], examples.PROBLEM]}]


class Batch(BaseModel, Generic[Q]):
    """Several requests of one kind."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, json_schema_extra=_add_items_example)

    items: Annotated[list[Item[Q]], AtMost("batch_items")]


class DocumentBatch(Batch[DocumentRequest]):
    """Several documents, for which a lower limit holds."""

    items: Annotated[list[Item[DocumentRequest]], AtMost("batch_documents")]


class BatchResponse(BaseModel, Generic[A]):
    """The answers in the order of the items, with the problem of each item that failed in its place."""

    model_config = ConfigDict(frozen=True, json_schema_extra=_add_results_example)

    results: list[A | Problem]


class Results(Generic[A]):
    """The results of a batch, computed one by one while they are sent."""

    def __init__(self, results: Iterable[A | Problem]) -> None:
        self._results = results

    def __iter__(self) -> Iterator[A | Problem]:
        return iter(self._results)


@cache
def batch_of(question: type[Q]) -> type[Batch[Q]]:
    """Return the model of a batch, under its name in the OpenAPI document: `CountBatch` for `CountRequest`."""
    name = f"{question.__name__.removesuffix('Request')}Batch"
    return create_model(name, __base__=Batch[question], __doc__=Batch.__doc__)  # type: ignore[valid-type]


@cache
def batch_answer_of(answer: type[A]) -> type[BatchResponse[A]]:
    """Return the model of the answer to a batch: `CountBatchResponse` for `CountResponse`."""
    name = f"{answer.__name__.removesuffix('Response')}BatchResponse"
    return create_model(name, __base__=BatchResponse[answer], __doc__=BatchResponse.__doc__)  # type: ignore[valid-type]
