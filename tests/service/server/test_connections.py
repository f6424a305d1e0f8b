"""What a client may take of the server: bytes of headers, time to send and to read, connections."""

from __future__ import annotations

import contextlib
import json
import resource
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from infgram.service import Settings
from infgram.service.server import connections

import infgram
from tests.service.server.test_run import Running, running, soon

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
SHORT: dict[str, Any] = {
    "header_timeout_s": 1,
    "body_timeout_s": 1,
    "send_timeout_s": 1,
    "keep_alive_s": 1,
}


@contextlib.contextmanager
def connected(service: Running) -> Iterator[socket.socket]:
    host, port = service.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        yield connection


def rest(connection: socket.socket) -> bytes:
    """All that the server still sends until it closes the connection."""
    found = bytearray()
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        while chunk := connection.recv(1 << 16):
            found += chunk
    return bytes(found)


def ended(service: Running) -> dict[str, int]:
    """The connections that the log says were ended, by reason."""
    sums: dict[str, int] = {}
    for line in service.logged("connections_ended"):
        for name, n in line.items():
            if isinstance(n, int):
                sums[name] = sums.get(name, 0) + n
    return sums


def problem_in(answer: bytes, status: int, code: str) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), head
    assert b"connection: close" in head
    assert json.loads(body)["code"] == code


@pytest.fixture(scope="module")
def service(folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("short"), indexes={"bytes": folders["bytes"]}, **SHORT) as started:
        yield started


@pytest.mark.parametrize("head", [b"X: ", b"GET /"], ids=["header", "path"])
def test_headers_without_end(service: Running, head: bytes) -> None:
    """A hundred megabytes of them: they are refused while they arrive, and nobody else waits."""
    start = b"" if head.startswith(b"GET") else GET
    before = ended(service).get("headers_too_large", 0)
    with connected(service) as connection:
        n_sent = 0
        with contextlib.suppress(ConnectionResetError, BrokenPipeError, TimeoutError):
            connection.sendall(start + head)
            while n_sent < 100 << 20:
                connection.sendall(b"a" * (1 << 16))
                n_sent += 1 << 16
                if n_sent == 1 << 20:
                    assert service.count("rose") == 5
        problem_in(rest(connection), 431, "headers_too_large")
    soon(lambda: ended(service).get("headers_too_large", 0) > before)
    assert ended(service)["headers_too_large"] == before + 1, "what follows a refusal is not parsed"


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"", "header_timeout"),
        (b"GET /healthz", "header_timeout"),
        (GET + b"X: a", "header_timeout"),
        (GET + b"\r\n" + GET, "header_timeout"),
        (b"\r\n", "header_timeout"),
        (b"POST /v1/indexes/bytes/count HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
         b"Content-Type: application/json\r\n\r\n{", "body_timeout"),
        (b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", "body_timeout"),
    ],
    ids=["nothing", "half a line", "half a header", "half a second request", "a line break", "half a body", "answered"],
)  # fmt: skip
def test_requests_that_are_never_complete(service: Running, sent: bytes, reason: str) -> None:
    """With a byte now and then, too: the limit is on the whole."""
    before = ended(service).get(reason, 0)
    with connected(service) as connection:
        connection.sendall(sent)
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            for _ in range(5):
                time.sleep(0.3)
                if sent:
                    connection.sendall(b"\r\n" if sent == b"\r\n" else b"a")
        answer = rest(connection)
    is_answered = not sent or b"nowhere" in sent
    assert answer.count(b"HTTP/1.1 408 ") == (0 if is_answered else 1)
    soon(lambda: ended(service).get(reason, 0) > before)


def test_a_refused_client_that_stays_is_dropped(service: Running) -> None:
    """The server closes its side with the answer, and the whole connection soon after."""

    def is_dropped() -> bool:
        try:
            connection.sendall(b"a")
        except (ConnectionResetError, BrokenPipeError):
            return True
        return False

    with connected(service) as connection:
        connection.sendall(GET + b"X: " + b"a" * (1 << 15))
        problem_in(rest(connection), 431, "headers_too_large")
        soon(is_dropped)


