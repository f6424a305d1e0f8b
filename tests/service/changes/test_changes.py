"""Changes over HTTP: who may make them, what is refused, and the life of a job."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient
from infgram.service import Settings, add_key, create_app
from infgram.service.changes import process, queue
from infgram.service.problems import KINDS, ProblemError

import infgram
from infgram.changes.writer import writing
from tests.infini_gram_folders import write_folder
from tests.service.conftest import TEXTS, TOKEN_DOCUMENTS, answered, problem
from tests.service.middleware.test_auth import bearer

JSON = {"content-type": "application/json"}
WRITES = [
    ("POST", "documents", {"documents": [{"text": "a"}]}),
    ("DELETE", "documents", {"documents": [0]}),
    ("POST", "compact", None),
    ("GET", "jobs", None),
    ("GET", "jobs/0123456789abcdef01234567", None),
]


@pytest.fixture
def indexes(tmp_path: Path) -> dict[str, Path]:
    """Two indexes that a test may change."""
    rows = [json.dumps({"text": text, "id": f"t{n}", "n": n}) for n, text in enumerate(TEXTS)]
    (tmp_path / "texts.jsonl").write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    made = {"texts": tmp_path / "texts.infgram", "ids": tmp_path / "ids.infgram"}
    infgram.build(tmp_path / "texts.jsonl", made["texts"], tokenizer="bytes").close()
    infgram.build_from_tokens(TOKEN_DOCUMENTS, made["ids"], vocab_size=5).close()
    return made


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, str]:
    """A key of each kind, by name."""
    file = tmp_path / "keys.txt"
    return {
        "reader": add_key(file, "reader"),
        "admin": add_key(file, "admin", is_admin=True),
        "writer": add_key(file, "writer", may_write=True),
    }


@pytest.fixture
def writer(indexes: dict[str, Path], keys: dict[str, str], tmp_path: Path) -> Iterator[TestClient]:
    """A client that may write."""
    with served(indexes, keys_file=tmp_path / "keys.txt") as client:
        client.headers.update(bearer(keys["writer"]))
        yield client


def served(indexes: dict[str, Path], keys_file: Path | None, **more: Any) -> TestClient:
    settings = Settings(indexes=indexes, api_keys_file=keys_file, log_requests=False, **more)
    return TestClient(create_app(settings), raise_server_exceptions=False)


def send(client: TestClient, method: str, path: str, body: Any, name: str = "texts", **more: Any) -> Any:
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    headers = {**({} if body is None else JSON), **more.pop("headers", {})}
    return client.request(method, f"/v1/indexes/{name}/{path}", content=body, headers=headers, **more)


def accepted(client: TestClient, method: str, path: str, body: Any, name: str = "texts") -> dict[str, Any]:
    """Send a change, and return its job when it has ended."""
    response = send(client, method, path, body, name)
    assert response.status_code == 202, response.text
    queued = response.json()
    assert queued["status"] == "queued"
    address = response.headers["location"]
    assert address == f"/v1/indexes/{name}/jobs/{queued['id']}"
    return ended(client, address)


def ended(client: TestClient, address: str) -> dict[str, Any]:
    soon(lambda: answered(client.get(address))["finished"] is not None)
    return answered(client.get(address))


def soon(is_so: Callable[[], bool]) -> None:
    for _ in range(1200):
        if is_so():
            return
        time.sleep(0.05)
    raise AssertionError("it never came")


# Who may write


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_only_a_key_that_may_write_is_allowed(
    indexes: dict[str, Path], keys: dict[str, str], tmp_path: Path, method: str, path: str, body: Any
) -> None:
    before = {name: (folder / "manifest.json").read_bytes() for name, folder in indexes.items()}
    with served(indexes, tmp_path / "keys.txt") as client:
        problem(send(client, method, path, body), 401, "unauthorized")
        for name in ("reader", "admin"):
            refused = problem(send(client, method, path, body, headers=bearer(keys[name])), 403, "forbidden")
            assert "infgram api-key --write" in refused["detail"]
            problem(send(client, method, path, body, "none", headers=bearer(keys[name])), 403, "forbidden")
        problem(send(client, method, path, body, "none", headers=bearer(keys["writer"])), 404, "unknown_index")
        assert not client.app.state.runtime.jobs._processes
    assert before == {name: (folder / "manifest.json").read_bytes() for name, folder in indexes.items()}


@pytest.mark.parametrize("more", [{}, {"requests_per_s": 100}])
@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_a_server_without_keys_accepts_no_changes(
    indexes: dict[str, Path], method: str, path: str, body: Any, more: dict[str, Any]
) -> None:
    with served(indexes, None, **more) as client:
        refused = problem(send(client, method, path, body, headers=bearer("infgram_any")), 403, "forbidden")
        assert "--api-keys-file" in refused["detail"]


def test_a_key_that_may_write_may_query_but_not_administrate(writer: TestClient) -> None:
    assert answered(writer.post("/v1/indexes/texts/count", json={"query": "rose"}))["count"] == 5
    problem(writer.post("/v1/admin/reload"), 403, "forbidden")


def test_an_index_behind_a_url_is_not_changed(
    indexes: dict[str, Path], keys: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infgram.open", lambda _path, load, tokenizer: infgram.Index([indexes["texts"]], load=load))
    settings = Settings(indexes={"texts": "s3://bucket/texts"}, api_keys_file=tmp_path / "keys.txt")
    with TestClient(create_app(settings)) as client:
        client.headers.update(bearer(keys["writer"]))
        for method, path, body in WRITES[:3]:
            problem(send(client, method, path, body), 409, "not_changeable")


def test_an_index_of_infini_gram_is_not_changed(keys: dict[str, str], tmp_path: Path) -> None:
    write_folder(tmp_path / "theirs", [list(b"a rose")], 8)
    with served({"texts": tmp_path / "theirs"}, tmp_path / "keys.txt", tokenizers={"texts": "bytes"}) as client:
        for method, path, body in WRITES[:3]:
            refused = problem(send(client, method, path, body, headers=bearer(keys["writer"])), 409, "not_changeable")
            assert "infgram convert" in refused["detail"]


# What is refused

WRONG_ADDITIONS: dict[str, bytes] = {
    "no documents": b'{"documents": []}',
    "neither text nor token ids": b'{"documents": [{"title": "x"}]}',
    "both": b'{"documents": [{"text": "x", "token_ids": [1]}]}',
    "null": b'{"documents": [{"text": null}]}',
    "a number": b'{"documents": [{"text": 1}]}',
    "a text": b'{"documents": ["x"]}',
    "one document": b'{"documents": {"text": "x"}}',
    "token ids with metadata": b'{"documents": [{"token_ids": [1], "id": 1}]}',
    "negative": b'{"documents": [{"token_ids": [-1]}]}',
    "mixed": b'{"documents": [{"token_ids": [1]}, {"text": "x"}]}',
    "a path": b'{"documents": [{"text": "x"}], "source": "/etc/passwd"}',
    "a lone surrogate": rb'{"documents": [{"text": "\ud800"}]}',
    "a lone surrogate in metadata": rb'{"documents": [{"text": "x", "a": {"\udfff": 1}}]}',
    "1e400 in metadata": b'{"documents": [{"text": "x", "a": 1e400}]}',
}
WRONG_DELETIONS: dict[str, bytes] = {
    "nothing": b"{}",
    "only purge": b'{"purge": true}',
    "two": b'{"ids": ["a"], "documents": [1]}',
    "null": b'{"ids": null}',
    "no numbers": b'{"documents": []}',
    "no ids": b'{"ids": []}',
    "no filters": b'{"where": {}}',
    "negative": b'{"documents": [-1]}',
    "beyond 64 bits": b'{"documents": [9223372036854775808]}',
    "a truth value": b'{"documents": [true]}',
    "an id that is a list": b'{"ids": [["a"]]}',
    "a filter that is a list": b'{"where": {"a": [1]}}',
    "purge as text": b'{"ids": ["a"], "purge": "yes"}',
    "a path": b'{"ids": ["a"], "index_path": "/"}',
    "a lone surrogate": rb'{"ids": ["\ud800"]}',
}


@pytest.mark.parametrize(
    ("method", "body"),
    [*(("POST", body) for body in WRONG_ADDITIONS.values()), *(("DELETE", body) for body in WRONG_DELETIONS.values())],
    ids=[*WRONG_ADDITIONS, *WRONG_DELETIONS],
)
def test_an_invalid_body_is_refused_before_there_is_a_job(writer: TestClient, method: str, body: bytes) -> None:
    assert problem(send(writer, method, "documents", body), 422, "invalid_request")["errors"]
    assert answered(writer.get("/v1/indexes/texts/jobs")) == {"jobs": []}


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_bodies_are_read_as_strictly_as_those_of_queries(writer: TestClient, method: str) -> None:
    for body in (b"", b"[" * 9000, b'{"ids": [NaN]}', b'{"ids": ["a"], "ids": ["b"]}', b'\xff{"ids": ["a"]}'):
        problem(send(writer, method, "documents", body), 422, "invalid_json")
    wrong = send(writer, method, "documents", b"{}", headers={"content-type": "text/plain"})
    problem(wrong, 422, "unsupported_media_type")
    problem(send(writer, method, "documents", b" " * ((8 << 20) + 1)), 413, "body_too_large")
    many = {"ids": ["a"] * 500_001} if method == "DELETE" else {"documents": [{"token_ids": [0] * 500_001}]}
    problem(send(writer, method, "documents", json.dumps(many).encode()), 422, "limit_exceeded")


@pytest.mark.parametrize(("method", "path", "body"), WRITES[:3])
def test_a_change_of_another_generation_is_refused(writer: TestClient, method: str, path: str, body: Any) -> None:
    accepted(writer, "DELETE", "documents?if_generation=0", {"documents": [1]})
    job = accepted(writer, method, f"{path}?if_generation=0", body)
    assert (job["status"], job["error"]["status"], job["error"]["code"]) == ("failed", 409, "index_changed")
    assert job["error"]["detail"] == "texts is at generation 1, expected 0; nothing was changed"
    assert accepted(writer, method, f"{path}?if_generation=1", body)["result"]["generation"] == 2
    for wrong in ("x", "-1", "", "1.5", f"{2**63}", "9" * 20, "0" * 5000, "2&if_generation=2"):
        refused = problem(send(writer, method, f"{path}?if_generation={wrong}", body), 422, "invalid_request")
        assert refused["errors"][0]["loc"] == ["query", "if_generation"]


def test_a_change_may_be_larger_than_a_query(writer: TestClient) -> None:
    """By default up to 8 MiB; a length that is announced is checked before the body is read."""
    rows = [{"text": "to be " * 2000, "n": number} for number in range(200)]
    assert len(json.dumps({"documents": rows})) > 2 << 20
    assert accepted(writer, "POST", "documents", {"documents": rows})["result"]["n_documents"] == 200
    problem(writer.post("/v1/indexes/texts/count", content=b" " * ((1 << 20) + 1), headers=JSON), 413, "body_too_large")
    announced = {"content-length": str((8 << 20) + 1)}
    refused = problem(send(writer, "POST", "documents", b"{", headers=announced), 413, "body_too_large")
    assert refused["detail"] == f"The body is too large; expected at most {8 << 20} bytes."


def test_limits_of_changes(indexes: dict[str, Path], keys: dict[str, str], tmp_path: Path) -> None:
    with served(indexes, tmp_path / "keys.txt", limits={"change_bytes": 3000, "change_values": 100}) as client:
        client.headers.update(bearer(keys["writer"]))
        assert send(client, "POST", "documents", {"documents": [{"text": "a" * 2900}]}).status_code == 202
        problem(send(client, "POST", "documents", {"documents": [{"text": "a" * 3000}]}), 413, "body_too_large")
    with served(indexes, tmp_path / "keys.txt", limits={"change_values": 1000}) as client:
        client.headers.update(bearer(keys["writer"]))
        problem(send(client, "DELETE", "documents", {"ids": ["some id"] * 1001}), 422, "limit_exceeded")


def test_one_large_change_is_read_at_a_time(indexes: dict[str, Path], keys: dict[str, str], tmp_path: Path) -> None:
    """So their memory is bounded. Smaller ones do not wait for them."""
    app = create_app(Settings(indexes=indexes, api_keys_file=tmp_path / "keys.txt", log_requests=False))
    asyncio.run(_send_large_changes(app, bearer(keys["writer"])))


async def _send_large_changes(app: Any, headers: dict[str, str]) -> None:
    begun = []

    async def body(name: str, may_end: asyncio.Event) -> AsyncIterator[bytes]:
        begun.append(name)
        yield b'{"documents": [{"text": "a"}'
        await may_end.wait()
        yield b"]}"

    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://x", headers=headers) as client,
    ):

        def send_pieces(name: str, may_end: asyncio.Event) -> asyncio.Task[httpx2.Response]:
            post = client.post("/v1/indexes/texts/documents", content=body(name, may_end), headers=JSON)
            return asyncio.create_task(post)

        ends = asyncio.Event(), asyncio.Event()
        first = send_pieces("first", ends[0])
        while not begun:
            await asyncio.sleep(0)
        second = send_pieces("second", ends[1])
        small = await client.post("/v1/indexes/texts/documents", json={"documents": [{"text": "b"}]})
        assert (small.status_code, begun, first.done()) == (202, ["first"], False)
        for end in ends:
            end.set()
        assert [(await task).status_code for task in (first, second)] == [202, 202]
        assert begun == ["first", "second"]


def test_documents_that_do_not_fit_the_index(writer: TestClient) -> None:
    problem(send(writer, "POST", "documents", {"documents": [{"text": "a"}]}, "ids"), 422, "no_tokenizer")
    for name, token_id in (("ids", 5), ("texts", 255), ("ids", 2**70)):
        refused = send(writer, "POST", "documents", {"documents": [{"token_ids": []}, {"token_ids": [token_id]}]}, name)
        problem(refused, 422, "token_out_of_vocabulary")


@pytest.mark.parametrize("job_id", ["x", "%2e%2e", "%00", "0" * 24, "totals", "A" * 24, "ä"])
def test_an_unknown_job(writer: TestClient, job_id: str) -> None:
    accepted(writer, "POST", "compact", None)
    problem(writer.get(f"/v1/indexes/texts/jobs/{job_id}"), 404, "unknown_job")


def test_a_job_of_another_index_is_unknown(writer: TestClient) -> None:
    job = accepted(writer, "POST", "compact", None)
    problem(writer.get(f"/v1/indexes/ids/jobs/{job['id']}"), 404, "unknown_job")


# The life of a job


def test_documents_are_added_deleted_and_compacted(writer: TestClient, indexes: dict[str, Path]) -> None:
    """Each job has the result of the library, and the service answers from the new state by itself."""
    rows = [{"text": "a rose 🌹", "id": "new", "tags": [{"x": None}]}, {"text": ""}]
    added = accepted(writer, "POST", "documents", {"documents": rows})
    n_tokens = len("a rose 🌹".encode())
    assert added["result"] == {"generation": 1, "first_document": 6, "n_documents": 2, "n_tokens": n_tokens}
    assert (added["kind"], added["index"], added["error"]) == ("add", "texts", None)
    assert added["created"] <= added["started"] <= added["finished"]
    assert added["progress"].keys() == {"stage", "done", "total", "unit"}
    soon(lambda: count(writer) == 6)
    found = answered(writer.get("/v1/indexes/texts/documents/6"))
    assert (found["text"], found["metadata"]) == ("a rose 🌹", {"id": "new", "tags": [{"x": None}]})
    assert (found["source"], found["line"]) == (f"{added['id']}.jsonl", 1)

    deleted = accepted(writer, "DELETE", "documents", {"ids": ["t0", "new", "none"]})
    n_tokens += len(TEXTS[0])
    assert deleted["result"] == {
        "generation": 2,
        "n_documents": 2,
        "n_tokens": n_tokens,
        "not_found": ["none"],
        "is_purged": False,
    }
    soon(lambda: count(writer) == 2)
    problem(writer.get("/v1/indexes/texts/documents/6"), 404, "unknown_document")
    assert answered(writer.get("/v1/indexes/texts/documents/7"))["text"] == ""
    page = answered(writer.get("/v1/indexes/texts/documents?begin=4&limit=2"))
    assert page == {"document_ids": [4, 5], "next": 7}
    assert answered(writer.get("/v1/indexes/texts/documents?begin=7")) == {"document_ids": [7], "next": None}
    for wrong in ("begin=-1", "limit=0", "limit=10001", "begin=x"):
        problem(writer.get(f"/v1/indexes/texts/documents?{wrong}"), 422, "invalid_request")
    problem(writer.get(f"/v1/indexes/texts/documents/{2**70}"), 404, "unknown_document")
    info = answered(writer.get("/v1/indexes/texts"))
    assert (info["generation"], info["n_removed_documents"], info["n_documents"]) == (2, 2, 6)

    compacted = accepted(writer, "POST", "compact", None)
    assert compacted["result"].pop("freed_bytes") > 0
    n_tokens = answered(writer.get("/v1/indexes/texts"))["n_tokens"]
    sizes = {"n_documents": 6, "n_tokens": n_tokens, "n_shards": 1}
    assert compacted["result"] == {"generation": 3, **sizes, "is_changed": True}
    again = accepted(writer, "POST", "compact", None)
    assert again["result"] == {"generation": 3, **sizes, "freed_bytes": 0, "is_changed": False}
    soon(lambda: answered(writer.get("/v1/indexes/texts"))["generation"] == 3)
    assert answered(writer.get("/v1/indexes/texts"))["n_removed_documents"] == 0
    assert accepted(writer, "DELETE", "documents", {"where": {"n": 1}, "purge": True})["result"]["is_purged"]
    assert accepted(writer, "DELETE", "documents", {"documents": [2]})["result"]["n_documents"] == 1
    listed = answered(writer.get("/v1/indexes/texts/jobs"))["jobs"]
    assert [job["kind"] for job in listed] == ["delete", "delete", "compact", "compact", "delete", "add"]
    metrics = writer.get("/metrics").text
    assert 'infgram_jobs_total{index="texts",kind="delete",status="succeeded"} 3.0' in metrics
    with infgram.open(indexes["texts"]) as index:
        index.verify()
        assert [*index.document_ids()] == [3, 4, 5, 7]


def count(client: TestClient) -> int:
    return int(answered(client.post("/v1/indexes/texts/count", json={"query": "rose"}))["count"])


def test_token_ids_are_added(writer: TestClient, indexes: dict[str, Path]) -> None:
    documents = [{"token_ids": [4, 4]}, {"token_ids": []}]
    assert accepted(writer, "POST", "documents", {"documents": documents}, "ids")["result"]["first_document"] == 3
    assert accepted(writer, "POST", "documents", {"documents": [{"token_ids": [97]}]})["result"]["n_tokens"] == 1
    with infgram.open(indexes["ids"]) as index:
        assert index.count([4, 4]) == 1


def test_a_job_that_fails_says_why_without_paths(writer: TestClient, tmp_path: Path) -> None:
    failed = accepted(writer, "DELETE", "documents", {"ids": ["none"]})
    assert (failed["status"], failed["result"], failed["error"]["code"]) == ("failed", None, "invalid_input")
    assert failed["error"]["detail"] == "no document of texts has the id none; nothing was deleted"
    deep: Any = {}
    for _ in range(400):
        deep = {"a": deep}
    failed = accepted(writer, "POST", "documents", {"documents": [{"text": "x", "deep": deep}]})
    assert failed["error"]["code"] == "invalid_input"
    assert failed["error"]["detail"].startswith(f"{failed['id']}.jsonl, line 1")
    assert str(tmp_path) not in json.dumps(failed)
    assert 'status="failed"} 1.0' in writer.get("/metrics").text


def test_jobs_run_in_order(writer: TestClient, indexes: dict[str, Path]) -> None:
    sent = [send(writer, "POST", "documents", {"documents": [{"text": f"number {n}"}]}) for n in range(6)]
    firsts = [ended(writer, response.headers["location"])["result"]["first_document"] for response in sent]
    assert firsts == [*range(6, 12)]
    with infgram.open(indexes["texts"]) as index:
        assert [index.document_text(number) for number in firsts] == [f"number {n}" for n in range(6)]


def test_too_many_jobs_are_refused(indexes: dict[str, Path], keys: dict[str, str], tmp_path: Path) -> None:
    with served(indexes, tmp_path / "keys.txt", max_jobs=2) as client:
        client.headers.update(bearer(keys["writer"]))
        with infgram.open(indexes["texts"]) as index, writing(index.paths[0]):
            sent = [send(client, "POST", "compact", None) for _ in range(3)]
            assert [response.status_code for response in sent] == [202, 202, 503]
            problem(sent[2], 503, "too_many_jobs")
            assert sent[2].headers["retry-after"] == "5"
            assert send(client, "POST", "compact", None, "ids").status_code == 202
            address = sent[0].headers["location"]
            soon(lambda: (answered(client.get(address))["progress"] or {}).get("stage") == "wait")
        for response in sent[:2]:
            assert ended(client, response.headers["location"])["status"] == "succeeded"
        assert send(client, "POST", "compact", None).status_code == 202


def test_jobs_end_with_the_application(indexes: dict[str, Path], keys: dict[str, str], tmp_path: Path) -> None:
    """Also where the process of the application goes on, as here."""
    with writing(indexes["texts"]):
        with served(indexes, tmp_path / "keys.txt") as client:
            client.headers.update(bearer(keys["writer"]))
            assert send(client, "POST", "compact", None).status_code == 202
            jobs = client.app.state.runtime.jobs
            (process,) = jobs._processes
            folder = jobs._folder
            assert folder.stat().st_mode & 0o777 == 0o700
        assert process.returncode is not None
        assert not folder.exists()


def test_old_jobs_are_forgotten(writer: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert queue.KEPT == 100
    jobs = queue.Queue("x", Path(writer.app.state.runtime.settings.indexes["texts"]).parent / "jobs")  # type: ignore[attr-defined]
    monkeypatch.setattr(queue, "KEPT", 3)
    for _ in range(6):
        jobs.end(jobs.begin(jobs.add("compact", b"{}")))
    waiting = [jobs.add("compact", b"{}") for _ in range(4)]
    jobs.end(waiting[0])
    assert [job.status for job in jobs.jobs()] == ["queued"] * 3 + ["succeeded"] * 3
    assert jobs.unfinished() == waiting[1:]
    assert jobs.totals() == {"compact succeeded": 7}


# Files that are damaged, left over, or cannot be read or written


@pytest.fixture
def stored(indexes: dict[str, Path], keys: dict[str, str], tmp_path: Path) -> Iterator[tuple[TestClient, Path]]:
    """A client that may write, and the folder of the jobs of `texts`, with one that has ended."""
    with served(indexes, tmp_path / "keys.txt", jobs_folder=tmp_path / "jobs") as client:
        client.headers.update(bearer(keys["writer"]))
        accepted(client, "POST", "compact", None)
        soon(lambda: not _is_locked(tmp_path / "jobs" / "texts"))
        yield client, tmp_path / "jobs" / "texts"


def _is_locked(folder: Path) -> bool:
    lock = queue.Queue("texts", folder).try_lock()
    if lock is not None:
        os.close(lock)
    return lock is None


DAMAGED = {"empty": b"", "cut off": b'{"id": "1', "not a job": b"[]", "not UTF-8": b"\xff"}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_job_is_removed_and_the_others_run(
    stored: tuple[TestClient, Path], content: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    """As after a power loss."""
    client, folder = stored
    (folder / f"{'0' * 24}.json").write_bytes(content)
    (folder / f"{'0' * 24}.request").write_bytes(b'{"documents": [{"text": "lost"}]}')
    (folder / "totals.json").write_bytes(content)
    assert client.get("/metrics").status_code == 200
    assert len(answered(client.get("/v1/indexes/texts/jobs"))["jobs"]) == 1
    assert accepted(client, "POST", "compact", None)["status"] == "succeeded"
    assert not [*folder.glob("0*")]
    assert capfd.readouterr().err.count('"event":"job_damaged"') == 1
    assert 'kind="compact",status="succeeded"} 1.0' in client.get("/metrics").text


def test_a_damaged_request_fails_its_job(stored: tuple[TestClient, Path]) -> None:
    client, folder = stored
    with infgram.open(client.app.state.runtime.settings.indexes["texts"]) as index, writing(index.paths[0]):  # type: ignore[attr-defined]
        waiting = [send(client, "POST", "compact", None).json()["id"] for _ in range(2)]
        (folder / f"{waiting[1]}.request").write_bytes(b"")
    failed = ended(client, f"/v1/indexes/texts/jobs/{waiting[1]}")
    assert (failed["status"], failed["error"]["code"]) == ("failed", "storage_error")
    assert failed["error"]["detail"].endswith("the file of the job is damaged")


def test_what_a_killed_process_leaves_behind_is_removed(tmp_path: Path) -> None:
    """The text of a job, which is in its request and its documents, is gone once it has ended."""
    jobs = queue.Queue("x", tmp_path / "jobs" / "x")
    killed = jobs.begin(jobs.add("add", b"{}"))
    jobs.documents_of(killed).write_text("a rose")
    waiting, lost = jobs.add("compact", b"{}"), "f" * 24
    for name in (f"{lost}.request", f"{lost}.jsonl", f".{lost}", ".totals"):
        (jobs.folder / name).write_text("a rose")
    unknown = jobs.folder / "notes.txt"
    unknown.write_text("not ours")
    lock = jobs.try_lock()
    assert lock is not None
    os.close(lock)
    assert [(job.id, job.status) for job in jobs.jobs()] == [(waiting.id, "queued"), (killed.id, "failed")]
    kept = {f"{killed.id}.json", f"{waiting.id}.json", f"{waiting.id}.request", "totals.json", "notes.txt"}
    assert {path.name for path in jobs.folder.iterdir()} == kept
    jobs.end(waiting)
    assert jobs.is_idle()


def test_a_job_that_is_being_appended_is_not_cleared_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its request is there before the rest of it; another worker that has the lock waits."""
    jobs = queue.Queue("x", tmp_path / "jobs" / "x")
    jobs.end(jobs.add("compact", b"{}"))
    cleared = threading.Thread(target=lambda: os.close(jobs.try_lock() or 0))
    write = jobs._write

    def write_late(stem: str, content: bytes) -> None:
        cleared.start()
        cleared.join(0.2)
        write(stem, content)

    monkeypatch.setattr(jobs, "_write", write_late)
    job = jobs.add("compact", b"{}")
    cleared.join()
    assert jobs.request_of(job) == {}


