"""How long a request blocks the event loop: a probe, and the bodies that take longest to read."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import IO, Any, Final

from fastapi import FastAPI

CHUNK_BYTES: Final = 1 << 16
TICK_S: Final = 0.001
BODY_BYTES: Final = 1 << 20
"""The default limit of a body."""


@dataclass(frozen=True)
class Answered:
    """The response to a request, and the longest time for which it blocked the event loop."""

    status: int
    lag_ms: float


async def request(
    app: FastAPI, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> Answered:
    """Send a request to a started application on this event loop, with a probe that ticks every millisecond."""
    path, _, query = path.partition("?")
    given = {"content-type": "application/json", **(headers or {})}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "scheme": "http",
        "root_path": "",
    }
    chunks = [body[start : start + CHUNK_BYTES] for start in range(0, len(body), CHUNK_BYTES)] or [b""]
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": chunk, "more_body": number + 1 < len(chunks)}
        for number, chunk in enumerate(chunks)
    ]
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        if not messages:
            await asyncio.Event().wait()  # the client stays connected
        await asyncio.sleep(0)
        return messages.pop(0)

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])
        await asyncio.sleep(0)

    probe = Probe()
    ticking = asyncio.ensure_future(probe.run())
    await asyncio.sleep(0)
    try:
        await app(scope, receive, send)
        await asyncio.sleep(0)
    finally:
        ticking.cancel()
    return Answered(statuses[0], probe.longest_s * 1000)


class Probe:
    """Ticks, and records the longest time between two ticks, as far as it is due to Python code of this process.

    The smaller of two times counts. The first is the wall clock without the time for which the thread was ready and
    waited for a processor, which other programs take, and threads of the core without the interpreter's lock. The
    second is the processor time of the process, since other programs may interrupt the thread that holds the lock.
    """

    def __init__(self) -> None:
        self.longest_s = 0.0

    async def run(self) -> None:
        """Tick until cancelled."""
        with open("/proc/thread-self/schedstat", "rb", buffering=0) as statistics:
            times = _times(statistics)
            try:
                while True:
                    await asyncio.sleep(TICK_S)
                    times = self._tick(times, _times(statistics))
            finally:
                self._tick(times, _times(statistics))

    def _tick(self, before: tuple[float, float], now: tuple[float, float]) -> tuple[float, float]:
        self.longest_s = max(self.longest_s, min(now[0] - before[0], now[1] - before[1]))
        return now


def _times(statistics: IO[bytes]) -> tuple[float, float]:
    """Return the wall clock without the time that this thread waited for a processor, and the processor time."""
    waited_ns = int(os.pread(statistics.fileno(), 64, 0).split()[1])
    return perf_counter() - waited_ns / 1e9, process_time()


def filled(before: bytes, unit: bytes, after: bytes) -> bytes:
    """Return a body of the maximum size, mostly copies of one piece."""
    n = (BODY_BYTES - len(before) - len(after)) // len(unit)
    return before + (unit * n).removesuffix(b",") + after


def hostile() -> Iterator[tuple[str, bytes]]:
    """Return invalid bodies that take long to decode, to validate or to describe."""
    yield "brackets", b"[" * BODY_BYTES
    yield "nested objects", filled(b"", b'{"a":', b"")
    yield "empty lists", filled(b'{"items":[', b"[],", b"]}")
    yield "empty lists as ids", filled(b'{"token_ids":[', b"[],", b"]}")
    yield "empty objects", filled(b'{"items":[', b"{},", b"]}")
    yield "100,000 wrong items", b'{"items":[' + b"[3,4,5,6]," * 99_999 + b"0]}"
    yield "numbers as items", filled(b'{"items":[', b"0,", b"]}")
    yield "1,000 wrong items", b'{"items":[' + b"0," * 999 + b"0]}"
    yield "wrong fields in 1,000 items", filled(b'{"items":[', b'{"query":"a",%b},' % _fields(60), b"]}")
    yield "texts as ids", filled(b'{"token_ids":[', b'"",', b"]}")
    yield "texts as ids, few enough", b'{"token_ids":[' + b'"",' * 4_095 + b'""]}'
    yield "a small body of texts as ids", b'{"token_ids":[' + b'"",' * 1_350 + b'""]}'
    yield "wrong clauses", b'{"clauses":[' + b",".join([b"[%b0]" % (b"0," * 4_000)] * 16) + b"]}"
    yield "ids", filled(b'{"token_ids":[', b"1,", b"]}")
    yield "lists of ids", filled(b'{"token_ids":[', b"[%b1]," % (b"1," * 4_095), b"]}")
    yield "199,000 ids in an item", b'{"items":[{"token_ids":[' + b"1," * 199_000 + b"1]}]}"
    yield "long numbers", filled(b'{"token_ids":[', b"9" * 4_299 + b",", b"]}")
    yield "decimal numbers", filled(b'{"token_ids":[', b"1.5e9,", b"]}")
    yield "unknown fields", b"{%b}" % _fields(100_000)
    yield "a few unknown fields", b'{"query":"a",%b}' % _fields(60)
    yield "fields of the metadata", b'{"query":"a","where":{%b}}' % _fields(100_000)
    yield "escapes", filled(b'{"query":"', rb"\u00e9", b'"}')
    yield "quotation marks", filled(b'{"query":"', rb"\"", b"")
    yield "commas in a text", filled(b'{"query":"', b",", b'"}')
    yield "commas in many texts", filled(b'{"items":[', b'{"query":",,,,,,,,,,,,,,,,"},', b"]}")
    yield "a long text", filled(b'{"query":"', b"a", b'"}')
    yield "no UTF-8", filled(b'{"query":"', b"\xff", b'"}')
    yield "spaces", b" " * BODY_BYTES


WORST: Final = ("100,000 wrong items", "1,000 wrong items", "texts as ids", "lists of ids", "unknown fields")


def _fields(n: int) -> bytes:
    return b",".join(b'"f%d":[]' % number for number in range(n))


def heavy(operation: str, text: str) -> list[Any]:
    """Return valid requests of an operation, as large as the limits allow."""
    long, letters, ids = {"query": text[:32_768]}, {"query": "a" * 32_768}, {"token_ids": [97, 32] * 2_048}
    texts: list[dict[str, Any]] = [long, letters, {"query": text[:512]}, ids]
    most_hits: dict[str, Any] = {"limit": 100, "snippet_tokens": 1_000, "matches_per_document": 100}
    special: dict[str, list[Any]] = {
        "count": [*texts, {"query": ""}, {"query": "a", "any_tokenization": True}, {"query": "a", "ignore_case": True}],
        "next_token": [{**body, "top_k": 1_000} for body in (*texts, {"query": ""})],
        "infgram": [{**body, "top_k": 1_000} for body in (*texts, {"query": ""})],
        "prob": [{**body, "token_id": 97} for body in texts],
        "locate": [*texts, {"query": "", "limit": 10_000}],
        "search": [{**body, **most_hits} for body in ({"query": " "}, {"query": "a AND e"}, long)],
        "search_text": [{"query": "a", **most_hits}, {"query": "A", "ignore_case": True, **most_hits}],
        "trace": [{**body, "max_spans": 200, "documents_per_span": 100, "snippet_tokens": 1_000} for body in texts],
        "novelty": [{**body, "max_n": 100} for body in texts],
        "tokenize": [long, letters],
        "detokenize": [ids],
        "counts": [{"queries": [text[:1_000]] * 1_000}, {"token_ids": [[97, 32] * 95] * 1_000}],
        "document_batch": [{"items": [{"document_id": 0}] * 200}],
        "public_query": [
            {"index": "bpe", "query_type": kind, "query": "a"}
            for kind in ("count", "ntd", "infgram_ntd", "find", "creativity")
        ]
        + [{"index": "bpe", "query_type": "search_docs", "query": "e", "maxnum": 10, "max_disp_len": 10_000}]
        + [{"index": "bpe", "query_type": "find_cnf", "query": "a AND e"}],
    }
    if operation in special:
        return special[operation]
    if operation.endswith("_batch"):
        alone = heavy(operation.removesuffix("_batch"), text)
        return [{"items": items} for items in (alone, [{"query": "a", **_required(operation)}] * 1_000)]
    return texts


def _required(operation: str) -> dict[str, Any]:
    return {"prob_batch": {"token_id": 97}, "search_batch": {"limit": 0}, "search_text_batch": {"limit": 0}}.get(
        operation, {}
    )


def dumped(body: Any) -> bytes:
    """Return the JSON of a body."""
    return json.dumps(body, ensure_ascii=False).encode()
