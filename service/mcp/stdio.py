"""Serve the tools over standard input and output: what `infgram mcp` does."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from threading import Thread
from typing import Final

from ..middleware.observability import OTHER
from ..runtime import Runtime, Worker, running
from ..settings import Settings
from . import import_server

STANDARD_INPUT: Final = 0
CHUNK_BYTES: Final = 1 << 16
MAX_UNREAD: Final = 64
"""Lines that are read before earlier ones are answered."""


def run_stdio(settings: Settings) -> None:
    """Serve until standard input ends.

    Args:
        settings: the indexes and the limits; what concerns connections and keys has no effect.

    Raises:
        MissingExtraError: the SDK of the protocol is not installed.
        IndexNotFoundError, IndexDamagedError, IndexVersionError, TokenizerError: an index cannot be opened.
    """
    asyncio.run(_serve(settings, import_server().serve_stdio))


async def _serve(settings: Settings, serve: Callable[[Runtime, AsyncIterator[str]], Awaitable[None]]) -> None:
    async with running(settings, [OTHER], Worker()) as runtime:
        await serve(runtime, _standard_input())


async def _standard_input() -> AsyncIterator[str]:
    """Yield the lines of standard input.

    A daemon thread reads them: the thread of the SDK would keep the process alive after a signal, until the next line.
    """
    loop, lines = asyncio.get_running_loop(), asyncio.Queue[bytes](MAX_UNREAD)

    def read() -> None:
        with suppress(RuntimeError):  # the loop has been closed
            unfinished = b""
            while chunk := os.read(STANDARD_INPUT, CHUNK_BYTES):
                *finished, unfinished = (unfinished + chunk).split(b"\n")
                for line in finished:
                    asyncio.run_coroutine_threadsafe(lines.put(line + b"\n"), loop).result()
            asyncio.run_coroutine_threadsafe(lines.put(unfinished), loop).result()

    Thread(target=read, name="standard input", daemon=True).start()
    while (line := await lines.get()).endswith(b"\n"):
        yield line.decode("utf-8", errors="replace")
