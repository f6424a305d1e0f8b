"""A long mixed load: valid queries, hostile requests, clients that disconnect, and replaced indexes."""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import infgram

HOSTILE: Final = (
    b'{"token_ids": [1e400]}',
    b'{"token_ids": [NaN]}',
    b'{"token_ids": [true]}',
    b'{"token_ids": ["1"]}',
    rb'{"query": "\ud800"}',
    b'{"query": "a", "query": "b"}',
    b"[" * 10_000,
    b'{"token_ids": [' + b"9" * 5_000 + b"]}",
    b"\xff\xfe",
    b"",
)
ASKED: Final[tuple[Callable[[Any, list[int]], Any], ...]] = (
    lambda at, tokens: at.count(tokens),
    lambda at, tokens: at.infgram_distribution(tokens, top_k=5).counts.tolist(),
    lambda at, tokens: at.next_token_distribution(tokens, top_k=5).counts.tolist(),
    lambda at, tokens: at.score(tokens).continuation_counts.tolist(),
    lambda at, tokens: at.search(tokens, limit=0).count,
)
"""The valid queries, which a service and an index both answer."""

RELOAD_EVERY_S: Final = 5.0
LONGEST_S: Final = 300.0
WARM_UP_S: Final = 120.0
"""Seconds until the service has opened two indexes at once, with all threads busy, several times."""


class WrongAnswerError(Exception):
    """Raised for a response that no service may return."""


class Served:
    """A symbolic link that alternates between indexes.

    Args:
        link: the link that is served.
        paths: the indexes.
    """

    def __init__(self, link: Path, paths: Sequence[Path]) -> None:
        self.link, self._paths, self._n_times = link, [path.resolve() for path in paths], 0
        self.swap()

    def swap(self) -> None:
        """Switch the link to the next index."""
        new = self.link.with_name("new")
        new.symlink_to(self._paths[self._n_times % len(self._paths)])
        os.replace(new, self.link)
        self._n_times += 1


class Soak:
    """The requests to a service, and their valid responses.

    Args:
        url: the address of the service.
        name: the name of its index.
        served: the link to the index.
        indexes: the indexes that the link alternates between.
        patterns: token ids for the queries.
    """

    def __init__(
        self, url: str, name: str, served: Served, indexes: Sequence[infgram.Index], patterns: list[list[int]]
    ) -> None:
        address = urlsplit(url)
        self._host, self._port, self._name = address.hostname or "", address.port or 80, name
        self._client, self._served, self._patterns = (
            infgram.Client(url, name, timeout_s=LONGEST_S, retries=0),
            served,
            patterns,
        )
        self._expected = [[[ask(index, tokens) for index in indexes] for tokens in patterns] for ask in ASKED]
        self._counts = [index.count_batch(patterns).tolist() for index in indexes]

    def run(self, seconds: float) -> dict[str, Any]:
        """Send requests for the given time.

        Returns:
            The number of responses of each status, and the memory of the service after the warm-up and at the end, in
            bytes.

        Raises:
            WrongAnswerError: a valid query got a wrong result, or any request a 5xx other than 503.
        """
        end = time.monotonic() + seconds
        statuses: Counter[str] = Counter()
        wrong: list[Exception] = []

        def repeat(job: Callable[[random.Random], str], seed: int) -> None:
            chance = random.Random(seed)
            while time.monotonic() < end and not wrong:
                try:
                    statuses[job(chance)] += 1
                except (WrongAnswerError, infgram.InfgramError, OSError) as error:
                    wrong.append(error)

        jobs = [*[self._good] * 4, *[self._hostile] * 2, self._gone, self._reload]
        threads = [threading.Thread(target=repeat, args=(job, number)) for number, job in enumerate(jobs)]
        for thread in threads:
            thread.start()
        time.sleep(min(WARM_UP_S, seconds / 2))
        early = memory_bytes(self._port)
        for thread in threads:
            thread.join()
        self._client.close()
        if wrong:
            raise WrongAnswerError(repr(wrong[0])) from wrong[0]
        late = memory_bytes(self._port)
        growth = round(late / early - 1, 4)
        sizes = {"memory_early_bytes": early, "memory_late_bytes": late, "memory_growth": growth}
        return {"minutes": round(seconds / 60, 1), "answers": dict(sorted(statuses.items())), **sizes}

    def _good(self, chance: random.Random) -> str:
        """Send a valid query; the result must be that of one of the indexes."""
        number, kind = chance.randrange(len(self._patterns)), chance.randrange(len(ASKED) + 1)
        try:
            if kind == len(ASKED):
                found, expected = self._client.count_batch(self._patterns).tolist(), self._counts
            else:
                found, expected = ASKED[kind](self._client, self._patterns[number]), self._expected[kind][number]
        except (infgram.ServiceError, infgram.TimeLimitError) as error:
            if isinstance(error, infgram.TimeLimitError) or "status 503" in str(error):
                return "good, 503"
            raise
        if found not in expected:
            raise WrongAnswerError(f"question {kind} on {self._patterns[number]}: {found}, expected one of {expected}")
        return "good, 200"

    def _hostile(self, chance: random.Random) -> str:
        """Send a body that must be rejected."""
        path = chance.choice((f"/v1/indexes/{self._name}/count", f"/v1/indexes/{self._name}/count/batch", "/"))
        status = self._post(path, chance.choice(HOSTILE))
        if not (400 <= status < 500 or status == 503 or (path == "/" and status == 200)):
            raise WrongAnswerError(f"a hostile body at {path} got the status {status}")
        return f"hostile, {status}"

    def _gone(self, chance: random.Random) -> str:
        """Send a long query and disconnect without waiting for the response."""
        items = b",".join([b'{"token_ids": [1, 2, 3]}'] * 1000)
        with self._sent(f"/v1/indexes/{self._name}/score/batch", b'{"items": [' + items + b"]}"):
            time.sleep(chance.random() / 5)
        return "gone"

    def _reload(self, _: random.Random) -> str:
        """Replace the index and reload it."""
        time.sleep(RELOAD_EVERY_S)
        self._served.swap()
        status = self._post("/v1/admin/reload", b"{}")
        if status != 200:
            raise WrongAnswerError(f"a reload got the status {status}")
        return "reload, 200"

    def _post(self, path: str, body: bytes) -> int:
        with self._sent(path, body) as connection, connection.makefile("rb") as answer:
            return int(answer.readline().split()[1])

    def _sent(self, path: str, body: bytes) -> socket.socket:
        connection = socket.create_connection((self._host, self._port), timeout=LONGEST_S)
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n"
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        return connection


def memory_bytes(port: int) -> int:
    """Return the anonymous memory of the processes that listen on a port."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    rows = [row for row in map(str.split, lines) if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port]
    sockets = {f"socket:[{row[9]}]" for row in rows}
    return sum(_anonymous_bytes(process) for process in Path("/proc").iterdir() if _holds(process, sockets))


def _holds(process: Path, sockets: set[str]) -> bool:
    try:
        return process.name.isdecimal() and any(str(file.readlink()) in sockets for file in (process / "fd").iterdir())
    except OSError:  # the process has ended, or belongs to another user
        return False


def _anonymous_bytes(process: Path) -> int:
    lines = (process / "status").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:"))
