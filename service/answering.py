"""How a question is answered: its body is read strictly, an index and a place are held, a thread asks.

FastAPI describes these routes in the OpenAPI document. At run time they are answered here: FastAPI's solver of
dependencies and its copies of models would cost several times what a count does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from functools import cached_property, partial
from inspect import signature
from typing import Any, Final, TypeVar, get_type_hints

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.types import Receive, Scope, Send

import infgram

from . import bodies, lines
from .batches import Batch
from .dependencies import Asked, Held, held, hold, sound
from .limits import check_sizes
from .problems import ProblemError, of_validation, refusals
from .questions import CountsQuestion, Question
from .runtime import Runtime, runtime_of
from .settings import Limits
from .work import Work

B = TypeVar("B", bound=BaseModel)
T = TypeVar("T")

PROMPT_S: Final = 0.05
"""An answer that takes longer is watched: a client that goes away stops it."""

BATCHES: Final = (Batch, CountsQuestion)
"""Bodies of many questions, each of which takes time to validate, however short it is."""

PARTIAL: Final = "infgram-partial"
MISSING: Final = "Infgram-Missing-Shards"
"""The headers with which an answer without some shards is asked for, and marked."""


class QuestionRoute(APIRoute):
    """The route of a question: its endpoint takes `Asked` and the body's model, and returns a model or their lines."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """For FastAPI: `handle_question`."""
        return self.handle_question

    async def handle_question(self, request: Request) -> Response:
        """Read the body, validate it, answer."""
        if lines.are_wanted(request.headers.get("accept", "")):
            limits = runtime_of(request).settings.limits.of_streams()
            return await _stream(request, self.endpoint, await read_body(request, self._body_type, limits))
        body = await read_body(request, self._body_type, runtime_of(request).settings.limits)
        name, answer = request.path_params["name"], partial(_whole, self.endpoint, body)
        if request.headers.get(PARTIAL) == "true":
            return await _partly(request, name, answer)
        content = _at_once(runtime_of(request), name, body, answer)
        if content is None:
            content = await promptly(request, name, answer)
        return in_pieces(content)

    @cached_property
    def _body_type(self) -> type[BaseModel]:
        body_type: type[BaseModel] = get_type_hints(self.endpoint)[list(signature(self.endpoint).parameters)[-1]]
        return body_type


def in_pieces(pieces: list[bytes], headers: Mapping[str, str] | None = None) -> Response:
    """The response of a JSON answer."""
    if len(pieces) == 1:
        return Response(pieces[0], headers=headers, media_type="application/json")
    return InPieces(pieces, headers)


class InPieces(Response):
    """A JSON answer that is sent in pieces, each of which is let go when it is sent."""

    media_type = "application/json"

    def __init__(self, pieces: list[bytes], headers: Mapping[str, str] | None = None) -> None:
        self._last, *self._others = reversed(pieces)
        super().__init__(self._last, headers={**(headers or {}), "content-length": str(sum(map(len, pieces)))})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        while self._others:
            await send({"type": "http.response.body", "body": self._others.pop(), "more_body": True})
        await send({"type": "http.response.body", "body": self._last})


def question_router(tag: str) -> APIRouter:
    """A router for questions of an index; its routes are `QuestionRoute`s."""
    return APIRouter(route_class=QuestionRoute, tags=[tag], responses=refusals(401, 404, 413, 422, 429, 503))


async def read_body(request: Request, body_type: type[B], limits: Limits) -> B:
    """The body of a request as a model. A small one is decoded at once, a large one or a batch on a thread.

    Raises:
        ProblemError: it is too large, no JSON, or does not fit the model.
    """
    body = await bodies.read_body(request, limits.body_bytes)
    if len(body) <= bodies.SMALL_BYTES and not issubclass(body_type, BATCHES):
        return _validated(body, body_type, limits)
    return await runtime_of(request).on_reader(partial(_validated, body, body_type, limits))


def _validated(body: bytes, body_type: type[B], limits: Limits) -> B:
    value = bodies.parse(body, limits)
    if len(body) > bodies.SMALL_BYTES:
        check_sizes(value, body_type, limits)  # of a small one, the handler checks them after validation
    try:
        return body_type.model_validate(value)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_context=False, include_input=False)
        raise of_validation([{**each, "loc": ("body", *each["loc"])} for each in errors]) from None


