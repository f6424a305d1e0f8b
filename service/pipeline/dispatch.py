"""The way of a query: read the body, acquire a slot and the index, run the route's function, send the answer.

FastAPI describes these routes in the OpenAPI document. At run time they are dispatched here: FastAPI's routing,
dependency solver and copies of models would cost several times what a count does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack
from functools import cached_property, partial
from inspect import signature
from typing import Any, Final, TypeVar, get_type_hints

from fastapi import Request
from fastapi.responses import Response, StreamingResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.types import ASGIApp, Receive, Scope, Send

import infgram

from ..problems import ProblemError, of_exception, respond
from ..runtime import Runtime, runtime_of
from ..schemas.fields import QueryRequest
from . import serialization
from .body import read_model
from .job import Deadline, Job, Lease, acquire, get_index, running_job

T = TypeVar("T")

PREFIX: Final = "/v1/indexes/"

WATCH_AFTER_S: Final = 0.05
"""An answer that takes longer is watched: it is stopped when its client disconnects."""

PARTIAL: Final = "infgram-partial"
MISSING: Final = "Infgram-Missing-Shards"
"""The headers that request an answer without the unavailable shards, and that number these shards."""


class DispatchMiddleware:
    """ASGI middleware that calls the route of a query directly; all other requests go on to FastAPI.

    Args:
        app: the next application.
        routes: the routes of the queries, by the part of the path that follows the index's name.
    """

    def __init__(self, app: ASGIApp, routes: Mapping[str, QueryRoute]) -> None:
        self.app, self._routes = app, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a query, or pass the request on."""
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"].startswith(PREFIX):
            name, slash, path = scope["path"][len(PREFIX) :].partition("/")
            route = self._routes.get(slash + path)
            if route is not None and name:
                scope["path_params"], scope["route"] = {"name": name}, route
                try:
                    response = await route.answer(Request(scope, receive))
                except (ProblemError, infgram.InfgramError) as error:
                    response = respond(of_exception(error))
                await response(scope, receive, send)
                return
        await self.app(scope, receive, send)


class QueryRoute(APIRoute):
    """The route of a query. Its endpoint takes a `Job` and the body's model, and returns a model or `Results`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return `answer`, for requests that reach the route through FastAPI."""
        return self.answer

    async def answer(self, request: Request) -> Response:
        """Read and validate the body, run the endpoint, return the response."""
        runtime = runtime_of(request)
        limits = runtime.settings.limits
        if serialization.wants_lines(request.headers.get("accept", "")):
            body = await read_model(request, self._body_type, limits.of_streams())
            return await _stream(request, partial(self._call, body))
        body = await read_model(request, self._body_type, limits)
        name, compute = request.path_params["name"], partial(self._compute, body)
        if request.headers.get(PARTIAL) == "true":
            return await _answer_partially(request, name, compute)
        content = _compute_inline(runtime, name, body, compute)
        if content is None:
            content = await run_in_thread(runtime, name, compute, request)
        return serialization.json_response(content)

    def _call(self, body: BaseModel, job: Job) -> Any:
        return self.endpoint(job, body)

    def _compute(self, body: BaseModel, job: Job) -> list[bytes]:
        return serialization.to_json(self.endpoint(job, body))

    @cached_property
    def _body_type(self) -> type[BaseModel]:
        body_type: type[BaseModel] = get_type_hints(self.endpoint)[list(signature(self.endpoint).parameters)[-1]]
        return body_type


def _compute_inline(
    runtime: Runtime, name: str, body: BaseModel, compute: Callable[[Job], list[bytes]]
) -> list[bytes] | None:
    """Answer a quick question on the event loop: handing it to a thread costs several times what a count does.

    Returns:
        None for any other question, while recent answers waited for the disk, and for an index on other machines.

    Raises:
        ProblemError: the index is unknown or damaged.
    """
    if not (isinstance(body, QueryRequest) and body.is_quick and runtime.disk.is_idle):
        return None
    served = get_index(runtime, name)
    if not served.index.is_local:
        return None
    settings = runtime.settings
    try:
        return compute(Job(served, settings, settings.limits, Deadline(settings.timeout_s)))
    except infgram.IndexDamagedError:
        served.is_damaged = True
        raise
    finally:
        runtime.disk.update()


