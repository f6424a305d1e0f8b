"""Opening, damage, overload, and the settings."""

from __future__ import annotations

import asyncio
import errno
import json
import shutil
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from infgram.service import Settings, add_key, create_app, names_of, settings_from
from infgram.service.indexes import ServedIndex
from infgram.service.problems import ProblemError
from infgram.service.runtime import Runtime, Slots
from pydantic import ValidationError

import infgram
from tests.client.loopback import loopback
from tests.infini_gram_folders import write_folder
from tests.service.conftest import TEXTS, answered, problem


class Stub:
    """A fake index with scripted behavior."""

    vocab_size = 255
    tokenizer: Any = None
    is_local = False

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.is_closed = False
        self.n_counted = 0
        self.started, self.may_end = threading.Event(), threading.Event()

    def count(self, _: Any) -> int:
        if self.error is not None:
            raise self.error
        self.started.set()
        assert self.may_end.wait(timeout=30)
        self.n_counted += 1
        return 7

    def check_files(self) -> None:
        """Nothing is mapped."""

    def close(self) -> None:
        self.is_closed = True


def served(folders: dict[str, Path], **more: Any) -> TestClient:
    return TestClient(create_app(Settings(indexes=folders, **more)), raise_server_exceptions=False)


def put(client: TestClient, name: str, stub: Stub) -> None:
    entry = runtime(client).indexes[name]
    stub.tokenizer = entry.index.tokenizer
    entry.index = stub  # type: ignore[assignment]


def runtime(client: TestClient) -> Runtime:
    found: Runtime = vars(client.app)["state"].runtime
    return found


def test_making_an_app_opens_nothing(tmp_path: Path) -> None:
    app = create_app(Settings(indexes={"none": tmp_path / "none"}))
    with pytest.raises(infgram.IndexNotFoundError), TestClient(app):
        pass


def test_the_lifespan_closes_what_it_opened(folders: dict[str, Path]) -> None:
    with served(folders) as client:
        indexes = [entry.index for entry in runtime(client).indexes.values()]
        assert answered(client.post("/v1/indexes/bytes/count", json={"query": "rose"}))["count"] == 5
    for index in indexes:
        with pytest.raises(infgram.IndexClosedError):
            index.count([1])


def test_a_damaged_index_returns_503_afterwards(folders: dict[str, Path]) -> None:
    with served(folders) as client:
        put(client, "bytes", Stub(infgram.IndexDamagedError("/secret/place is damaged")))
        assert answered(client.get("/readyz")) == {"status": "ready"}
        for path in ("count", "count/batch", "infgram"):
            body = {"items": [{"query": "a"}]} if "batch" in path else {"query": "a"}
            refused = problem(client.post(f"/v1/indexes/bytes/{path}", json=body), 503, "index_damaged")
            assert "secret" not in str(refused)
        assert problem(client.get("/readyz"), 503, "index_damaged")["detail"].endswith("Damaged: bytes.")
        assert answered(client.get("/healthz")) == {"status": "ok"}
        assert answered(client.post("/v1/indexes/bpe/count", json={"query": " rose"}))["count"] == 5


@pytest.mark.parametrize(("path", "body"), [("documents/1", None), ("search", {"query": "natural"})])
def test_damaged_metadata_are_damage(
    path: str, body: dict[str, str] | None, folders: dict[str, Path], tmp_path: Path
) -> None:
    """Opening does not read them, so the first question that does answers 503, and so does `/readyz` until a reload."""
    copy = Path(shutil.copytree(folders["bytes"], tmp_path / "x"))
    (file,) = copy.rglob("metadata.bin")
    sound = file.read_bytes()
    file.write_bytes(sound.replace(b'"number":1', b'"number":x'))
    with served({"x": copy}) as client:
        assert answered(client.get("/readyz")) == {"status": "ready"}
        address = f"/v1/indexes/x/{path}"
        problem(client.get(address) if body is None else client.post(address, json=body), 503, "index_damaged")
        assert problem(client.get("/readyz"), 503, "index_damaged")["detail"].endswith("Damaged: x.")
        file.write_bytes(sound)
        assert answered(client.post("/v1/admin/reload"))["reloaded"] == ["x"]
        assert answered(client.get("/readyz")) == {"status": "ready"}


def test_a_disk_error_returns_503_and_may_recover(folders: dict[str, Path]) -> None:
    with served(folders) as client:
        put(client, "bytes", Stub(infgram.StorageError("/secret/place cannot be read")))
        problem(client.post("/v1/indexes/bytes/count", json={"query": "a"}), 503, "storage_error")
        assert answered(client.get("/readyz")) == {"status": "ready"}


