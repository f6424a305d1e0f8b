"""The rules of both transports: keys, limits, metrics and logs as for other requests, and processes that end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from infgram.service import add_key

import infgram
from tests.cli.running import command, is_one_error_line, run
from tests.client.loopback import Loopback, loopback
from tests.service.conftest import problem
from tests.service.mcp.sessions import over_http
from tests.service.server.test_run import running

HEADERS = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}
COUNT = {"index": "bytes", "query": "rose"}
HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}


def message(method: str, parameters: Mapping[str, Any], number: int = 1) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": parameters}


def call(tool: str, arguments: Mapping[str, Any], number: int = 1) -> dict[str, Any]:
    return message("tools/call", {"name": tool, "arguments": arguments}, number)


def post(service: Loopback, body: Any, **headers: str) -> httpx2.Response:
    with httpx2.Client(base_url=service.url, trust_env=False, timeout=60) as client:
        answer: httpx2.Response = client.post("/mcp", json=body, headers={**HEADERS, **headers})
        return answer


def text_of(response: httpx2.Response) -> str:
    """Return the text of the answer to a call, which must be an error."""
    assert response.status_code == 200, response.text
    result = response.json()["result"]
    assert result["isError"]
    text: str = result["content"][0]["text"]
    return text


# Keys, rates and pages


def test_a_key_is_required(folders: dict[str, Path], tmp_path: Path) -> None:
    key = add_key(tmp_path / "keys", "alice")
    with loopback(indexes=folders, api_keys_file=tmp_path / "keys") as service:
        for headers in ({}, {"Authorization": f"Bearer {key[:-1]}"}):
            refused = post(service, call("count", COUNT), **headers)
            problem(refused, 401, "unauthorized")
            assert refused.headers["www-authenticate"] == "Bearer"
        (outcome,) = over_http(service.url, [("count", COUNT)], key=key).outcomes
        assert outcome.result["string_count"] == 5
        with pytest.raises(Exception, match="TaskGroup") as failed:
            over_http(service.url, [("count", COUNT)], key="wrong")
        assert "MCPError" in repr(failed.value)


def test_the_rate_of_a_client(folders: dict[str, Path]) -> None:
    with loopback(indexes=folders, requests_per_s=0.01) as service:
        assert post(service, call("count", COUNT)).status_code == 200
        refused = post(service, call("count", COUNT))
        problem(refused, 429, "rate_limited")
        assert int(refused.headers["retry-after"]) > 1


@pytest.mark.parametrize(
    ("origin", "allowed", "status"),
    [
        ("https://page.example", (), 403),
        ("https://page.example", ("https://page.example",), 200),
        ("https://other.example", ("https://page.example",), 403),
        ("https://page.example", ("*",), 200),
        ("null", (), 403),
    ],
)
def test_web_pages_of_other_origins(
    folders: dict[str, Path], origin: str, allowed: tuple[str, ...], status: int
) -> None:
    with loopback(indexes=folders, cors_origins=allowed) as service:
        assert post(service, call("count", COUNT), Origin=origin).status_code == status


# Sizes, slots and time limits


def test_bodies_are_read_as_strictly_as_others(folders: dict[str, Path]) -> None:
    deep = "[" * 10_000
    with loopback(indexes=folders, limits={"body_bytes": 50_000, "body_values": 100}) as service:
        for body, status, code in (
            (b"", 422, "invalid_json"),
            (b"{", 422, "invalid_json"),
            (b'{"a": NaN}', 422, "invalid_json"),
            (b'{"a": 1, "a": 1}', 422, "invalid_json"),
            (deep.encode(), 422, "limit_exceeded"),
            (b'{"a": "' + b"x" * 50_000 + b'"}', 413, "body_too_large"),
        ):
            with httpx2.Client(base_url=service.url, trust_env=False) as client:
                headers = {**HEADERS, "Content-Type": "application/json"}
                problem(client.post("/mcp", content=body, headers=headers), status, code)
                plain = client.post("/mcp", content=b"{}", headers={**HEADERS, "Content-Type": "text/plain"})
                problem(plain, 422, "unsupported_media_type")
                for method in ("GET", "DELETE"):
                    refused = client.request(method, "/mcp", headers=HEADERS)
                    problem(refused, 405, "method_not_allowed")
        long = call("count", {**COUNT, "query": "rose " * 800})
        assert post(service, long).json()["result"]["structuredContent"]["count"] == 0
        assert "error" in post(service, [call("count", COUNT)]).json()
        assert "error" in post(service, message("tools/nothing", {})).json()


class Blocked:
    """An index whose searches wait until they may end."""

    def __init__(self, index: infgram.Index) -> None:
        self._index = index
        self.started, self.may_end = threading.Event(), threading.Event()
        self.was_cancelled = threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)

    def search(self, *_: Any, progress: Callable[[Any], None], **__: Any) -> None:
        self.started.set()
        try:
            while not self.may_end.wait(0.02):
                progress(None)
        except BaseException:
            self.was_cancelled.set()
            raise
        raise infgram.QueryError("it may end")


@contextmanager
def blocked(service: Loopback) -> Iterator[Blocked]:
    entry = service.runtime.indexes["bytes"]
    real, stub = entry.index, Blocked(entry.index)
    entry.index = stub  # type: ignore[assignment]
    try:
        yield stub
    finally:
        stub.may_end.set()
        entry.index = real


def test_calls_wait_for_slots_like_other_queries(folders: dict[str, Path], capfd: pytest.CaptureFixture[str]) -> None:
    settings: dict[str, Any] = {"max_concurrency": 1, "max_waiting": 0, "log_requests": True}
    with loopback(indexes=folders, **settings) as service:
        with blocked(service) as index, ThreadPoolExecutor(1) as threads:
            first = threads.submit(post, service, call("search", COUNT))
            assert index.started.wait(30)
            assert text_of(post(service, call("count", COUNT))).startswith("overloaded: The server is busy")
            index.may_end.set()
            assert text_of(first.result()).startswith("invalid_query: ")
        with httpx2.Client(base_url=service.url, trust_env=False) as client:
            metrics = client.get("/metrics").text
    assert 'infgram_requests_total{operation="mcp_count",status="503"} 1.0' in metrics
    assert 'infgram_requests_total{operation="mcp_search",status="422"} 1.0' in metrics
    logged = [json.loads(line) for line in capfd.readouterr().err.splitlines() if '"mcp_' in line]
    assert [(line["operation"], line["index"], line["status"]) for line in logged] == [
        ("mcp_count", "bytes", 503),
        ("mcp_search", "bytes", 422),
    ]


def test_a_call_that_takes_too_long(folders: dict[str, Path]) -> None:
    with loopback(indexes=folders, timeout_s=0.2) as service, blocked(service) as index:
        assert text_of(post(service, call("search", COUNT))).startswith("timeout: ")
        assert index.was_cancelled.wait(30)


def test_a_call_ends_when_its_client_disconnects(folders: dict[str, Path]) -> None:
    with loopback(indexes=folders, timeout_s=300) as service, blocked(service) as index:
        with (
            httpx2.Client(base_url=service.url, trust_env=False, timeout=0.5) as client,
            pytest.raises(httpx2.TimeoutException),
        ):
            client.post("/mcp", json=call("search", COUNT), headers=HEADERS)
        assert index.was_cancelled.wait(30)


def test_an_unexpected_error_tells_nothing(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("a secret")

    with loopback(indexes=folders) as service:
        monkeypatch.setattr(type(service.runtime.indexes["bytes"].index), "count", fail)
        answer = text_of(post(service, call("count", COUNT)))
    assert answer.startswith("internal_error: ")
    assert "secret" not in answer
    (line,) = (json.loads(line) for line in capfd.readouterr().err.splitlines() if '"failure"' in line)
    assert (line["error"], line["tool"]) == ("RuntimeError", "count")


# Processes


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_any_worker_answers(folders: dict[str, Path], tmp_path: Path, mode: str) -> None:
    with running(tmp_path, indexes={"bytes": folders["bytes"]}, workers=2) as service:
        outcomes = over_http(service.address, [("count", COUNT)] * 8, mode=mode).outcomes
        assert [outcome.result["string_count"] for outcome in outcomes] == [5] * 8
        assert service.stop() in (143, -signal.SIGTERM)


def test_without_the_extra(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    with loopback(indexes=folders) as service:
        refused = problem(post(service, call("count", COUNT)), 501, "no_mcp")
        assert "pip install 'infgram[mcp]'" in refused["detail"]
    outcome = run("mcp", folders["bytes"])
    assert outcome.code == 5
    assert is_one_error_line(outcome.stderr)
    assert "pip install 'infgram[mcp]'" in outcome.stderr


@contextmanager
def started(*words: str | Path, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """`infgram mcp` as a program, after the handshake."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(command("mcp", *words), cwd=folder, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    try:
        send(process, message("initialize", HELLO))
        assert received(process)["result"]["serverInfo"] == {
            "name": "infgram",
            "title": "infgram",
            "version": infgram.__version__,
        }
        send(process, {"jsonrpc": "2.0", "method": "notifications/initialized"})
        yield process
    finally:
        process.kill()
        process.communicate()