def test_an_idle_connection_is_closed(service: Running) -> None:
    with connected(service) as connection:
        connection.sendall(GET + b"\r\n")
        assert rest(connection).startswith(b"HTTP/1.1 200 ")


@pytest.fixture(scope="module")
def long_document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("long")
    (home / "corpus.txt").write_text("a rose is a rose. " * 1_000_000)
    infgram.build(home / "corpus.txt", home / "x.infgram", tokenizer="bytes").close()
    return home / "x.infgram"


def test_a_client_that_reads_slowly_gets_everything_and_one_that_reads_nothing_is_dropped(
    long_document: Path, tmp_path: Path
) -> None:
    """Longer than all time limits."""
    path = b"GET /v1/indexes/x/documents/0?whole=true HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with running(tmp_path, indexes={"x": long_document}, **SHORT) as service:
        with connected(service) as slow, connected(service) as silent:
            for connection in (slow, silent):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
                connection.sendall(path)
            found = bytearray()
            for _ in range(20):
                found += slow.recv(1 << 20)
                time.sleep(0.2)
            assert service.count("rose", "x") == 2_000_000
            soon(lambda: ended(service).get("send_timeout", 0) == 1)
            found += rest(slow)
            cut = rest(silent)
        _, _, body = bytes(found).partition(b"\r\n\r\n")
        assert len(json.loads(body)["token_ids"]) == 18_000_000
        assert len(cut) < len(found)


def test_connections_are_limited(folders: dict[str, Path], tmp_path: Path) -> None:
    with (
        running(tmp_path, indexes={"bytes": folders["bytes"]}, max_connections=8) as service,
        contextlib.ExitStack() as stack,
    ):
        for _ in range(8):
            stack.enter_context(connected(service)).sendall(GET)
        with connected(service) as more:
            problem_in(rest(more), 503, "too_many_connections")
        soon(lambda: ended(service) == {"max_connections": 1})
        stack.close()
        soon(lambda: service.client.get("/healthz").status_code == 200)


@pytest.mark.parametrize("trusted", ["", "127.0.0.0/8", "1"])
def test_connections_from_one_address_are_limited(folders: dict[str, Path], tmp_path: Path, trusted: str) -> None:
    """Unless it is that of a proxy, which has the connections of many clients."""
    settings = {"max_connections_per_client": 4, "trusted_proxies": trusted}
    with running(tmp_path, indexes={"bytes": folders["bytes"]}, **settings) as service, contextlib.ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(connected(service)).sendall(GET)
        with connected(service) as more:
            more.sendall(GET + b"Connection: close\r\n\r\n")
            answer = rest(more)
        if trusted:
            assert answer.startswith(b"HTTP/1.1 200 ")
        else:
            problem_in(answer, 503, "too_many_connections")
            soon(lambda: ended(service) == {"max_connections_per_client": 1})
            stack.close()
            soon(lambda: service.client.get("/healthz").status_code == 200)


def test_the_limit_on_open_files(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It is raised as far as needed; if the system allows no more, there are fewer connections, and the log says so."""
    limits = [(1024, 1 << 20)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, both: limits.append(both))
    settings = Settings(max_connections=5_000)
    assert connections.allow_connections(settings) == settings
    assert limits.pop() == (5_000 + connections.OTHER_FILES, 1 << 20)
    assert capsys.readouterr().err == ""
    limits[:] = [(1024, 2048)]
    assert connections.allow_connections(settings).max_connections == 2048 - connections.OTHER_FILES
    assert limits.pop() == (2048, 2048)
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["event"] == "few_files"
    limits[:] = [(resource.RLIM_INFINITY, resource.RLIM_INFINITY)]
    assert connections.allow_connections(settings) == settings
