"""The route of the public API."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

import infgram

from ..pipeline import body as bodies, serialization
from ..pipeline.dispatch import run_in_thread
from ..pipeline.job import Job
from ..problems import ProblemError
from ..runtime import runtime_of
from ..settings import Limits
from .queries import answer
from .requests import PublicError, PublicRequest
from .schemas import PublicAnswer, PublicQuestion

STATUS_OF_BODY = {422: 400}
"""The status of that API for a body that is not JSON."""


class PublicRoute(APIRoute):
    """A route whose endpoint reads the body itself; FastAPI only describes it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the endpoint itself."""
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
    """All query types of the public infini-gram API, from `count` to `get_doc_by_ptr`.

    As in that API, a request that exceeds a limit gets the status 200 and a field `error`. Counts are exact where that
    API samples: `approx` is always false, and `max_support` and `max_clause_freq` have no effect.
    """
    try:
        runtime, limits = runtime_of(request), runtime_of(request).settings.limits
        body = await bodies.read_body(request, limits.body_bytes)
        read = partial(_read, body, limits)
        query = read() if len(body) <= bodies.SMALL_BYTES else await runtime.on_reader(read)
        if query.index not in runtime.indexes:
            raise PublicError("Invalid index; GET / lists the indexes!", 400)
        return serialization.json_response(
            await run_in_thread(runtime, query.index, partial(_answered, query), request)
        )
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
