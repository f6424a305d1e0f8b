"""The one address of the public API."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

import infgram

from ..pipeline import body as bodies
from ..pipeline import serialization
from ..pipeline.dispatch import run_in_thread
from ..pipeline.job import Job
from ..problems import ProblemError
from ..runtime import runtime_of
from ..settings import Limits
from .queries import answer
from .requests import PublicError, PublicRequest
from .schemas import PublicAnswer, PublicQuestion

STATUS_OF_BODY = {422: 400}
"""What that API says of a body that is no JSON."""


class PublicRoute(APIRoute):
    """The body is read and answered by the rules of the public API, which FastAPI only describes."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The endpoint itself."""
        return self.endpoint


router = APIRouter(route_class=PublicRoute, tags=["public API"])


@router.post(
    "/",
    operation_id="public_query",
    summary="The public infini-gram API",
    response_model=PublicAnswer,
    responses={
        400: {"description": "A field is missing or unknown, or there is no such index.", "model": PublicAnswer}
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": PublicQuestion.model_json_schema(),
                    "example": {"index": "language", "query_type": "count", "query": "natural language"},
                }
            },
        }
    },
)
async def public_query(request: Request) -> Response:
    """Requests and answers of the public infini-gram API, `count` to `get_doc_by_ptr`.

    As there, what exceeds a limit is answered with the status 200 and a field `error`. Counts are exact where that API
    samples: `approx` is always false, and `max_support` and `max_clause_freq` change nothing.
    """
    try:
        runtime, limits = runtime_of(request), runtime_of(request).settings.limits
        body = await bodies.read_body(request, limits.body_bytes)
        read = partial(_read, body, limits)
        query = read() if len(body) <= bodies.SMALL_BYTES else await runtime.on_reader(read)
        if query.index not in runtime.indexes:
            raise PublicError("Invalid index; GET / lists those there are!", 400)
        return serialization.json_response(await run_in_thread(request, query.index, partial(_answered, query)))
    except PublicError as error:
        return _error(error.message, error.status)
    except ProblemError as error:
        detail = error.problem.detail
        return _error(detail, STATUS_OF_BODY.get(error.status_code, error.status_code), error.headers)


def _read(body: bytes, limits: Limits) -> PublicRequest:
    return PublicRequest.read(bodies.parse(body, limits))


def _answered(request: PublicRequest, job: Job) -> list[bytes]:
    try:
        return serialization.to_json_object(answer(job, request))
    except infgram.QueryError as error:
        raise PublicError("Invalid query for this index!") from error


def _error(message: str, status: int, headers: Any = None) -> Response:
    return Response(orjson.dumps({"error": message}), status, headers, media_type="application/json")