async def run_in_thread(runtime: Runtime, name: str, compute: Callable[[Job], T], request: Request | None) -> T:
    """Run `compute` in the thread pool with a slot and an index, within the time limit.

    The computation is cancelled with the task that waits for it, and when the client of the request, if there is one,
    disconnects. One that cannot be cancelled keeps its slot and its index until it ends; the client still receives a
    response within the time limit.

    Raises:
        ProblemError: the service is overloaded, the index is unknown or damaged, or the time limit was exceeded.
    """
    deadline = Deadline(runtime.settings.timeout_s)
    lease = await acquire(runtime, name, deadline)
    computing = runtime.on_thread(partial(compute, lease.job))
    computing.add_done_callback(partial(_release, lease))
    try:
        await asyncio.wait({computing}, timeout=WATCH_AFTER_S)
        if not computing.done():
            await _watch(request, computing, deadline)
    except asyncio.CancelledError:
        deadline.cancel()
        raise
    return computing.result()


def _release(lease: Lease, ended: asyncio.Future[Any]) -> None:
    lease.release(None if ended.cancelled() else ended.exception())


async def _watch(request: Request | None, computing: asyncio.Future[Any], deadline: Deadline) -> None:
    """Wait for the answer.

    Raises:
        ProblemError: the time limit was exceeded, or the client has disconnected.
    """
    disconnected = asyncio.ensure_future(_disconnection(request))
    ends: set[asyncio.Future[Any]] = {computing, disconnected}
    try:
        await asyncio.wait(ends, timeout=deadline.remaining_s, return_when=asyncio.FIRST_COMPLETED)
        is_gone = disconnected.done()
    finally:
        disconnected.cancel()
    if not computing.done():
        deadline.cancel()
        raise ProblemError("client_gone" if is_gone else "timeout")


async def _disconnection(request: Request | None) -> None:
    """Return when the client of a request disconnects; without a request, never."""
    if request is None:
        await asyncio.Future()
        return
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _answer_partially(request: Request, name: str, compute: Callable[[Job], list[bytes]]) -> Response:
    """Answer from the shards that can be reached; a header numbers the others."""
    missing: list[int] = []

    def compute_partially(job: Job) -> list[bytes]:
        with infgram.partial_answers() as answers:
            content = compute(job)
        missing.extend(answers.missing_shards)
        return content

    content = await run_in_thread(runtime_of(request), name, compute_partially, request)
    headers = {MISSING: ", ".join(map(str, missing))} if missing else None
    return serialization.json_response(content, headers)


async def _stream(request: Request, compute: Callable[[Job], Any]) -> Response:
    """Answer as JSON lines. A request that is refused before the first line has the status of its problem."""
    runtime = runtime_of(request)
    deadline = Deadline(runtime.settings.stream_timeout_s)
    stack = AsyncExitStack()
    try:
        job = await stack.enter_async_context(running_job(runtime, request.path_params["name"], deadline))
        chunks = serialization.to_json_lines(partial(compute, job.for_stream()))
        first = await runtime.on_thread(partial(next, chunks))
    except BaseException:
        await stack.aclose()
        raise
    content = _send_chunks(runtime, stack, deadline, first, chunks)
    return StreamingResponse(content, media_type=serialization.MEDIA_TYPE)


async def _send_chunks(
    runtime: Runtime, stack: AsyncExitStack, deadline: Deadline, first: bytes, chunks: Iterator[bytes]
) -> AsyncIterator[bytes]:
    async with stack:
        chunk = first
        try:
            while chunk:
                yield chunk
                chunk = await runtime.on_thread(partial(next, chunks, b""))
        finally:
            deadline.cancel()
