"""Changes of an index: add and delete documents, compact, as jobs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from contextlib import nullcontext
from functools import cached_property
from typing import Annotated, Any, Final, cast, get_type_hints

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

from ..dependencies import NamedIndex, RuntimeDep
from ..indexes import ServedIndex
from ..pipeline.body import read_model
from ..pipeline.job import get_index
from ..problems import FieldError, ProblemError, refusals
from ..runtime import runtime_of
from ..schemas.requests import AddRequest, DeleteRequest
from ..schemas.responses import JobKind, JobList, JobResponse
from ..settings import Limits

_LAST_GENERATION: Final = 2**63 - 1

NO_KEYS: Final = (
    "This server requires no keys, so it accepts no changes. Start it with --api-keys-file and a key that "
    "infgram api-key --write has created."
)
NO_WRITE: Final = (
    "This requires a key that may write; its line in the key file contains the word write, as after "
    "infgram api-key --write."
)
MADE_BY_INFINI_GRAM: Final = (
    "An index that infini-gram made cannot be changed. Convert it with infgram convert, and serve the new index."
)


async def check_write(request: Request) -> None:
    """Check that the key of a request permits changes.

    Raises:
        ProblemError: it does not, or the server has no keys.
    """
    if runtime_of(request).keys is None:
        raise ProblemError("forbidden", NO_KEYS)
    if not request.scope.get("infgram.may_write"):
        raise ProblemError("forbidden", NO_WRITE)


async def _changeable(request: Request, name: NamedIndex) -> ServedIndex:
    """Return the index to change.

    Raises:
        ProblemError: the key does not permit changes, the index is unknown or damaged, is not in a folder, or was made
            by infini-gram.
    """
    await check_write(request)
    runtime = runtime_of(request)
    served = get_index(runtime, name)
    if isinstance(runtime.settings.indexes[name], str):
        raise ProblemError("not_changeable")
    if served.info["builder_version"] == "infini-gram":
        raise ProblemError("not_changeable", MADE_BY_INFINI_GRAM)
    return served


ChangeableDep = Annotated[ServedIndex, Depends(_changeable)]


class ChangeRoute(APIRoute):
    """The route of a change; the name of its endpoint is the kind of the job.

    Its endpoint takes the index and, unless there is none, the body's model, and returns what the job is to do.
    FastAPI only describes it, since bodies are read as strictly as those of queries.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return `answer`."""
        return self.answer

    async def answer(self, request: Request) -> Response:
        """Check the request, append the job, and return its address."""
        runtime, name = runtime_of(request), request.path_params["name"]
        arguments: list[Any] = [await _changeable(request, name)]
        expected = _expected_generation(request)
        async with runtime.large_change if _may_be_large(request, runtime.settings.limits) else nullcontext():
            if self._body_type is not None:
                arguments.append(await read_model(request, self._body_type, runtime.settings.limits.of_changes()))
            job = await asyncio.to_thread(self._add, request, arguments, expected)
        headers = {"Location": f"/v1/indexes/{name}/jobs/{job.id}"}
        return Response(job.model_dump_json(), self.status_code or 202, headers, media_type="application/json")

    def _add(self, request: Request, arguments: list[Any], expected: dict[str, int]) -> JobResponse:
        try:
            content = json.dumps(
                {**self.endpoint(*arguments), **expected}, ensure_ascii=False, allow_nan=False
            ).encode()
        except ValueError as error:  # a lone surrogate, or 1e400
            wrong = FieldError(
                loc=["body"], type="value_error", msg="Expected text that UTF-8 can encode, finite numbers"
            )
            raise ProblemError("invalid_request", errors=[wrong]) from error
        kind = cast("JobKind", self.endpoint.__name__)
        return runtime_of(request).jobs.add(request.path_params["name"], kind, content)

    @cached_property
    def _body_type(self) -> Any:
        return get_type_hints(self.endpoint).get("body")


async def check_generation(
    if_generation: Annotated[
        int | None,
        Query(
            ge=0,
            le=_LAST_GENERATION,
            description="Change the index only if it is at this generation; otherwise the job fails.",
        ),
    ] = None,
) -> None:
    """Describe the parameter, which `ChangeRoute` reads."""


def _expected_generation(request: Request) -> dict[str, int]:
    given = request.query_params.getlist("if_generation")
    if not given:
        return {}
    is_number = given[0].isdecimal() and len(given[0]) <= len(str(_LAST_GENERATION))
    if len(given) > 1 or not is_number or int(given[0]) > _LAST_GENERATION:
        wrong = FieldError(loc=["query", "if_generation"], type="int_parsing", msg="Expected one generation, from 0")
        raise ProblemError("invalid_request", errors=[wrong])
    return {"if_generation": int(given[0])}


def _may_be_large(request: Request, limits: Limits) -> bool:
    """Return whether the body may be larger than that of a query, by its announced length."""
    announced = request.headers.get("content-length", "")
    return "transfer-encoding" in request.headers or (announced.isdecimal() and int(announced) > limits.body_bytes)


router = APIRouter(prefix="/v1/indexes/{name}", tags=["changes"])
change_router = APIRouter(
    prefix="/v1/indexes/{name}",
    route_class=ChangeRoute,
    tags=["changes"],
    dependencies=[Depends(check_generation)],
    responses=refusals(401, 403, 404, 409, 413, 422, 429, 503),
)


@change_router.post(
    "/documents", operation_id="add", summary="Add documents", status_code=202, response_model=JobResponse
)
def add(served: ChangeableDep, body: AddRequest) -> dict[str, Any]:
    """Add documents, all of text or all of token ids, as one job. They get the next numbers.

    Text is encoded with the tokenizer of the index; the other fields of a document are its metadata. Its source is the
    id of the job with the suffix `.jsonl`.
    """
    first = body.documents[0]
    if first.text is not None and not served.has_tokenizer:
        raise ProblemError("no_tokenizer", "The index has no tokenizer; add documents of token_ids.")
    largest = max((token for document in body.documents for token in document.token_ids or ()), default=0)
    if largest >= served.info["vocab_size"]:
        raise ProblemError("token_out_of_vocabulary")
    return body.model_dump(exclude_unset=True)


@change_router.delete(
    "/documents", operation_id="delete", summary="Delete documents", status_code=202, response_model=JobResponse
)
def delete(served: ChangeableDep, body: DeleteRequest) -> dict[str, Any]:
    """Delete documents by number, by the metadata field `id`, or by other metadata, as one job.

    The others keep their numbers. With `purge`, their text is gone from the disk when the job has succeeded; without,
    it stays in the files until the index is compacted.
    """
    return body.model_dump(exclude_unset=True)


@change_router.post(
    "/compact", operation_id="compact", summary="Compact the index", status_code=202, response_model=JobResponse
)
def compact(served: ChangeableDep) -> dict[str, Any]:
    """Write the index again without its deleted documents, in few shards, as one job. It takes no body."""
    return {}


@router.get(
    "/jobs",
    operation_id="jobs",
    summary="All jobs",
    dependencies=[Depends(check_write)],
    responses=refusals(401, 403, 404, 422, 429, 503),
)
def jobs(runtime: RuntimeDep, name: NamedIndex) -> JobList:
    """The jobs of an index, the newest first. Those that ended long ago are forgotten."""
    get_index(runtime, name)
    return JobList(jobs=runtime.jobs.of_index(name))


@router.get(
    "/jobs/{job_id}",
    operation_id="job",
    summary="One job",
    dependencies=[Depends(check_write)],
    responses=refusals(401, 403, 404, 422, 429, 503),
)
def job(
    runtime: RuntimeDep,
    name: NamedIndex,
    job_id: Annotated[str, Path(description="The job's id.", examples=["1877a4ef6f0a3c00c2d41f9a"])],
) -> JobResponse:
    """Status, progress and result of a job."""
    get_index(runtime, name)
    return runtime.jobs.find(name, job_id)
