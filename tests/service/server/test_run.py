"""`run` as a program: it prints its address, serves requests, and exits on a signal."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from infgram.service import Settings, run
from infgram.service.runtime import CHECK_FILES_EVERY_S

import infgram

PROGRAM = """
import sys, json
from infgram.service import Settings, run
from infgram.service.runtime import CHECK_FILES_EVERY_S
if __name__ == "__main__":
    run(Settings(**json.loads(sys.argv[1])), announce=lambda address: print(address, flush=True))
"""


class Running:
    """A service in its own process, and its output."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        program = folder / "program.py"
        program.write_text(PROGRAM)
        given = json.dumps({"port": 0, **settings}, default=str)
        self.log = folder / "log.jsonl"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-I", program, given], stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()
        assert self.address.startswith("http://127.0.0.1:"), self.log.read_text()
        self.client = httpx2.Client(base_url=self.address, trust_env=False, timeout=30)

    def count(self, query: str, name: str = "bytes") -> int:
        response = self.client.post(f"/v1/indexes/{name}/count", json={"query": query})
        assert response.status_code == 200, response.text
        return int(response.json()["count"])

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(timeout=30)
        finally:
            self.process.kill()
            self.client.close()
            assert self.process.stdout is not None
            self.process.stdout.close()

    def logged(self, event: str) -> list[dict[str, Any]]:
        written = self.log.read_text().splitlines()
        lines = [json.loads(line) for line in written if line.startswith("{")]  # a traceback is none
        return [line for line in lines if line["event"] == event]


@contextmanager
def running(folder: Path, **settings: Any) -> Iterator[Running]:
    started = Running(folder, **settings)
    try:
        yield started
    finally:
        started.stop()


def soon(is_so: Callable[[], bool]) -> None:
    """Wait until a condition is true."""
    for _ in range(600):
        if is_so():
            return
        time.sleep(0.05)
    raise AssertionError("it never came")


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", [1, 2])
def test_it_serves_until_a_signal(folders: dict[str, Path], tmp_path: Path, stop: signal.Signals, workers: int) -> None:
    with running(tmp_path, indexes={"bytes": folders["bytes"]}, workers=workers) as service:
        response = service.client.post("/v1/indexes/bytes/count", json={"query": "rose"})
        assert response.json()["count"] == 5
        assert "server" not in response.headers
        assert service.stop(stop) in {0, -stop}
    assert [line["request_id"] for line in service.logged("request")] == [response.headers["x-request-id"]]
    assert "rose" not in service.log.read_text()


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("by", ["signal", "request"])
def test_a_replaced_index_takes_its_place(tmp_path: Path, workers: int, by: str) -> None:
    corpus, index = tmp_path / "corpus.txt", tmp_path / "x.infgram"
    corpus.write_text("a rose")
    infgram.build(corpus, index, tokenizer="bytes").close()
    with running(tmp_path, indexes={"bytes": index}, workers=workers, auto_reload=False) as service:
        assert service.count("rose") == 1
        corpus.write_text("a rose is a rose")
        infgram.build(corpus, index, tokenizer="bytes", overwrite=True).close()
        assert service.count("rose") == 1
        if by == "signal":
            service.send(signal.SIGHUP)
        else:
            answer = service.client.post("/v1/admin/reload")
            assert answer.json() == {"reloaded": ["bytes"], "unchanged": []}
        soon(lambda: len(service.logged("reloaded")) == workers)
        for _ in range(8):
            with httpx2.Client(base_url=service.address, trust_env=False) as fresh:  # perhaps another worker
                counted = fresh.post("/v1/indexes/bytes/count", json={"query": "rose"})
            assert counted.json()["count"] == 2


