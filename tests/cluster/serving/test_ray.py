"""An index on a Ray cluster returns the same results as on one machine, also if processes or nodes die."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
import ray
from ray.cluster_utils import Cluster

import infgram
from infgram.cluster import deploy, undeploy
from infgram.cluster.ray_cluster import NAMESPACE
from infgram.cluster.serving.deployment import deployment_of
from infgram.cluster.serving.ray_backend import RayBackend
from infgram.cluster.storage.storage import storage_at
from tests.building import build_texts
from tests.cli.running import command
from tests.cluster.nodes import add_node, cluster_of
from tests.index import test_oracle as library
from tests.reference import ReferenceIndex
from tests.search import test_search as finding
from tests.strategies import Layout

pytestmark = pytest.mark.timeout(240)

CORPUS = library.NAMED["document joins that look like n-grams"]
N_SHARDS = 5


@pytest.fixture(scope="module")
def cluster(bucket: str) -> Iterator[Cluster]:
    """A cluster of two nodes, whose processes have access to the bucket."""
    with cluster_of(2) as started:
        yield started


@pytest.fixture(scope="module")
def texts() -> list[str]:
    chance = random.Random(4)
    return ["".join(chance.choices("ab ro", k=chance.randrange(60))) for _ in range(60)]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> Path:
    folder = tmp_path_factory.mktemp("served") / "x.infgram"
    build_texts(texts, folder, layout=Layout(8, N_SHARDS, 1)).close()
    return folder


@pytest.fixture
def name(cluster: Cluster, path: Path) -> Iterator[str]:
    deploy(str(path), "x", replicas=1)
    yield "x"
    undeploy("x")


def owner_pids(name: str) -> list[int]:
    """Return the process ids of the owners."""
    deployment = deployment_of(name)
    pids = []
    for group in range(len(deployment.groups)):
        for replica in range(deployment.n_replicas):
            actor = ray.get_actor(deployment.owner_name(group, replica), namespace=NAMESPACE)
            pids.append(ray.get(actor.__ray_call__.remote(lambda _: os.getpid())))
    return pids


def ask_everything(index: infgram.Index, whole: infgram.Index) -> None:
    """Return the results of one query of each kind."""
    for text in ("a", "ab", "ro", "b ro", "zz", ""):
        assert index.count(text) == whole.count(text)
        after, expected = index.infgram_distribution(text, top_k=3), whole.infgram_distribution(text, top_k=3)
        assert str(after) == str(expected)
    assert index.count_batch(["a", "b", "zz"]).tolist() == whole.count_batch(["a", "b", "zz"]).tolist()
    assert index.search("a AND ro", limit=4, seed=2) == whole.search("a AND ro", limit=4, seed=2)
    assert str(index.score("ab ro ab")) == str(whole.score("ab ro ab"))
    assert [each.document_id for each in index.locate("b ro")] == [each.document_id for each in whole.locate("b ro")]


def test_every_query(name: str, path: Path, texts: list[str]) -> None:
    reference = ReferenceIndex([list(text.encode()) for text in texts], 255)
    with infgram.open(f"ray:///{name}") as index, infgram.open(path) as whole:
        assert index.n_shards == whole.n_shards > 1
        assert len(deployment_of(name).groups) == 2
        assert index.info() == whole.info()
        queries = [list(text) for text in (b"", b"a", b"ab", b"b ro", b"zz", b"roaab", b"o" * 5)]
        library.check_counts(index, reference, queries)
        library.check_locate(index, reference, queries)
        library.check_next_token_distribution(index, reference, queries)
        library.check_longest_suffix(index, reference, queries)
        library.check_infgram_distribution(index, reference, queries)
        library.check_score(index, reference, queries)
        library.check_longest_matches(index, reference, queries)
        library.check_sessions(index, reference, queries)
        finding.check(index, reference, [[[97], [98]], [list(b"ro")]], 3)
        ask_everything(index, whole)
        index.verify()
        with pytest.raises(infgram.QueryError, match="255"):
            index.count([255])
        with pytest.raises(infgram.QueryError, match="empty"):
            index.search("")


def test_a_killed_owner_restarts(name: str, path: Path) -> None:
    with infgram.open(f"ray:///{name}") as index, infgram.open(path) as whole:
        for _ in range(3):
            os.kill(owner_pids(name)[1], signal.SIGKILL)
            ask_everything(index, whole)


def test_another_replica_answers(cluster: Cluster, path: Path) -> None:
    deploy(str(path), "two", replicas=2)
    with infgram.open("ray:///two") as index, infgram.open(path) as whole:
        for pid in owner_pids("two")[::2]:
            os.kill(pid, signal.SIGKILL)
        ask_everything(index, whole)
    undeploy("two")


def test_a_lost_node_loses_no_shards(cluster: Cluster, path: Path) -> None:
    """Its shards are opened on another node."""
    node = add_node(cluster)
    deploy(str(path), "three")
    with infgram.open("ray:///three") as index, infgram.open(path) as whole:
        ask_everything(index, whole)
        cluster.remove_node(node, allow_graceful=False)
        backend = index._engine._backend  # type: ignore[attr-defined]
        backend._patience_s = 60.0  # Ray needs some time to notice
        ask_everything(index, whole)
    undeploy("three")


def test_an_unreachable_shard(name: str, path: Path) -> None:
    deployment = deployment_of(name)
    with infgram.open(f"ray:///{name}") as index, infgram.open(path) as whole:
        backend: Any = index._engine._backend  # type: ignore[attr-defined]
        assert isinstance(backend, RayBackend)
        backend._patience_s = 0.5
        ray.kill(ray.get_actor(deployment.owner_name(1, 0), namespace=NAMESPACE))
        lost = tuple(backend.layout.shards_of(1))
        with pytest.raises(infgram.ShardUnavailableError, match=f"shards {', '.join(map(str, lost))} of 'x'"):
            index.count("a")
        with infgram.partial_answers() as partial:
            ranges = index.find("a")
            expected = [(0, 0) if shard in lost else range_ for shard, range_ in enumerate(whole.find("a"))]
            assert ranges == expected
            assert index.count("a") == sum(hi - lo for lo, hi in ranges) > 0
            assert index.infgram_distribution("ab", min_count=2).context_count <= whole.count("ab")
            found = index.search("a AND ro", seed=1)
            assert {hit.document_id for hit in found} <= {hit.document_id for hit in whole.search("a AND ro", limit=60)}
            assert str(index.session("ab", min_count=2).distribution())
        assert partial.missing_shards == lost
        with pytest.raises(infgram.ShardUnavailableError), infgram.partial_answers():
            index.document(backend.layout.first_documents[1])


def test_a_rebuilt_index_is_an_error(cluster: Cluster, tmp_path: Path) -> None:
    """Shards of the old and the new index must not be mixed."""
    build_texts(["ab", "abab", "b"], tmp_path / "z", layout=Layout(8, 3, 1)).close()
    deploy(str(tmp_path / "z"), "replaced")
    with infgram.open("ray:///replaced") as index:
        assert index.count("ab") == 3
        shutil.rmtree(tmp_path / "z")
        build_texts(["ab", "ab", "b"], tmp_path / "z", layout=Layout(8, 3, 1)).close()
        assert index.count("ab") == 3  # from the open files
        os.kill(owner_pids("replaced")[1], signal.SIGKILL)
        with pytest.raises(infgram.IndexDamagedError, match="deploy it again"):
            index.count("ab")
    with pytest.raises(infgram.IndexDamagedError, match="deploy it again"):
        infgram.open("ray:///replaced")
    undeploy("replaced")


def test_the_name_is_reserved_until_undeploy(name: str, path: Path) -> None:
    with pytest.raises(infgram.IndexExistsError, match="undeploy"):
        deploy(str(path), name)
    with pytest.raises(infgram.IndexNotFoundError, match="deploy"):
        infgram.open("ray:///nothing")
    with pytest.raises(infgram.IndexNotFoundError, match="ray:///NAME"):
        infgram.open("ray://")
    with pytest.raises(infgram.QueryError, match="alone"):
        infgram.open([path, f"ray:///{name}"])
    with pytest.raises(infgram.IndexNotFoundError):
        undeploy("nothing")


def test_damaged_shards(cluster: Cluster, path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "y"
    copy.mkdir()
    manifest = json.loads((path / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps(manifest))
    began = time.monotonic()
    with pytest.raises(infgram.InfgramError, match="missing"):
        deploy(str(copy), "broken")
    assert time.monotonic() - began < 60
    with pytest.raises(infgram.IndexNotFoundError):
        infgram.open("ray:///broken")


def test_from_a_bucket(cluster: Cluster, bucket: str, path: Path, tmp_path: Path) -> None:
    """Each owner copies its own shards to the disk of its node; one process can copy all of them."""
    location = f"{bucket}/served/x.infgram"
    storage = storage_at(location)
    for file in sorted(path.rglob("*")):
        if file.is_file():
            storage.upload(file, file.relative_to(path).as_posix())
    deploy(location, "stored", cache=str(tmp_path / "nodes"))
    with (
        infgram.open(path) as whole,
        infgram.open("ray:///stored") as index,
        infgram.open(location) as copy,
    ):
        ask_everything(index, whole)
        os.kill(owner_pids("stored")[0], signal.SIGKILL)
        ask_everything(index, whole)
        ask_everything(copy, whole)
    undeploy("stored")
    storage.write("shard-00000/tokens.bin", (path / "shard-00000" / "tokens.bin").read_bytes()[:-1])
    with pytest.raises(infgram.IndexDamagedError, match=r"tokens\.bin has"):
        deploy(location, "damaged", cache=str(tmp_path / "other-nodes"))


def test_served_over_http(cluster: Cluster, path: Path, tmp_path: Path) -> None:
    """`infgram serve --engine ray` serves shards in other processes."""
    with (
        infgram.open(path) as whole,
        served_in_cluster(cluster, path, tmp_path) as (url, name),
        infgram.Client(url) as client,
    ):
        assert client.count("a") == whole.count("a")
        assert client.count_batch(["a", "b ro"]).tolist() == whole.count_batch(["a", "b ro"]).tolist()
        assert str(client.infgram_distribution("ab ro")) == str(whole.infgram_distribution("ab ro"))
        assert client.search("a AND ro", limit=3, seed=1) == whole.search("a AND ro", limit=3, seed=1)
        several = {"items": [{"query": text} for text in ("ab", "b ro", "", "zz")] * 20}
        _, _, batch = post(f"{url}/v1/indexes/{name}/infgram/batch", json.dumps(several).encode(), {})
        found = [item["context_count"] for item in batch["results"]]
        assert found == [whole.infgram_distribution(item["query"]).context_count for item in several["items"]]
        deployment = deployment_of(name)
        ray.kill(ray.get_actor(deployment.owner_name(1, 0), namespace=NAMESPACE))
        body = json.dumps({"query": "a"}).encode()
        status, headers, problem = post(f"{url}/v1/indexes/{name}/count", body, {})
        assert (status, problem["code"]) == (503, "shards_unavailable")
        status, headers, answer = post(f"{url}/v1/indexes/{name}/count", body, {"Infgram-Partial": "true"})
        assert status == 200
        assert 0 < answer["count"] < whole.count("a")
        lost = [int(shard) for shard in headers["Infgram-Missing-Shards"].split(", ")]
        assert len(lost) == deployment.groups[1]
    with pytest.raises(infgram.IndexNotFoundError):
        deployment_of(name)


@contextmanager
def served_in_cluster(cluster: Cluster, path: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the address of a service and the name of its index; it must exit successfully on a signal."""
    words = ("serve", path, "--engine", "ray", "--name", "served", "--port", 0, "--no-log-requests", "--json")
    environment = {**os.environ, "RAY_ADDRESS": cluster.address, "INFGRAM_TIMEOUT_S": "20"}
    process = subprocess.Popen(command(*words), cwd=folder, stdout=subprocess.PIPE, env=environment, text=True)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())["url"], "served"
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 143


def post(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, Message, dict[str, Any]]:
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, json.load(error)