@pytest.mark.parametrize("error", [RuntimeError("the secret"), MemoryError(), infgram.InfgramError("the secret")])
def test_an_unexpected_error_reveals_nothing(folders: dict[str, Path], error: Exception) -> None:
    with served(folders) as client:
        put(client, "bytes", Stub(error))
        response = client.post("/v1/indexes/bytes/count", json={"query": "a"})
        refused = problem(response, 500, "internal_error")
        assert response.headers["x-content-type-options"] == "nosniff"
        assert refused["detail"] == "Internal error; the log of the server has the details."


def test_too_many_concurrent_queries_are_rejected(folders: dict[str, Path]) -> None:
    stub = Stub()
    with served(folders, max_concurrency=1, max_waiting=0) as client, ThreadPoolExecutor(1) as threads:
        put(client, "bytes", stub)
        first = threads.submit(client.post, "/v1/indexes/bytes/count", json={"query": "a"})
        assert stub.started.wait(timeout=30)
        response = client.post("/v1/indexes/bytes/count", json={"query": "a"})
        problem(response, 503, "overloaded")
        assert response.headers["retry-after"] == "1"
        assert answered(client.get("/healthz")) == {"status": "ok"}
        stub.may_end.set()
        assert answered(first.result())["count"] == 7
        assert answered(client.post("/v1/indexes/bytes/count", json={"query": "a"}))["count"] == 7


def test_some_queries_wait(folders: dict[str, Path]) -> None:
    stub = Stub()
    with served(folders, max_concurrency=1, max_waiting=3) as client, ThreadPoolExecutor(4) as threads:
        put(client, "bytes", stub)
        sent = [threads.submit(client.post, "/v1/indexes/bytes/count", json={"query": "a"}) for _ in range(4)]
        assert stub.started.wait(timeout=30)
        stub.may_end.set()
        assert [answered(response.result())["count"] for response in sent] == [7] * 4


def test_settings_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFGRAM_INDEXES", '{"stories": "/data/stories.infgram"}')
    monkeypatch.setenv("INFGRAM_PORT", "80")
    monkeypatch.setenv("INFGRAM_LIMITS__TOP_K", "77")
    settings = Settings(host="0.0.0.0")
    assert settings.indexes == {"stories": Path("/data/stories.infgram")}
    assert (settings.host, settings.port, settings.limits.top_k) == ("0.0.0.0", 80, 77)
    assert Settings(port=81).port == 81


