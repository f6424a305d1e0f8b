"""Builds on a Ray cluster give the same index, also if processes or nodes die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ray.cluster_utils import Cluster

from infgram.cluster import build
from infgram.cluster.executor import Needs
from infgram.cluster.ray_executor import RayExecutor
from infgram.errors import InputError, MissingExtraError, QueryError, ServiceError
from infgram.types import BuildProgress
from tests.cluster.indexing.corpora import many_files
from tests.cluster.indexing.stored import LEAST, stored, undisturbed, upload
from tests.cluster.nodes import add_node, cluster_of
from tests.indexing.resuming import content

pytestmark = pytest.mark.timeout(240)

N_SPLITS = 10


@pytest.fixture(scope="module")
def cluster(bucket: str) -> Iterator[Cluster]:
    """A cluster of two nodes, whose workers have access to the bucket."""
    with cluster_of(2) as started:
        yield started


@pytest.fixture
def options(folder: Path) -> dict[str, Any]:
    (folder / "corpus").mkdir()
    return {**many_files(folder / "corpus"), "scratch": folder / "scratch"}


@pytest.fixture
def expected(folder: Path, options: dict[str, Any]) -> dict[str, bytes]:
    return on_one_machine(folder, options)


def on_one_machine(folder: Path, options: dict[str, Any]) -> dict[str, bytes]:
    known = {name: value for name, value in options.items() if name != "scratch"}
    return undisturbed(folder / "corpus", folder / "expected", known)


def test_from_a_bucket_to_a_bucket(cluster: Cluster, folder: Path, options: dict[str, Any], bucket: str) -> None:
    options["shard_tokens"] = 3000
    expected = on_one_machine(folder, options)
    source = upload(folder / "corpus", f"{bucket}/ray/corpus")
    seen: list[BuildProgress] = []
    summary = build(source, f"{bucket}/ray/x", **options, **LEAST, progress=seen.append)
    assert stored(f"{bucket}/ray/x") == expected
    assert stored(f"{bucket}/ray/x.partial") == {}
    assert [stage.n_tasks for stage in summary.stages] == [1, N_SPLITS, summary.n_shards]
    assert summary.cpu_hours > 0
    assert {progress.stage for progress in seen} == {"tokenize", "sort"}
    assert list((folder / "scratch").iterdir()) == []


@pytest.mark.parametrize("work", ["tokenize_split", "build_shard"])
def test_a_worker_is_killed(
    cluster: Cluster, folder: Path, options: dict[str, Any], expected: dict[str, bytes], work: str
) -> None:
    killed: list[int] = []
    with in_the_background(lambda: kill_worker(work, killed)):
        build(folder / "corpus", folder / "x", **options, **LEAST)
    assert killed
    assert content(folder / "x") == expected
    assert not (folder / "x.partial").exists()


def test_a_node_is_lost(cluster: Cluster, folder: Path, options: dict[str, Any], expected: dict[str, bytes]) -> None:
    node = add_node(cluster, num_cpus=1)
    lost: list[str] = []

    def report(progress: BuildProgress) -> None:
        if progress.stage == "sort" and progress.done > 0 and not lost:
            lost.append(progress.stage)
            cluster.remove_node(node, allow_graceful=False)

    build(folder / "corpus", folder / "x", **options, **LEAST, progress=report)
    assert lost
    assert content(folder / "x") == expected


def test_the_driver_is_killed(
    cluster: Cluster, folder: Path, options: dict[str, Any], expected: dict[str, bytes]
) -> None:
    """The cluster ends its tasks; the next driver resumes from storage."""
    arguments = {**options, **LEAST, "scratch": str(folder / "scratch")}
    code = (
        f"import ray; ray.init({cluster.address!r}, _node_ip_address='127.0.0.2', log_to_driver=False)\n"
        f"from infgram.cluster import build; build({str(folder / 'corpus')!r}, {str(folder / 'x')!r}, **{arguments!r})"
    )
    driver = subprocess.Popen([sys.executable, "-c", code], cwd=folder, stderr=subprocess.DEVNULL)
    records = folder / "x.partial" / "splits"
    while driver.poll() is None and not (records.exists() and len(list(records.glob("*.json"))) >= 2):
        time.sleep(0.01)
    os.kill(driver.pid, signal.SIGKILL)
    assert driver.wait() == -signal.SIGKILL
    summary = build(folder / "corpus", folder / "x", **options, **LEAST)
    assert {stage.stage: stage.n_kept for stage in summary.stages}["tokenize"] >= 2
    assert content(folder / "x") == expected


def test_errors_keep_their_type(cluster: Cluster, folder: Path, options: dict[str, Any]) -> None:
    options["on_error"] = "fail"
    with pytest.raises(InputError, match=r"5b\.jsonl, line 1|4\.jsonl\.gz: cannot be read") as error:
        build(folder / "corpus", folder / "x", **options, **LEAST)
    assert type(error.value) is InputError


def test_a_task_that_always_fails(cluster: Cluster) -> None:
    def die(number: int) -> int:
        os.kill(os.getpid(), signal.SIGKILL)
        return number

    with pytest.raises(ServiceError, match="a task was started 4 times on the Ray cluster and never finished"):
        list(RayExecutor().run(die, [1], Needs(1, None)))


def test_nodes_with_declared_disks(cluster: Cluster) -> None:
    def where(number: int) -> str:
        import ray

        return str(ray.get_runtime_context().get_node_id())

    node = add_node(cluster, num_cpus=1, resources={"disk": 10**10})
    try:
        assert list(RayExecutor().run(where, [1, 2], Needs(1, None, 6 * 10**9))) == [node.node_id] * 2
        with pytest.raises(QueryError, match=r"20,000,000,000 disk; no node of the Ray cluster has that"):
            list(RayExecutor().run(where, [1], Needs(1, None, 2 * 10**10)))
    finally:
        cluster.remove_node(node)


def test_unavailable_resources_are_an_error_at_once(cluster: Cluster, folder: Path, options: dict[str, Any]) -> None:
    with pytest.raises(QueryError, match=r"a task needs 64 CPU, .*no node of the Ray cluster has that"):
        build(folder / "corpus", folder / "x", **options, threads=64, memory="1GiB")
    with pytest.raises(QueryError, match="memory is 1MiB; this build takes at least"):
        build(folder / "corpus", folder / "x", **options, threads=1, memory="1MiB")


def test_without_ray_the_extra_is_named(folder: Path, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'infgram\[ray\]'"):
        build(folder / "corpus", folder / "x", **options, engine="ray")
    assert not (folder / "x.partial").exists()
    with pytest.raises(QueryError, match="engine is 'spark'; expected 'local' or 'ray'"):
        build(folder / "corpus", folder / "x", **options, engine="spark")  # type: ignore[arg-type]


def kill_worker(work: str, killed: list[int]) -> None:
    """Kill one descendant process as soon as it runs such a task."""
    for _ in range(20_000):
        for process in Path("/proc").iterdir():
            if process.name.isdecimal() and _title(process).startswith(f"ray::{work}") and _is_below(process):
                os.kill(int(process.name), signal.SIGKILL)
                killed.append(int(process.name))
                return
        time.sleep(0.002)


def _title(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def _is_below(process: Path) -> bool:
    """Return whether a process is a descendant of this one."""
    number = int(process.name)
    while number > 1 and number != os.getpid():
        try:
            number = int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            return False
    return number == os.getpid()


@contextmanager
def in_the_background(work: Callable[[], None]) -> Iterator[None]:
    """Run a function in a thread during a block."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield
    thread.join(60)
