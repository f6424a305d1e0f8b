"""Jobs of a running service: several workers, readers, and processes that are killed at any moment."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from infgram.service import add_key

import infgram
from infgram.changes.writer import writing
from tests.service.server.test_run import Running, running, soon

PROCESS = b"infgram.service.changes.process"
N_DOCUMENTS = 40


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """An index of documents with one rose each."""
    rows = [json.dumps({"text": f"a rose, number {n}", "n": n}) for n in range(N_DOCUMENTS)]
    (tmp_path / "texts.jsonl").write_text("".join(f"{row}\n" for row in rows))
    infgram.build(tmp_path / "texts.jsonl", tmp_path / "x.infgram", tokenizer="bytes", shard_tokens=300).close()
    return tmp_path / "x.infgram"


@contextmanager
def writable(folder: Path, index: Path, **settings: Any) -> Iterator[Running]:
    """Run a service; its client may write."""
    keys = folder / "keys.txt"
    keys.unlink(missing_ok=True)
    key = add_key(keys, "writer", may_write=True)
    given = {"log_requests": False, **settings}
    with running(folder, indexes={"x": index}, api_keys_file=keys, **given) as service:
        service.client.headers["Authorization"] = f"Bearer {key}"
        yield service


def fresh(service: Running) -> httpx2.Client:
    """Return a client with a connection of its own, perhaps to another worker."""
    return httpx2.Client(base_url=service.address, trust_env=False, timeout=60, headers=service.client.headers)


def add(service: Running, *texts: str) -> str:
    """Add documents, and return the address of the job."""
    with fresh(service) as client:
        answer = client.post("/v1/indexes/x/documents", json={"documents": [{"text": text} for text in texts]})
    assert answer.status_code == 202, answer.text
    return str(answer.headers["location"])


def job(service: Running, address: str) -> dict[str, Any]:
    with fresh(service) as client:
        answer = client.get(address)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ended(service: Running, address: str) -> dict[str, Any]:
    soon(lambda: job(service, address)["finished"] is not None)
    return job(service, address)


def processes() -> list[int]:
    """Return the processes that run jobs of this test's services: descendants of this process."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and PROCESS in (entry / "cmdline").read_bytes() and _is_ours(int(entry.name)):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def _is_ours(process: int) -> bool:
    while process > 1:
        if process == os.getpid():
            return True
        process = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    return False


def test_workers_share_the_jobs(tmp_path: Path, index: Path) -> None:
    """Every worker accepts jobs and knows those of the others; they run one after the other."""
    with writable(tmp_path, index, workers=2) as service:
        addresses = [add(service, f"another rose, number {n}") for n in range(8)]
        results = [ended(service, address)["result"] for address in addresses]
        assert [result["first_document"] for result in results] == [*range(N_DOCUMENTS, N_DOCUMENTS + 8)]
        assert [result["generation"] for result in results] == [*range(1, 9)]
        for _ in range(4):
            with fresh(service) as client:
                listed = client.get("/v1/indexes/x/jobs").json()["jobs"]
                assert [each["id"] for each in listed] == [address[-24:] for address in reversed(addresses)]
        soon(lambda: {service.count("rose", "x") for _ in range(4)} == {N_DOCUMENTS + 8})
        assert len(service.logged("job")) == 8


def test_a_killed_job_has_failed_and_the_next_one_runs(tmp_path: Path, index: Path) -> None:
    """It is killed while it waits for another program, so the index has its old state."""
    with writable(tmp_path, index, workers=2) as service:
        with writing(index):
            killed, waiting = add(service, "killed"), add(service, "a rose that waits")
            soon(lambda: (job(service, killed)["progress"] or {}).get("stage") == "wait")
            (process,) = processes()
            os.kill(process, signal.SIGKILL)
            soon(lambda: job(service, killed)["status"] == "failed")
            assert job(service, killed)["error"]["code"] == "job_killed"
            assert job(service, killed)["finished"] is not None
        assert ended(service, waiting)["result"]["first_document"] == N_DOCUMENTS
        assert job(service, killed)["status"] == "failed"
        soon(lambda: service.count("rose", "x") == N_DOCUMENTS + 1)
        soon(lambda: not processes())


def test_a_job_ends_with_its_worker(tmp_path: Path, index: Path) -> None:
    """The worker is killed; another one fails its job and runs the next."""
    with writable(tmp_path, index, workers=2) as service:
        with writing(index):
            killed, waiting = add(service, "killed"), add(service, "a rose that waits")
            soon(lambda: (job(service, killed)["progress"] or {}).get("stage") == "wait")
            (process,) = processes()
            worker = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
            os.kill(worker, signal.SIGKILL)
            soon(lambda: not Path(f"/proc/{process}").exists() or process not in processes())
            soon(lambda: len(service.logged("worker_died")) == 1)
            soon(lambda: job(service, killed)["status"] == "failed")
        assert ended(service, waiting)["status"] == "succeeded"


