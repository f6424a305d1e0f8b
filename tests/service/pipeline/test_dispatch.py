"""Short queries run on the event loop, unless they have to wait for the disk."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from infgram.service import Settings, create_app, runtime
from infgram.service.pipeline import body as bodies
from infgram.service.pipeline.dispatch import run_in_thread
from infgram.service.pipeline.job import Job
from infgram.service.problems import ProblemError
from infgram.service.runtime import Runtime, Worker, running
from infgram.service.schemas.fields import SHORT

import infgram
from tests.service.conftest import answered, problem

AT = "/v1/indexes/bytes"
QUICK: tuple[tuple[str, dict[str, Any]], ...] = (
    ("count", {"query": "rose"}),
    ("find", {"token_ids": [97]}),
    ("next-token", {"query": "rose"}),
    ("infgram", {"query": "rose"}),
    ("prob", {"query": "rose", "token_id": 97}),
    ("longest-suffix", {"query": "x" * SHORT}),
)
SLOW: tuple[tuple[str, dict[str, Any]], ...] = (
    ("count", {"query": "x" * (SHORT + 1)}),
    ("count", {"token_ids": [97] * (SHORT + 1)}),
    ("count", {"query": "rose", "ignore_case": True}),
    ("count", {"query": "rose", "any_tokenization": True}),
    ("count", {"query": "rose", "readings": True}),
    ("next-token", {"query": "rose", "any_tokenization": True}),
    ("infgram", {"query": "rose", "top_k": SHORT + 1}),
    ("count/batch", {"items": [{"query": "rose"}]}),
    ("document-count", {"query": "rose"}),
    ("locate", {"query": "rose"}),
    ("search", {"query": "rose"}),
    ("search-text", {"query": "rose"}),
    ("tokenize", {"query": "rose"}),
)


class Watched:
    """A service that counts its uses of threads, with a fake disk."""

    def __init__(self, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
        self.client, self.n_on_threads, self.n_waits, self.now = client, 0, 0, 100.0
        self.runtime: Runtime = vars(client.app)["state"].runtime
        on_thread = self.runtime.on_thread

        def counted(function: Any) -> Any:
            self.n_on_threads += 1
            return on_thread(function)

        monkeypatch.setattr(self.runtime, "on_thread", counted)
        monkeypatch.setattr(runtime, "_major_faults", lambda: self.n_waits)
        monkeypatch.setattr(runtime, "monotonic", lambda: self.now)
        self.runtime.disk = runtime.DiskMonitor()

    def asks_a_thread(self, question: str = "count", body: Any = None) -> bool:
        """Return whether a thread runs the query."""
        before = self.n_on_threads
        answered(self.client.post(f"{AT}/{question}", json=body or {"query": "rose"}))
        return self.n_on_threads > before


@pytest.fixture
def watched(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    with TestClient(create_app(Settings(indexes=folders)), raise_server_exceptions=False) as client:
        yield Watched(client, monkeypatch)


def test_short_queries(watched: Watched) -> None:
    for question, body in QUICK:
        assert not watched.asks_a_thread(question, body), question


def test_other_queries(watched: Watched) -> None:
    for question, body in SLOW:
        assert watched.asks_a_thread(question, body), (question, body.keys())


def test_only_small_bodies_are_read_on_the_event_loop(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[str] = []
    parse = bodies.parse

    def noted(*arguments: Any) -> Any:
        threads.append(threading.current_thread().name)
        return parse(*arguments)

    monkeypatch.setattr(bodies, "parse", noted)
    small, large = b'{"query":"a"}', b'{"query":"a"' + b" " * bodies.SMALL_BYTES + b"}"
    batch, public = b'{"items":[{"query":"a"}]}', b'{"index":"bytes","query_type":"count","query":"a"'
    asked = [
        ("count", small, False),
        ("count", large, True),
        ("count/batch", batch, True),
        ("count/batch", b"[]", True),
    ]
    asked += [("counts", b'{"queries":["a"]}', True)]
    json_type = {"content-type": "application/json"}
    for question, body, by_reader in asked:
        watched.client.post(f"{AT}/{question}", content=body, headers=json_type)
        assert threads.pop().startswith("reader") == by_reader, (question, body[:40])
    for body, by_reader in ((public + b"}", False), (public + b" " * bodies.SMALL_BYTES + b"}", True)):
        answered(watched.client.post("/", content=body, headers=json_type))
        assert threads.pop().startswith("reader") == by_reader


def test_after_a_page_fault(watched: Watched) -> None:
    assert not watched.asks_a_thread()
    watched.n_waits += 1
    assert not watched.asks_a_thread(), "this query had the page fault"
    assert watched.asks_a_thread()
    watched.now += runtime.BUSY_DISK_S
    assert not watched.asks_a_thread()
    assert not watched.asks_a_thread()


def test_a_remote_index(watched: Watched) -> None:
    served = watched.runtime.indexes["bytes"]

    class Remote:
        """An index that is not local."""

        is_local = False

        def __getattr__(self, name: str) -> Any:
            return getattr(index, name)

    index, served.index = served.index, Remote()  # type: ignore[assignment]
    assert watched.asks_a_thread()


def test_damage(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> int:
        raise infgram.IndexDamagedError("/secret/place is damaged")

    with monkeypatch.context() as broken:
        broken.setattr(infgram.Index, "count", fail)
        problem(watched.client.post(f"{AT}/count", json={"query": "rose"}), 503, "index_damaged")
    problem(watched.client.post(f"{AT}/infgram", json={"query": "rose"}), 503, "index_damaged")
    problem(watched.client.get("/readyz"), 503, "index_damaged")
    assert watched.n_on_threads == 0


def test_a_question_is_cancelled_with_the_task_that_waits(folders: dict[str, Path]) -> None:
    started, was_cancelled = threading.Event(), threading.Event()

    def compute(job: Job) -> None:
        started.set()
        try:
            while True:
                job.deadline.check()
                time.sleep(0.01)
        except ProblemError:
            was_cancelled.set()
            raise

    async def check() -> None:
        async with running(Settings(indexes={"bytes": folders["bytes"]}), ["other"], Worker()) as opened:
            waiting = asyncio.create_task(run_in_thread(opened, "bytes", compute, None))
            assert await asyncio.to_thread(started.wait, 30)
            await asyncio.sleep(0.1)  # longer than a question is waited for at first
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert await asyncio.to_thread(was_cancelled.wait, 20)

    asyncio.run(check())
