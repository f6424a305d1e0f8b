"""Many clients at once, good and bad ones, while the index is replaced by valid and damaged folders and removed.

Every accepted answer is that of one of the published indexes. Times are printed, not asserted.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

import infgram
from tests.service.server.test_run import Running, running, soon

TEXTS: Final = (
    "a rose is a rose is a rose, and a rose again. " * 400,
    "the rose; another text about one rose or two. " * 300,
)
ASKED: Final = ("rose", "a", "is a rose", "two", "nothing of this")
AT: Final = "/v1/indexes/x"
MOST_RATIO: Final = 10
MOST_HEALTHZ_MS: Final = 50


@dataclass
class Seen:
    """What the clients got.

    Attributes:
        statuses: the statuses by kind of request.
        seconds: the times of the accepted answers by kind.
        wrong: answers that no published index gives.
    """

    statuses: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    wrong: list[str] = field(default_factory=list)

    def add(self, kind: str, status: int, seconds: float) -> None:
        self.statuses[kind][status] += 1
        if status == 200:
            self.seconds[kind].append(seconds)

    def print(self, n_clients: int) -> None:
        sys.stderr.write(f"\n{n_clients} clients\n{'':10} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8}  answers\n")
        for kind, seconds in sorted(self.seconds.items()):
            ordered = [1000 * each for each in sorted(seconds)]
            p50, p99 = (ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.99))
            above = p99 > MOST_HEALTHZ_MS if kind in ("healthz", "readyz") else p99 > MOST_RATIO * p50
            counts = ", ".join(f"{status}: {n:,}" for status, n in sorted(self.statuses[kind].items()))
            note = "  above goal" if above else ""
            sys.stderr.write(f"{kind:10} {p50:8.1f} {p99:8.1f} {ordered[-1]:8.1f}  {counts}{note}\n")


class Load:
    """The clients of a service, for a time."""

    def __init__(self, service: Running, indexes: list[infgram.Index], seconds: float) -> None:
        host, port = service.address.removeprefix("http://").split(":")
        self._host, self._port, self._end = host, int(port), time.monotonic() + seconds
        self.seen = Seen()
        self._expected: dict[str, dict[str, list[Any]]] = {
            "count": {text: [index.count(text) for index in indexes] for text in ASKED},
            "search": {text: [_found(index.search(text, limit=3)) for index in indexes] for text in ASKED},
        }

    async def run(self, n_clients: int, publish: Callable[[], None], *, with_bad_ones: bool) -> Seen:
        good = [self._repeat(self._good, number) for number in range(n_clients)]
        others = [self._repeat(self._probe, 0), self._repeat(self._publisher(publish), 0)]
        bad = [self._slow, self._silent, self._oversized, self._vanishing] * 3 if with_bad_ones else []
        await asyncio.gather(*good, *others, *(self._repeat(each, number) for number, each in enumerate(bad)))
        return self.seen

    async def _repeat(self, job: Callable[[random.Random], Awaitable[None]], seed: int) -> None:
        chance = random.Random(seed)
        while time.monotonic() < self._end:
            await job(chance)

    async def _good(self, chance: random.Random) -> None:
        """Ask some questions on one connection; wait as long as a refusal says, as far as the time allows."""
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            for _ in range(20):
                kind, text = chance.choice(("count", "search")), chance.choice(ASKED)
                body = {"query": text} if kind == "count" else {"query": text, "limit": 3}
                started = time.monotonic()
                status, headers, answer = await _exchange(reader, writer, "POST", f"{AT}/{kind}", body)
                self.seen.add(kind, status, time.monotonic() - started)
                if status == 200:
                    found = answer["count"] if kind == "count" else [answer["count"], _texts(answer["documents"])]
                    if found not in self._expected[kind][text]:
                        self.seen.wrong.append(f"{kind} of {text!r}: {found}")
                elif status == 503:
                    await asyncio.sleep(float(headers.get("retry-after", 1)) / 4)
                if time.monotonic() > self._end:
                    return
        finally:
            writer.close()

    async def _probe(self, _chance: random.Random) -> None:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        for path in ("healthz", "readyz"):
            started = time.monotonic()
            status, _, _ = await _exchange(reader, writer, "GET", f"/{path}", None)
            self.seen.add(path, status, time.monotonic() - started)
        writer.close()
        await asyncio.sleep(0.02)

    def _publisher(self, publish: Callable[[], None]) -> Callable[[random.Random], Awaitable[None]]:
        async def once(_chance: random.Random) -> None:
            await asyncio.to_thread(publish)
            reader, writer = await asyncio.open_connection(self._host, self._port)
            started = time.monotonic()
            status, _, _ = await _exchange(reader, writer, "POST", "/v1/admin/reload", {})
            self.seen.add("reload", status, time.monotonic() - started)
            writer.close()
            await asyncio.sleep(0.2)

        return once

    async def _slow(self, _: random.Random) -> None:
        await self._send(b"POST /v1/indexes/x/count HTTP/1.1\r\nX: ", *[b"a"] * 30, pause_s=0.1)

    async def _silent(self, _: random.Random) -> None:
        await self._send(b"", pause_s=3)

    async def _oversized(self, _: random.Random) -> None:
        await self._send(b"GET / HTTP/1.1\r\nX: ", *[b"a" * (1 << 16)] * 16, pause_s=0.02)

    async def _vanishing(self, chance: random.Random) -> None:
        items = [{"query": text, "limit": 3} for text in ASKED * 10]
        body = json.dumps({"items": items}).encode()
        head = f"POST {AT}/search/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        await self._send(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body, pause_s=chance.random() / 5)

    async def _send(self, *pieces: bytes, pause_s: float) -> None:
        with suppress(OSError):
            _, writer = await asyncio.open_connection(self._host, self._port)
            try:
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(pause_s)
            finally:
                writer.close()


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, method: str, path: str, body: Any
) -> tuple[int, dict[str, str], Any]:
    content = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
    answered = await reader.readuntil(b"\r\n\r\n")
    status, *lines = answered.decode().splitlines()
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    return int(status.split()[1]), headers, json.loads(await reader.readexactly(int(headers["content-length"])))


def _found(result: infgram.SearchResult) -> list[Any]:
    return [result.count, [hit.text[:10_000] for hit in result]]


def _texts(documents: list[dict[str, Any]]) -> list[str]:
    return [document["text"] for document in documents]


class Publisher:
    """Replaces the folder of an index: by valid ones, a truncated one, one without a manifest, and by none."""

    def __init__(self, folder: Path, versions: list[Path]) -> None:
        self._folder, self._versions, self._n = folder, versions, 0
        self.publish()

    def publish(self) -> None:
        state, new = self._n % 6, self._folder.with_name(f"new-{self._n}")
        shutil.copytree(self._versions[self._n % 2], new)
        if state == 3:
            os.truncate(new / "shard-00000" / "suffix_array.bin", 100)
        if state == 4:
            (new / "manifest.json").unlink()
        if self._folder.exists():
            self._folder.rename(self._folder.with_name(f"old-{self._n}"))
        if state == 5:
            shutil.rmtree(new)
        else:
            new.rename(self._folder)
        shutil.rmtree(self._folder.with_name(f"old-{self._n}"), ignore_errors=True)
        self._n += 1


def anonymous_bytes(process: int) -> int:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:"))


def n_open_indexes(process: int) -> int:
    """The number of indexes that a process has mapped, those with removed files included."""
    return Path(f"/proc/{process}/maps").read_text().count("/suffix_array.bin")


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    home = tmp_path_factory.mktemp("versions")
    made = []
    for number, text in enumerate(TEXTS):
        (home / f"{number}.txt").write_text(text)
        made.append(home / f"{number}.infgram")
        infgram.build(home / f"{number}.txt", made[-1], tokenizer="bytes").close()
    return made


def test_every_accepted_answer_is_right(versions: list[Path], tmp_path: Path) -> None:
    answer_all(versions, tmp_path, 40, 6, with_bad_ones=True)


@pytest.mark.torture
@pytest.mark.timeout(0)
@pytest.mark.parametrize("with_bad_ones", [False, True], ids=["good clients", "bad ones among them"])
def test_two_hundred_clients(
    versions: list[Path],
    tmp_path: Path,
    with_bad_ones: bool,
    budget_s: float,
    record_property: Callable[[str, object], None],
) -> None:
    record_property("tried", answer_all(versions, tmp_path, 200, budget_s, with_bad_ones=with_bad_ones))


def answer_all(versions: list[Path], tmp_path: Path, n_clients: int, seconds: float, *, with_bad_ones: bool) -> int:
    """Load a service, and return the number of accepted answers, each of which is right."""
    publisher = Publisher(tmp_path / "x.infgram", versions)
    settings = {"indexes": {"x": tmp_path / "x.infgram"}, "log_requests": False, "header_timeout_s": 2}
    indexes = [infgram.open(path) for path in versions]
    with running(tmp_path, **settings) as service:
        asyncio.run(Load(service, indexes, seconds / 2).run(n_clients, publisher.publish, with_bad_ones=with_bad_ones))
        early = anonymous_bytes(service.process.pid)
        load = Load(service, indexes, seconds / 2)
        seen = asyncio.run(load.run(n_clients, publisher.publish, with_bad_ones=with_bad_ones))
        late = anonymous_bytes(service.process.pid)
        soon(lambda: n_open_indexes(service.process.pid) == 1)  # each replaced one is closed
        assert service.logged("failure") == []
    for index in indexes:
        index.close()
    seen.print(n_clients)
    sys.stderr.write(f"anonymous memory {early >> 20} MB, then {late >> 20} MB\n")
    assert seen.wrong == []
    assert {*seen.statuses["count"], *seen.statuses["search"], *seen.statuses["reload"]} == {200, 503}
    assert {*seen.statuses["healthz"], *seen.statuses["readyz"]} == {200}
    assert late < 1.3 * early + (20 << 20)
    return sum(map(len, seen.seconds.values()))
