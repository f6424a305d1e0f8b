"""No query, and no change of the size of one, blocks the event loop for more than 20 ms: the worst of every route."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from fastapi import FastAPI
from infgram.service import Settings, add_key, create_app
from infgram.service.routes import OPERATIONS

import infgram
from infgram.changes.writer import writing as locked
from tests.service.pipeline import event_loop
from tests.service.pipeline.event_loop import request

MOST_MS: Final = 20.0
TRIES: Final = 15
"""A request that holds the loop does so each time; the best of several tries is free of what other programs do."""
AS_LINES: Final = {"accept": "application/x-ndjson"}
N_WORDS: Final = 80_000

PATHS: Final[dict[str, tuple[str, str]]] = {
    operation["operationId"]: (method.upper(), path)
    for path, operations in create_app(Settings()).openapi()["paths"].items()
    for method, operation in operations.items()
}
"""The method and the path of every route, as the application has them."""
CHANGES: Final = ("add", "delete", "compact", "job", "jobs")
ASKED: Final = sorted({name for name, (method, _) in PATHS.items() if method != "GET"} - {"reload", *CHANGES})
READ_DIFFERENTLY: Final = ("count", "count_batch", "counts", "search", "public_query")
READ: Final[dict[str, tuple[str, ...]]] = {
    "document": ("/v1/indexes/bytes/documents/0?whole=true", "/v1/indexes/bpe/documents/0?whole=true"),
    "document_ids": ("/v1/indexes/bytes/documents?limit=10000",),
    "healthz": ("/healthz",),
    "readyz": ("/readyz",),
    "index": ("/v1/indexes/bpe",),
    "indexes": ("/v1/indexes",),
    "metrics": ("/metrics",),
    "openapi": ("/openapi.json",),
    "root": ("/",),
    "web": ("/web/x/app.mjs",),
}
"""The routes that are read, with the largest that each has."""


@pytest.fixture(scope="module")
def text() -> str:
    """A document of half a million characters, in which each word occurs many times."""
    rng = random.Random(1)
    words = ["".join(rng.choices("abcdefghij", k=rng.randint(2, 9))) for _ in range(2_000)]
    return " ".join(rng.choices(words, k=N_WORDS))


@pytest.fixture(scope="module")
def served(text: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    home = tmp_path_factory.mktemp("heavy")
    (home / "corpus").mkdir()
    (home / "corpus" / "a.txt").write_text(text)
    for number in range(120):
        (home / "corpus" / f"b{number}.txt").write_text(text[number * 1_000 :][:2_000])
    folders = {name: home / f"{name}.infgram" for name in ("bytes", "bpe")}
    infgram.build(home / "corpus", folders["bytes"], tokenizer="bytes").close()
    infgram.build(home / "corpus", folders["bpe"], tokenizer="bpe:600").close()
    return folders


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[None]:
    async with app.router.lifespan_context(app):
        gc.collect()
        gc.freeze()  # as `infgram serve` does; otherwise collections would scan all objects of pytest
        try:
            yield
        finally:
            gc.unfreeze()


def app_of(served: dict[str, Path]) -> FastAPI:
    app: FastAPI = create_app(Settings(indexes=served, timeout_s=1, stream_timeout_s=1, log_requests=False))
    return app


async def longest_lags(app: FastAPI, requests: dict[str, tuple[Any, ...]], tries: int = TRIES) -> dict[str, float]:
    """Return for how many milliseconds each request blocks the event loop, in the best of several runs."""
    lags = {}
    async with running(app):
        for name, arguments in requests.items():
            lags[name] = (await request(app, *arguments)).lag_ms
            for _ in range(tries - 1):
                if lags[name] <= MOST_MS / 2:
                    break
                lags[name] = min(lags[name], (await request(app, *arguments)).lag_ms)
    return lags


def check(served: dict[str, Path], requests: dict[str, tuple[Any, ...]]) -> None:
    lags = asyncio.run(longest_lags(app_of(served), requests))
    assert {name: lag for name, lag in lags.items() if lag > MOST_MS} == {}


def test_every_route_is_tested() -> None:
    assert sorted([*ASKED, *READ, *CHANGES, "reload"]) == OPERATIONS


def test_large_changes(served: dict[str, Path], text: str, tmp_path: Path) -> None:
    """Bodies as large as the limits of queries allow, of all kinds; then the jobs, many and failed ones."""
    key = {"x-api-key": add_key(tmp_path / "keys.txt", "writer", may_write=True)}
    index = Path(shutil.copytree(served["bytes"], tmp_path / "x.infgram"))
    nested: list[Any] = [{"text": "", "a": [[0] * 90] * 150}]
    bodies = {
        "a long text": ("POST", {"documents": [{"text": text}]}),
        "many texts": ("POST", {"documents": [{"text": "a", "id": n} for n in range(9_000)]}),
        "much metadata": ("POST", {"documents": nested * 12}),
        "token ids": ("POST", {"documents": [{"token_ids": [97] * 190_000}]}),
        "many documents of token ids": ("POST", {"documents": [{"token_ids": [97]}] * 9_000}),
        "ids": ("DELETE", {"ids": ["a"] * 190_000}),
        "numbers": ("DELETE", {"documents": [2**30] * 70_000}),
        "mixed ids": ("DELETE", {"ids": ["a", 1] * 80_000}),
        "an invalid id": ("DELETE", {"ids": [*["a"] * 190_000, 1.5]}),
        "an invalid document": ("POST", {"documents": [*[{"text": "a"}] * 8_000, {}]}),
    }
    at = "/v1/indexes/x"
    requests: dict[str, tuple[Any, ...]] = {
        name: (method, f"{at}/documents", event_loop.dumped(body), key) for name, (method, body) in bodies.items()
    }
    requests["hostile"] = ("POST", f"{at}/documents", dict(event_loop.hostile())[event_loop.WORST[0]], key)
    requests |= {"compact": ("POST", f"{at}/compact", b"", key), "jobs": ("GET", f"{at}/jobs", b"", key)}
    settings = Settings(indexes={"x": index}, api_keys_file=tmp_path / "keys.txt", log_requests=False)
    with locked(index):
        lags = asyncio.run(longest_lags(create_app(settings), requests))
    assert {name: lag for name, lag in lags.items() if lag > MOST_MS} == {}


def address(operation: str, index: str) -> str:
    return PATHS[operation][1].replace("{name}", index)


@pytest.mark.parametrize("operation", ASKED)
def test_hostile_bodies(served: dict[str, Path], operation: str) -> None:
    """Send all of them to routes that read bodies differently, and the slowest ones to every route."""
    bodies = dict(event_loop.hostile())
    names = bodies if operation in READ_DIFFERENTLY else event_loop.WORST
    check(served, {name: ("POST", address(operation, "bpe"), bodies[name]) for name in names})


@pytest.mark.parametrize("operation", ASKED)
def test_heavy_queries(served: dict[str, Path], text: str, operation: str) -> None:
    bodies = [event_loop.dumped(body) for body in event_loop.heavy(operation, text)]
    requests: dict[str, tuple[Any, ...]] = {}
    for index in ("bytes", "bpe") if operation in ("search_text", "search", "document_batch") else ("bpe",):
        for number, body in enumerate(bodies):
            as_lines = ((" as lines", AS_LINES),) if number == len(bodies) - 1 else ()
            for kind, headers in (("", {}), *as_lines):
                requests[f"{index}: {body[:60].decode()}… ({number}){kind}"] = (
                    *("POST", address(operation, index)),
                    *(body, headers),
                )
    check(served, requests)


@pytest.mark.parametrize("operation", READ)
def test_responses_of_get_requests(served: dict[str, Path], operation: str) -> None:
    """Use a new service, so that the work of the first request is included."""
    for path in READ[operation]:
        lag_ms = min(
            asyncio.run(longest_lags(app_of(served), {path: ("GET", path)}, tries=1))[path] for _ in range(TRIES)
        )
        assert lag_ms <= MOST_MS


FIRST: Final = """
import asyncio, gc, json, sys
from infgram.service import Settings, create_app
from event_loop import request