def test_a_queue_that_cannot_be_read_is_reported_once_and_the_others_run(
    stored: tuple[TestClient, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    client, folder = stored
    folder.rename(folder.with_name("moved"))
    folder.write_text("not a folder")
    jobs = client.app.state.runtime.jobs  # type: ignore[attr-defined]
    for _ in range(3):
        jobs.tend("texts")
    assert capfd.readouterr().err.count('"event":"jobs_unavailable"') == 1
    assert client.get("/metrics").status_code == 200
    problem(client.get("/v1/indexes/texts/jobs"), 503, "storage_error")
    refused = problem(send(client, "POST", "compact", None), 503, "storage_error")
    assert refused["detail"] == "The server cannot read the jobs: Not a directory; retry later."
    assert accepted(client, "POST", "compact", None, "ids")["status"] == "succeeded"
    folder.unlink()
    assert accepted(client, "POST", "compact", None)["status"] == "succeeded"


def test_a_full_disk_refuses_a_job_and_leaves_nothing(
    stored: tuple[TestClient, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, folder = stored
    before = {*folder.iterdir()}

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(queue.Queue, "_write", full)
    refused = problem(send(client, "POST", "compact", None), 503, "storage_error")
    assert refused["detail"] == "The server cannot accept the job: No space left on device; retry later."
    assert {*folder.iterdir()} == before


def test_a_job_waits_while_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its end is written, once, when there is space; the log has the reason, once."""
    jobs = queue.Queue("x", tmp_path / "jobs" / "x")
    job = jobs.begin(jobs.add("compact", b"{}"))
    write, failures = jobs._write, [*range(3)]

    def full(stem: str, content: bytes) -> None:
        if stem == "totals" and failures:
            failures.pop()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(stem, content)

    monkeypatch.setattr(jobs, "_write", full)
    monkeypatch.setattr(process, "OTHER_WRITER_S", 0.0)
    process._when_stored(jobs, lambda: jobs.end(job, error=ProblemError("job_killed").problem))
    assert jobs.totals() == {"compact failed": 1}
    logged = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [line["event"] for line in logged] == ["job_waits", "job"]
    assert logged[0]["detail"].endswith("cannot end the job: No space left on device")
    monkeypatch.setattr(jobs, "folder", tmp_path / "gone")
    with pytest.raises(infgram.StorageError):
        process._when_stored(jobs, lambda: jobs.update(job, status="queued"))


def test_every_code_of_a_job_is_a_known_problem() -> None:
    assert {"invalid_input", "job_killed", "too_many_jobs", "unknown_job", "not_changeable"} <= KINDS.keys()