@pytest.mark.parametrize(
    "wrong",
    [
        {"indexes": {"a/b": "x"}},
        {"indexes": {"": "x"}},
        {"port": 65_536},
        {"max_concurrency": 0},
        {"limits": {"top_k": 19}},
        {"limits": {"other": 1}},
        {"other": 1},
    ],
)
def test_invalid_settings(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings(**wrong)


def test_names_of_folders() -> None:
    paths = [Path(name) for name in ("a/corpus.infgram", "b/corpus.infgram", "my books (2)", "…", "c.d")]
    names = ["corpus", "corpus-2", "my-books-2", "index", "c.d"]
    absolute = {name: path.absolute() for name, path in zip(names, paths, strict=True)}
    assert names_of(paths) == absolute
    assert Settings(indexes=names_of(paths)).indexes == absolute


# Time limits, disconnected clients, and replaced indexes


def test_a_query_that_takes_too_long(folders: dict[str, Path]) -> None:
    """The client gets a response in time; a search that cannot be stopped keeps its slot until it ends."""
    stub = Stub()
    with served(folders, timeout_s=0.2, max_concurrency=1, max_waiting=0) as client:
        put(client, "bytes", stub)
        problem(client.post("/v1/indexes/bytes/count", json={"query": "a"}), 503, "timeout")
        problem(client.post("/v1/indexes/bytes/count", json={"query": "a"}), 503, "overloaded")
        stub.may_end.set()
        assert soon_counted(client) == 7


def soon_counted(client: TestClient) -> int:
    for _ in range(100):
        response = client.post("/v1/indexes/bytes/count", json={"query": "a"})
        if response.status_code == 200:
            return int(response.json()["count"])
        problem(response, 503, "overloaded")
        time.sleep(0.05)
    raise AssertionError("the place was never given back")


def test_a_batch_stops_at_the_time_limit(folders: dict[str, Path]) -> None:
    with served(folders, timeout_s=0.05) as client:
        items = [{"query": "a rose is a rose" * 50}] * 1000
        problem(client.post("/v1/indexes/bytes/score/batch", json={"items": items}), 503, "timeout")


def test_a_disconnected_client_stops_its_batch(folders: dict[str, Path]) -> None:
    """The batch stops after the first query, which waits until the connection is closed."""
    stub = Stub()
    stub.is_local = True  # queried one by one
    with loopback(indexes={"bytes": folders["bytes"]}) as service:
        entry = service.runtime.indexes["bytes"]
        stub.tokenizer = entry.index.tokenizer
        entry.index = stub  # type: ignore[assignment]
        body = b'{"items": [' + b",".join([b'{"query": "a"}'] * 500) + b"]}"
        head = "POST /v1/indexes/bytes/count/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        host, port = service.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            assert stub.started.wait(timeout=30)
            time.sleep(0.2)  # longer than the interval of the checks
        time.sleep(0.2)
        stub.may_end.set()
        for _ in range(600):
            if entry.n_holders == 0:
                break
            time.sleep(0.05)
        assert entry.n_holders == 0
        assert stub.n_counted == 1


def test_an_index_stays_open_until_its_last_query_ends(folders: dict[str, Path]) -> None:
    stub = Stub()
    with served(folders) as client, ThreadPoolExecutor(1) as threads:
        indexes = runtime(client).indexes
        put(client, "bytes", stub)
        first = threads.submit(client.post, "/v1/indexes/bytes/count", json={"query": "a"})
        assert stub.started.wait(timeout=30)
        other = ServedIndex("bytes", infgram.open(folders["bytes"]))
        assert indexes.replace({**indexes, "bytes": other}) == ["bytes"]
        assert not stub.is_closed
        assert answered(client.post("/v1/indexes/bytes/count", json={"query": "rose"}))["count"] == 5
        stub.may_end.set()
        assert answered(first.result())["count"] == 7
        assert stub.is_closed


def test_a_damaged_index_is_replaced_by_a_reload(folders: dict[str, Path]) -> None:
    with served(folders) as client:
        put(client, "bytes", Stub(infgram.IndexDamagedError("damaged")))
        problem(client.post("/v1/indexes/bytes/count", json={"query": "a"}), 503, "index_damaged")
        assert answered(client.post("/v1/admin/reload")) == {"reloaded": ["bytes"], "unchanged": ["bpe", "ids"]}
        assert answered(client.post("/v1/indexes/bytes/count", json={"query": "rose"}))["count"] == 5
        assert answered(client.get("/readyz")) == {"status": "ready"}


def test_every_failed_reload_has_a_reason(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error is not one of the library, for example that of a model file."""
    keys = tmp_path / "keys.txt"
    admin = {"authorization": f"Bearer {add_key(keys, 'keeper', is_admin=True)}"}
    with served({"bytes": folders["bytes"]}, api_keys_file=keys) as client:

        def fail(*_: Any) -> None:
            raise PermissionError(13, "Permission denied", "/data/weights.json")

        indexes = runtime(client).indexes
        monkeypatch.setattr(indexes, "_model_loader", fail)
        indexes["bytes"].is_damaged = True  # so it is opened again
        refused = problem(client.post("/v1/admin/reload", headers=admin), 503, "not_loaded")
        assert "index bytes" in refused["detail"]
        assert "Permission denied: '/data/weights.json'" in refused["detail"]
        assert client.get("/metrics", headers=admin).text.count("infgram_reload_failed 1.0") == 1
        indexes["bytes"].is_damaged = False
        assert client.get("/readyz").json()["reload_failed"]["error"] == "other"
    assert "/data/weights.json" in capsys.readouterr().err


def test_an_index_can_be_verified_before_it_is_served(folders: dict[str, Path], tmp_path: Path) -> None:
    copy = tmp_path / "x"
    shutil.copytree(folders["bytes"], copy)
    (section,) = copy.glob("*/suffix_array.bin")
    content = bytearray(section.read_bytes())
    content[-20] ^= 1
    section.write_bytes(content)
    create = create_app(Settings(indexes={"x": copy}, verify=True))
    with pytest.raises(infgram.IndexDamagedError), TestClient(create):
        pass


def test_an_index_of_infini_gram(folders: dict[str, Path], tmp_path: Path) -> None:
    write_folder(tmp_path / "theirs", [list(text.encode()) for text in TEXTS], 8, n_shards=2)
    both = {"theirs": tmp_path / "theirs", "bytes": folders["bytes"]}
    with served(both, tokenizers={"theirs": "bytes"}) as client:
        for path, asked in (("count", {"query": "rose"}), ("next-token", {"query": "a ros", "top_k": 3})):
            answers = [answered(client.post(f"/v1/indexes/{name}/{path}", json=asked)) for name in both]
            assert answers[0] == {**answers[1], "elapsed_ms": answers[0]["elapsed_ms"]}
    twice = {"theirs": tmp_path / "theirs", "ids": tmp_path / "theirs"}
    with served(twice, tokenizers={"theirs": "bytes"}) as client:
        kinds = {name: answered(client.get(f"/v1/indexes/{name}"))["tokenizer"] for name in twice}
        assert (kinds["theirs"]["kind"], kinds["ids"]) == ("bytes", None)
    with pytest.raises(ValidationError, match="unknown index other"):
        Settings(indexes=both, tokenizers={"other": "bytes"})


def test_settings_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "service.toml"
    file.write_text('port = 81\nhost = "::1"\n[indexes]\na = "x"\n[limits]\ntop_k = 99\n')
    monkeypatch.setenv("INFGRAM_HOST", "127.0.0.2")
    settings = settings_from(file, port=82)
    assert (settings.port, settings.host, settings.limits.top_k) == (82, "127.0.0.2", 99)
    assert settings.indexes == {"a": Path("x").absolute()}
    assert settings_from(None, port=83).port == 83
    with pytest.raises(OSError, match="none"):
        settings_from(tmp_path / "none.toml")


def test_slots_are_given_first_come_first_served() -> None:
    """Not to a question that was cancelled; one that was cancelled too late passes its slot on."""

    async def check() -> None:
        slots, got = Slots(1, max_waiting=4, max_wait_s=30), []

        async def take(number: int) -> None:
            await slots.acquire()
            got.append(number)

        await take(0)
        waiting = [asyncio.ensure_future(take(number)) for number in range(1, 5)]
        await asyncio.sleep(0)
        with pytest.raises(ProblemError) as full:
            await slots.acquire()
        assert (full.value.problem.code, full.value.headers) == ("overloaded", {"Retry-After": "1"})
        waiting[0].cancel()
        slots.release()
        waiting[1].cancel()  # it has the slot, and does not know yet
        await asyncio.sleep(0.01)
        assert got == [0, 3]
        slots.release()
        await asyncio.sleep(0.01)
        assert got == [0, 3, 4]
        slots.release()
        await take(5)
        assert got == [0, 3, 4, 5]

    asyncio.run(check())


def test_a_question_does_not_wait_for_ever_for_a_slot() -> None:
    async def check() -> None:
        slots = Slots(1, max_waiting=4, max_wait_s=0.01)
        await slots.acquire()
        with pytest.raises(ProblemError, match="overloaded"):
            await slots.acquire()
        slots.release()
        await slots.acquire()

    asyncio.run(check())


def test_the_watch_survives_whatever_fails_for_one_index(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The failure is logged once, and the other indexes and steps go on."""
    monkeypatch.setattr("infgram.service.runtime.CHECK_FILES_EVERY_S", 0.01)
    seen: list[str] = []

    def tend(name: str) -> None:
        seen.append(name)
        if name == first:
            raise ValueError("unexpected")

    with served(folders) as client:
        first, *others = runtime(client).settings.indexes
        monkeypatch.setattr(runtime(client).jobs, "tend", tend)
        monkeypatch.setattr(runtime(client).indexes, "changed", lambda: 1 // 0)
        for _ in range(1200):
            if seen.count(others[-1]) >= 3:
                break
            time.sleep(0.05)
        assert seen.count(others[-1]) >= 3
    logged = [json.loads(line) for line in capfd.readouterr().err.splitlines() if "watch_failed" in line]
    assert [(line["step"], line["index"], line["error"], line["detail"]) for line in logged] == [
        ("reload", None, "ZeroDivisionError", "integer division or modulo by zero"),
        ("jobs", first, "ValueError", "unexpected"),
    ]


@pytest.mark.parametrize(
    ("error", "n_tries"),
    [
        (OSError(errno.EMFILE, "Too many open files"), 3),
        (OSError(errno.ENOENT, "No such file or directory"), 1),
        (infgram.StorageError("busy"), 3),
        (infgram.IndexDamagedError("x"), 1),
    ],
)
def test_a_state_that_the_system_cannot_open_now_is_tried_again(
    folders: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    error: Exception,
    n_tries: int,
) -> None:
    """It is logged once, and opened when the system can; one that is damaged is tried once."""
    tried: list[str] = []

    def fail(name: str) -> Any:
        tried.append(name)
        raise error

    with served({"bytes": folders["bytes"]}, auto_reload=False) as client:
        served_now = runtime(client)
        opener = served_now.indexes._opener
        served_now.indexes["bytes"].identity = (0,)
        monkeypatch.setattr(served_now.indexes, "_opener", fail)
        for _ in range(3):
            client.portal.call(served_now.reload_changed)
        assert len(tried) == n_tries
        assert answered(client.get("/readyz"))["reload_failed"]
        if n_tries > 1:
            monkeypatch.setattr(served_now.indexes, "_opener", opener)
            client.portal.call(served_now.reload_changed)
            assert "reload_failed" not in answered(client.get("/readyz"))
    assert capfd.readouterr().err.count('"event":"not_reloaded"') == 1