@pytest.mark.parametrize("workers", [1, 2])
def test_every_worker_sees_another_index_by_itself(tmp_path: Path, workers: int) -> None:
    """A state that cannot be opened is tried once by each worker, and the old one is served until the next state."""
    corpus, index = tmp_path / "corpus.txt", tmp_path / "x.infgram"
    corpus.write_text("a rose")
    infgram.build(corpus, index, tokenizer="bytes").close()

    def counts(service: Running) -> set[int]:
        found = set()
        for _ in range(8):
            with httpx2.Client(base_url=service.address, trust_env=False) as fresh:  # perhaps another worker
                response = fresh.post("/v1/indexes/bytes/count", json={"query": "rose"})
                assert response.status_code == 200
                found.add(response.json()["count"])
        return found

    with running(tmp_path, indexes={"bytes": index}, workers=workers) as service:
        corpus.write_text("a rose is a rose")
        infgram.build(corpus, index, tokenizer="bytes", overwrite=True).close()
        soon(lambda: len(service.logged("reloaded")) == workers)
        assert counts(service) == {2}
        damaged = tmp_path / "damaged.json"
        damaged.write_text("{}")
        damaged.replace(index / "manifest.json")
        soon(lambda: len(service.logged("not_reloaded")) == workers)
        time.sleep(2 * CHECK_FILES_EVERY_S)
        assert len(service.logged("not_reloaded")) == workers
        assert service.logged("not_reloaded")[0]["error"] == "IndexDamagedError"
        ready = service.client.get("/readyz").json()
        assert (ready["status"], ready["reload_failed"]["error"]) == ("ready", "IndexDamagedError")
        assert counts(service) == {2}
        index.rename(tmp_path / "old")  # a folder that is missing is no state
        time.sleep(2 * CHECK_FILES_EVERY_S)
        assert len(service.logged("not_reloaded")) == workers
        corpus.write_text("a rose is a rose is a rose")
        infgram.build(corpus, index, tokenizer="bytes").close()
        soon(lambda: counts(service) == {3})
        soon(lambda: service.client.get("/readyz").json() == {"status": "ready"})


def test_an_index_that_cannot_be_opened_is_not_served(tmp_path: Path, folders: dict[str, Path]) -> None:
    index = tmp_path / "x.infgram"
    shutil.copytree(folders["bytes"], index)
    with running(tmp_path, indexes={"bytes": index}, auto_reload=False) as service:
        manifest = (index / "manifest.json").read_bytes()
        (index / "manifest.json").unlink()
        answer = service.client.post("/v1/admin/reload")
        assert (answer.status_code, answer.json()["code"]) == (503, "not_loaded")
        assert "The log" in answer.json()["detail"], "without keys, the response has no paths"
        assert str(tmp_path) not in answer.text
        service.send(signal.SIGHUP)
        soon(lambda: len(service.logged("not_reloaded")) == 2)
        for line in service.logged("not_reloaded"):
            assert (line["level"], line["index"], line["error"]) == ("error", "bytes", "IndexNotFoundError")
            assert str(index) in line["detail"]
        assert service.count("rose") == 5
        ready = service.client.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (200, "ready")
        assert ready.json()["reload_failed"]["error"] == "IndexNotFoundError"
        assert str(tmp_path) not in ready.text
        (index / "manifest.json").write_bytes(manifest)
        assert service.client.post("/v1/admin/reload").status_code == 200
        assert service.client.get("/readyz").json() == {"status": "ready"}


def test_a_failed_reload_is_reported_by_every_worker(tmp_path: Path, folders: dict[str, Path]) -> None:
    """Reload a dangling link, then a damaged index with SIGHUP, then an intact index."""
    link = tmp_path / "x.infgram"
    link.symlink_to(folders["bytes"])
    damaged = tmp_path / "damaged.infgram"
    shutil.copytree(folders["bytes"], damaged)
    (damaged / "manifest.json").write_text("{}")

    def point_to(target: Path) -> None:
        (tmp_path / "new").symlink_to(target)
        (tmp_path / "new").rename(link)

    def states(service: Running) -> list[dict[str, Any]]:
        found = []
        for _ in range(8):
            with httpx2.Client(base_url=service.address, trust_env=False) as fresh:  # perhaps another worker
                found.append(fresh.get("/readyz").json())
                metrics = fresh.get("/metrics").text
        return [*found, {"failed": "infgram_reload_failed 0.0" not in metrics}]

    with running(tmp_path, indexes={"bytes": link}, workers=2, auto_reload=False) as service:
        point_to(tmp_path / "nowhere")
        assert service.client.post("/v1/admin/reload").status_code == 503
        *ready, metrics = states(service)
        assert {state["reload_failed"]["error"] for state in ready} == {"IndexNotFoundError"}
        assert metrics == {"failed": True}
        point_to(damaged)
        service.send(signal.SIGHUP)
        soon(lambda: len(service.logged("not_reloaded")) == 3)
        assert {state["reload_failed"]["error"] for state in states(service)[:-1]} == {"IndexDamagedError"}
        assert service.count("rose") == 5
        point_to(folders["bytes"])
        service.send(signal.SIGHUP)
        soon(lambda: len(service.logged("reloaded")) == 2)
        *ready, metrics = states(service)
        assert ready == [{"status": "ready"}] * 8
        assert metrics == {"failed": False}