async def main():
    app, lags = create_app(Settings(indexes={"bpe": sys.argv[1]}, log_requests=False)), {}
    async with app.router.lifespan_context(app):
        gc.collect()
        gc.freeze()
        for path in ("/v1/indexes", "/readyz", "/metrics", "/v1/indexes/bpe/documents/1", "/", "/openapi.json"):
            lags[path] = (await request(app, "GET", path)).lag_ms
        for path in ("count", "search", "count/batch"):
            body = b'{"items": [{"query": "a"}]}' if "batch" in path else b'{"query": "a"}'
            lags[path] = (await request(app, "POST", f"/v1/indexes/bpe/{path}", body)).lag_ms
    print(json.dumps(lags))

asyncio.run(main())
"""


def test_the_first_requests(served: dict[str, Path]) -> None:
    """Use a new process, so that the work of the first request is included."""
    command = [sys.executable, "-c", FIRST, str(served["bpe"])]
    environment = {**os.environ, "PYTHONPATH": str(Path(event_loop.__file__).parent)}
    best: dict[str, float] = {}
    for _ in range(TRIES):
        done = subprocess.run(
            command, cwd=served["bpe"].parent, env=environment, capture_output=True, text=True, check=True, timeout=60
        )
        lags: dict[str, float] = json.loads(done.stdout)
        best = {path: min(lag, best.get(path, lag)) for path, lag in lags.items()}
        if max(best.values()) <= MOST_MS:
            break
    assert {path: lag for path, lag in best.items() if lag > MOST_MS} == {}


def test_large_headers(served: dict[str, Path]) -> None:
    parts = ", ".join(f"text/x{number};q=0.5" for number in range(80_000))
    names = ("accept", "accept-encoding", "x-request-id", "x-forwarded-for", "forwarded")
    requests = {name: ("GET", "/", b"", {name: parts}) for name in names}
    check(served, {**requests, "the address": ("POST", f"/v1/indexes/{'a/' * 500_000}count", b"{}")})