@pytest.mark.parametrize("workers", [1, 2])
def test_jobs_end_with_the_server_and_wait_in_a_folder(tmp_path: Path, index: Path, workers: int) -> None:
    """With `jobs_folder`, the next server fails the job that was running, and runs those that were waiting."""
    folder = tmp_path / "jobs"
    with writable(tmp_path, index, jobs_folder=folder, workers=workers) as service, writing(index):
        running_one, waiting = add(service, "killed"), add(service, "a rose that waits")
        soon(lambda: (job(service, running_one)["progress"] or {}).get("stage") == "wait")
        service.stop()
        assert processes() == []
    assert (folder / "x").stat().st_mode & 0o777 == 0o700
    with writable(tmp_path, index, jobs_folder=folder, workers=workers) as service:
        assert ended(service, waiting)["status"] == "succeeded"
        assert job(service, running_one)["error"]["code"] == "job_killed"
        assert {path.suffix for path in (folder / "x").iterdir()} == {".json"}


def test_jobs_that_cannot_be_read_do_not_stop_the_watch(tmp_path: Path, index: Path) -> None:
    """The log says so; other states are opened meanwhile, and the jobs run once they can be read."""
    folder = tmp_path / "jobs"
    with writable(tmp_path, index, jobs_folder=folder) as service:
        with writing(index):
            killed, waiting = add(service, "killed"), add(service, "a rose that waits")
            soon(lambda: (job(service, killed)["progress"] or {}).get("stage") == "wait")
            (folder / "x").rename(folder / "moved")
            (folder / "x").write_text("not a folder")
            for process in processes():
                os.kill(process, signal.SIGKILL)
            soon(lambda: len(service.logged("jobs_unavailable")) == 1)
        (tmp_path / "more.jsonl").write_text('{"text": "a rose of another program"}')
        infgram.add(index, tmp_path / "more.jsonl")
        soon(lambda: service.count("rose", "x") == N_DOCUMENTS + 1)
        (folder / "x").unlink()
        (folder / "moved").rename(folder / "x")
        (folder / "x" / f"{killed[-24:]}.jsonl").write_text("a rose")
        soon(lambda: service.count("rose", "x") == N_DOCUMENTS + 2)
        assert ended(service, waiting)["status"] == "succeeded"
        assert job(service, killed)["error"]["code"] == "job_killed"
        assert len(service.logged("jobs_unavailable")) == 1
        soon(lambda: {path.suffix for path in (folder / "x").iterdir()} == {".json"})


def test_a_job_is_killed_at_any_moment(tmp_path: Path, index: Path) -> None:
    """The index has its old or its new state; readers get exact answers of either all the time.

    The moments are chosen within the seconds that the last job took which ended by itself.
    """
    chance = random.Random(5)
    text = "a rose, " * 400
    n_jobs, n_killed, job_seconds = 0, 0, 0.0
    with writable(tmp_path, index) as service, infgram.open(index) as opened:
        n = opened.count("rose")
        while n_killed < 3 and n_jobs < 60:
            n_jobs += 1
            address = add(service, text)
            soon(lambda address=address: job(service, address)["status"] != "queued")  # type: ignore[misc]
            if n_jobs > 1:
                time.sleep(chance.random() * job_seconds)
                for process in processes():
                    os.kill(process, signal.SIGKILL)
            state = ended(service, address)
            opened.reload()
            found = opened.count("rose")
            if state["status"] == "succeeded":
                assert found - n == 400
                begin, end = (datetime.fromisoformat(state[name]) for name in ("started", "finished"))
                job_seconds = (end - begin).total_seconds()
            else:
                assert found - n in (0, 400)
                n_killed += 1
            n = found
            opened.verify()
            soon(lambda n=n: service.count("rose", "x") == n)  # type: ignore[misc]
        assert n_killed == 3


@pytest.mark.parametrize("workers", [1, 2])
def test_readers_get_the_old_or_the_new_state_all_the_time(tmp_path: Path, index: Path, workers: int) -> None:
    """Each change has one rose more or less, so each state has a count of its own."""
    expected, wrong, n_answers = {N_DOCUMENTS}, [], [0]
    stop = threading.Event()

    def read(service: Running) -> None:
        while not stop.is_set():
            with fresh(service) as client:
                for _ in range(50):
                    count = client.post("/v1/indexes/x/count", json={"query": "rose"})
                    found = client.post("/v1/indexes/x/search", json={"query": "rose", "limit": 3})
                    n_answers[0] += 1
                    if (count.status_code, found.status_code) != (200, 200):
                        wrong.append(f"{count.text} {found.text}")
                        return
                    known = {*expected}
                    if count.json()["count"] not in known or found.json()["count"] not in known:
                        wrong.append(f"{count.text} {found.text}, expected {known}")
                        return

    with writable(tmp_path, index, workers=workers) as service:
        readers = [threading.Thread(target=read, args=(service,)) for _ in range(3)]
        for reader in readers:
            reader.start()
        try:
            n = N_DOCUMENTS
            for step in range(6):
                with fresh(service) as client:
                    if step % 3 == 0:
                        expected.add(n := n + 1)
                        address = add(service, "one more rose")
                    elif step % 3 == 1:
                        expected.add(n := n - 1)
                        body = {"documents": [step], "purge": step > 3}
                        answer = client.request("DELETE", "/v1/indexes/x/documents", json=body)
                        address = str(answer.headers["location"])
                    else:
                        address = str(client.post("/v1/indexes/x/compact").headers["location"])
                assert ended(service, address)["status"] == "succeeded"
                soon(lambda n=n: {service.count("rose", "x") for _ in range(4)} == {n})  # type: ignore[misc]
        finally:
            stop.set()
            for reader in readers:
                reader.join()
        assert wrong == []
        assert n_answers[0] > 10
        assert service.logged("index_changed") == []