def test_a_worker_that_dies_is_replaced(tmp_path: Path, folders: dict[str, Path]) -> None:
    with running(tmp_path, indexes={"bytes": folders["bytes"]}, workers=2) as service:
        service.client.close()
        children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children").read_text().split()
        names = {child: Path(f"/proc/{child}/cmdline").read_bytes() for child in children}
        workers = [int(child) for child, name in names.items() if b"spawn_main" in name]
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)
        soon(lambda: len(service.logged("worker_died")) == 1)
        service.client = httpx2.Client(base_url=service.address, trust_env=False, timeout=30)
        assert service.count("rose") == 5


def test_all_workers_are_counted(tmp_path: Path, folders: dict[str, Path]) -> None:
    with running(tmp_path, indexes={"bytes": folders["bytes"]}, workers=2) as service:
        for _ in range(12):
            with httpx2.Client(base_url=service.address, trust_env=False) as fresh:
                assert fresh.post("/v1/indexes/bytes/count", json={"query": "rose"}).status_code == 200
        text = service.client.get("/metrics").text
    assert 'infgram_requests_total{operation="count",status="200"} 12.0' in text
    assert "infgram_workers 2.0" in text


def test_readyz_fails_before_it_stops(tmp_path: Path, folders: dict[str, Path]) -> None:
    with running(tmp_path, indexes={"bytes": folders["bytes"]}, drain_s=1.0) as service:
        assert service.client.get("/readyz").status_code == 200
        service.send(signal.SIGTERM)
        soon(lambda: service.client.get("/readyz").json().get("code") == "shutting_down")
        assert service.count("rose") == 5
        assert service.process.wait(timeout=30) in {0, -signal.SIGTERM}


def test_a_port_in_use(folders: dict[str, Path]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(infgram.StorageError, match=f"cannot listen at 127.0.0.1 port {port}: .*--port"):
            run(Settings(indexes={"bytes": folders["bytes"]}, port=port))


def test_a_missing_index(tmp_path: Path) -> None:
    with pytest.raises(infgram.IndexNotFoundError):
        run(Settings(indexes={"none": tmp_path / "none"}, port=0))


def test_workers_that_die_again_and_again_end_the_server(tmp_path: Path, folders: dict[str, Path]) -> None:
    index = tmp_path / "x.infgram"
    shutil.copytree(folders["bytes"], index)
    with running(tmp_path, indexes={"bytes": index}, workers=2) as service:
        service.client.close()
        os.truncate(index / "shard-00000" / "tokens.bin", 0)
        children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children").read_text().split()
        for child in children:
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                os.kill(int(child), signal.SIGBUS)
        assert service.process.wait(timeout=120) == 1
        assert len(service.logged("worker_died")) == 5
        (line,) = service.logged("stopping")
        assert (line["level"], line["deaths"]) == ("error", 5)
        assert "workers died 5 times within 60 s" in service.log.read_text()


@pytest.mark.parametrize("change", ["truncated", "overwritten"])
def test_an_index_that_is_changed_in_place_answers_no_more(
    tmp_path: Path, folders: dict[str, Path], change: str
) -> None:
    index, copy = tmp_path / "x.infgram", tmp_path / "copy.infgram"
    shutil.copytree(folders["bytes"], index)
    shutil.copytree(folders["bytes"], copy)
    file = index / "shard-00000" / "tokens.bin"
    with running(tmp_path, indexes={"bytes": index, "bpe": folders["bpe"]}, auto_reload=False) as service:
        assert service.client.get("/readyz").status_code == 200
        if change == "truncated":
            os.truncate(file, file.stat().st_size - 1)
        else:
            file.write_bytes(file.read_bytes())
        soon(lambda: service.client.get("/readyz").status_code == 503)
        for answer in (
            service.client.get("/readyz"),
            service.client.post("/v1/indexes/bytes/count", json={"query": "rose"}),
        ):
            assert (answer.status_code, answer.json()["code"]) == (503, "index_damaged")
            assert answer.json()["detail"].startswith("Index bytes: shard-00000/tokens.bin was ")
            assert "--load ram" in answer.json()["detail"]
            assert str(tmp_path) not in answer.text
        assert service.count("the", "bpe") > 0
        (line,) = service.logged("index_changed")
        assert str(file) in line["detail"]
        index.rename(tmp_path / "old")
        copy.rename(index)
        assert service.client.post("/v1/admin/reload").json() == {"reloaded": ["bytes"], "unchanged": ["bpe"]}
        assert service.client.get("/readyz").status_code == 200
        assert service.count("rose") == 5