def send(process: subprocess.Popen[str], sent: dict[str, Any]) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{json.dumps(sent)}\n")
    process.stdin.flush()


def received(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    found: dict[str, Any] = json.loads(process.stdout.readline())
    return found


def test_the_command_ends_with_its_input(folders: dict[str, Path], tmp_path: Path) -> None:
    with started(folders["bytes"], folders["bpe"], "--load", "ram", folder=tmp_path) as process:
        send(process, call("count", COUNT, 2))
        assert received(process)["result"]["structuredContent"]["string_count"] == 5
        rest, stderr = process.communicate(timeout=60)
    assert (rest, stderr, process.returncode) == ("", "", 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_ends_at_a_signal(folders: dict[str, Path], tmp_path: Path, number: signal.Signals) -> None:
    """Its standard input stays open: nothing waits for another line."""
    with started(folders["bytes"], folder=tmp_path) as process:
        process.send_signal(number)
        assert process.wait(60) == 128 + number
        assert process.stderr is not None
        assert process.stderr.read() == "error: interrupted\n"


def test_lines_that_are_no_messages(folders: dict[str, Path], tmp_path: Path) -> None:
    """They are ignored or answered with an error; later calls are answered."""
    with started(folders["bytes"], "--name", "other", folder=tmp_path) as process:
        assert process.stdin is not None
        process.stdin.write('nothing\n[]\n{"jsonrpc": "2.0"}\n')
        send(process, call("list_indexes", {}, 7))
        while (answer := received(process)).get("id") != 7:
            assert "result" not in answer
        assert [each["name"] for each in answer["result"]["structuredContent"]["indexes"]] == ["other"]


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        ((), 2, "INDEX"),
        (("missing",), 4, "missing"),
        (("--name", "x"), 2, "--name"),
        (("--config", "missing.toml"), 2, "--config"),
    ],
)
def test_the_command_without_an_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: int, expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = run("mcp", *words)
    assert outcome.code == code
    assert expected in outcome.stderr
    assert outcome.stdout == ""