async def promptly(request: Request, name: str, answer: Callable[[Asked], T]) -> T:
    """What `answer` makes of an index on a thread, in time; it is told to stop when the client goes away.

    A call that cannot be stopped keeps its place and its index until it ends; the client is answered in time.

    Raises:
        ProblemError: the service is too busy, the index is not there, or the time is over.
    """
    runtime = runtime_of(request)
    work = Work(runtime.settings.timeout_s)
    held = await hold(request, name, work)
    answering = runtime.on_thread(partial(answer, held.asked))
    answering.add_done_callback(partial(_release, held))
    await asyncio.wait({answering}, timeout=PROMPT_S)
    if not answering.done():
        await _watch(request, answering, work)
    return answering.result()


async def _partly(request: Request, name: str, answer: Callable[[Asked], list[bytes]]) -> Response:
    """The answer of the shards that can be reached; a header numbers those that it does without."""
    missing: list[int] = []

    def answer_partly(asked: Asked) -> list[bytes]:
        with infgram.partial_answers() as answers:
            content = answer(asked)
        missing.extend(answers.missing_shards)
        return content

    content = await promptly(request, name, answer_partly)
    headers = {MISSING: ", ".join(map(str, missing))} if missing else None
    return in_pieces(content, headers)


def _at_once(
    runtime: Runtime, name: str, body: BaseModel, answer: Callable[[Asked], list[bytes]]
) -> list[bytes] | None:
    """The answer to a quick question, on the event loop: a thread costs several times what a count does.

    None for any other question, while answers wait for the disk, and for an index that is not this machine's.

    Raises:
        ProblemError: the index is not there.
    """
    if not (isinstance(body, Question) and body.is_quick and runtime.disk.is_calm):
        return None
    served = sound(runtime, name)
    if not served.index.is_local:
        return None
    try:
        return answer(Asked(served, runtime.settings, runtime.settings.limits, Work(runtime.settings.timeout_s)))
    except infgram.IndexDamagedError:
        served.is_damaged = True
        raise
    finally:
        runtime.disk.look()


def _release(held: Held, ended: asyncio.Future[Any]) -> None:
    held.release(None if ended.cancelled() else ended.exception())


async def _watch(request: Request, answering: asyncio.Future[Any], work: Work) -> None:
    """Wait until the answer is there.

    Raises:
        ProblemError: the time is over, or nobody waits for the answer.
    """
    gone = asyncio.ensure_future(_disconnected(request))
    ends: set[asyncio.Future[Any]] = {answering, gone}
    await asyncio.wait(ends, timeout=work.remaining_s, return_when=asyncio.FIRST_COMPLETED)
    was_gone = gone.done()
    gone.cancel()
    if not answering.done():
        work.abandon()
        raise ProblemError("client_gone" if was_gone else "timeout")


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _whole(endpoint: Callable[[Asked, Any], Any], body: BaseModel, asked: Asked) -> list[bytes]:
    return lines.whole(endpoint(asked, body))


async def _stream(request: Request, endpoint: Callable[[Asked, Any], Any], body: BaseModel) -> Response:
    """The answer line by line. What can be refused is refused before the first line, with its own status."""
    runtime = runtime_of(request)
    work = Work(runtime.settings.stream_timeout_s)
    stack = AsyncExitStack()
    try:
        asked = await stack.enter_async_context(held(request, request.path_params["name"], work))
        asked = asked.for_stream()
        pieces = lines.pieces(partial(endpoint, asked, body))
        first = await runtime.on_thread(partial(next, pieces))
    except BaseException:
        await stack.aclose()
        raise
    return StreamingResponse(_pieces(runtime, stack, work, first, pieces), media_type=lines.MEDIA_TYPE)


async def _pieces(
    runtime: Runtime, stack: AsyncExitStack, work: Work, first: bytes, pieces: Any
) -> AsyncIterator[bytes]:
    async with stack:
        piece = first
        try:
            while piece:
                yield piece
                piece = await runtime.on_thread(partial(next, pieces, b""))
        finally:
            work.abandon()
