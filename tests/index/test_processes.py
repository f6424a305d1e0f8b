"""An index in other processes: after a fork, pickled, and in the workers of a data loader."""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

import infgram
from infgram import _core, cluster
from infgram.cluster.serving.backend import LocalBackend
from infgram.cluster.serving.layout import Layout
from infgram.files.manifest import Manifest
from infgram.lm import InfgramLM, jelinek_mercer_weights, suffix_features
from infgram.lm.models.infgram_lm import SMOOTHINGS
from tests.building import build_texts, union_index
from tests.children import in_children, round_trip
from tests.client.loopback import loopback

TEXTS = ["a rose is a rose", "to be or not to be", "", "rose"]
QUERIES = ["rose", "be", "a", "or not", "zz", "", " ", "is a"]

pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[infgram.Index]:
    with build_texts(TEXTS, tmp_path / "x.infgram") as built:
        yield built


def test_an_index_after_a_fork(index: infgram.Index) -> None:
    session = index.session("a rose")
    wanted = index.count_batch(QUERIES).tolist()
    assert in_children(lambda _: index.count_batch(QUERIES).tolist(), 4) == [wanted] * 4
    assert (
        in_children(lambda _: session.distribution().counts.tolist(), 4) == [session.distribution().counts.tolist()] * 4
    )


@pytest.mark.parametrize("load", ["map", "ram"])
def test_an_index_is_pickled_as_its_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, load: Any) -> None:
    build_texts(TEXTS, tmp_path / "x.infgram").close()
    monkeypatch.chdir(tmp_path)
    with infgram.open("x.infgram", load=load) as index:
        monkeypatch.chdir("/")
        with round_trip(index) as other:
            assert other.count_batch(QUERIES).tolist() == index.count_batch(QUERIES).tolist()
            assert other._load == load
        assert index.count("rose") == 3  # only the other one was closed


def test_a_union_is_pickled_as_all_its_paths() -> None:
    with union_index([TEXTS, ["a rose"], ["be"]]) as index, round_trip(index) as other:
        assert other.count_batch(QUERIES).tolist() == index.count_batch(QUERIES).tolist()
        assert other.n_documents == 6


def test_an_index_behind_a_url_is_pickled_as_its_url(
    index: infgram.Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsspec: Any = importlib.import_module("fsspec")
    monkeypatch.setenv("INFGRAM_CACHE", str(tmp_path / "cache"))
    fsspec.filesystem("memory").put(str(index.paths[0]), "/pickled/x", recursive=True)
    with infgram.open("memory://pickled/x") as remote:
        shutil.rmtree(tmp_path / "cache")  # as on another machine
        with round_trip(remote) as other:
            assert other.count("rose") == 3


def test_a_closed_index_is_not_pickled(index: infgram.Index) -> None:
    session = index.session("a")
    index.close()
    for value in (index, session):
        with pytest.raises(infgram.IndexClosedError, match=r"x\.infgram"):
            round_trip(value)


def test_unpickling_rejects_another_index(index: infgram.Index, tmp_path: Path) -> None:
    build_texts([*TEXTS[:3], "rise"], tmp_path / "y.infgram").close()
    shutil.rmtree(index.paths[0])
    shutil.move(tmp_path / "y.infgram", index.paths[0])
    with pytest.raises(infgram.IndexDamagedError, match="another one is at its path"):
        round_trip(index)
    shutil.rmtree(index.paths[0])
    with pytest.raises(infgram.IndexNotFoundError):
        round_trip(index)


def test_a_session_is_pickled_as_its_index_and_state(index: infgram.Index) -> None:
    for context in ("", "to be", "zz", "not to be or"):
        for min_count in (1, 2):
            session = index.session(context, min_count=min_count)
            resumed = round_trip(session)
            for token in b" or":
                assert resumed.longest_suffix == session.longest_suffix
                assert len(resumed) == len(session)
                assert resumed.distribution().counts.tolist() == session.distribution().counts.tolist()
                session.append(token)
                resumed.append(token)
            assert len(round_trip(resumed)) == len(session)


RESULTS: dict[str, Callable[[infgram.Index], Any]] = {
    "count_batch": lambda index: index.count_batch(QUERIES),
    "find": lambda index: index.find("rose"),
    "locate": lambda index: index.locate("rose"),
    "next_token_distribution": lambda index: index.next_token_distribution("rose"),
    "infgram_distribution": lambda index: index.infgram_distribution("a rose"),
    "infgram_log_prob": lambda index: index.infgram_log_prob("a", 32),
    "longest_suffix": lambda index: index.longest_suffix("a rose"),
    "longest_matches": lambda index: index.longest_matches("a rose is"),
    "score": lambda index: index.score("a rose"),
    "search": lambda index: index.search("rose"),
    "search_text": lambda index: index.search_text("ROSE", ignore_case=True),
    "spellings": lambda index: list(index.spellings("rose")),
    "document": lambda index: index.document(0),
    "trace": lambda index: infgram.trace(index, "a rose is", documents_per_span=2),
    "novelty": lambda index: infgram.novelty(index, "a rose is"),
    "overlap": lambda index: list(infgram.overlap(index, ["a rose is a rose is a rose"])),
    "duplicates": lambda index: list(infgram.dedup(index, min_tokens=2)),
    "error": lambda index: infgram.StorageError(28, "no space left"),
    "tokenizer": lambda index: index.tokenizer.encode("a"),
}


@pytest.mark.parametrize("name", RESULTS)
def test_results_are_pickled(index: infgram.Index, name: str) -> None:
    result = RESULTS[name](index)
    other = round_trip(result)
    assert type(other) is type(result)
    assert repr(other) == repr(result)
    if isinstance(result, infgram.InfgramLogProb):
        assert (other, vars(other)) == (result, vars(result))


def test_duplicates_cannot_be_pickled(index: infgram.Index) -> None:
    with pytest.raises(TypeError, match="as large as the index"):
        round_trip(infgram.dedup(index, min_tokens=2))


def test_a_trained_tokenizer_is_pickled(tmp_path: Path) -> None:
    (tmp_path / "corpus.txt").write_text("a rose is a rose is a rose")
    with infgram.build(tmp_path / "corpus.txt", tokenizer="bpe:300") as index:
        tokenizer = index.tokenizer
        other = round_trip(tokenizer)
        assert other.encode("a rose is").tolist() == tokenizer.encode("a rose is").tolist()
        assert other.fingerprint == tokenizer.fingerprint
        assert (
            in_children(lambda _: tokenizer.encode("a rose").tolist(), 2) == [tokenizer.encode("a rose").tolist()] * 2
        )
        with round_trip(index) as again:
            assert again.count("rose") == index.count("rose")


# Data loaders


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_the_workers_of_a_data_loader(index: infgram.Index, method: str) -> None:
    """Use an index and a client in the workers of PyTorch, for each start method, after use in the parent."""
    data = pytest.importorskip("torch.utils.data", reason="needs the extra lm")
    tokens = [list(query.encode()) for query in QUERIES] * 4
    wanted = index.count_batch(tokens).tolist()
    with loopback() as service:
        service.put(index)
        with infgram.Client(service.url, timeout_s=60) as client:
            assert client.count_batch(tokens).tolist() == wanted
            for asked in (index, client):
                loader: Any = data.DataLoader(
                    tokens,
                    batch_size=2,
                    num_workers=2,
                    collate_fn=asked.count_batch,
                    multiprocessing_context=method,
                )
                assert [count for batch in loader for count in batch.tolist()] == wanted


# Forks while other threads are busy

N_FORKS = 50
PATIENCE_S = 30


def _fork_amid(ask: Callable[[], Any]) -> list[str]:
    """What goes wrong in children that ask the same question, forked while three threads keep asking it."""
    wanted = repr(ask())
    is_over = threading.Event()

    def hammer() -> None:
        while not is_over.is_set():
            ask()

    threads = [threading.Thread(target=hammer) for _ in range(3)]
    for thread in threads:
        thread.start()
    faults = []
    for number in range(N_FORKS):
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)  # a handler would wait for the interpreter
            signal.alarm(PATIENCE_S)
            os._exit(0 if repr(ask()) == wanted else 1)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status != 0:
            faults.append(f"child {number}: {'no answer' if status == -signal.SIGALRM else f'exit code {status}'}")
            break
    is_over.set()
    for thread in threads:
        thread.join()
    return faults


def _modelled(smoothing: Any, index: infgram.Index) -> Callable[[], Any]:
    model = InfgramLM(index, smoothing)
    session = model.session("a rose")
    text = " ".join(TEXTS) * 20
    return lambda: (model.score(text).tolist(), session.copy().distribution().tolist(), model.log_prob("a", 32))


def _in_session(index: infgram.Index) -> Callable[[], Any]:
    session = index.session("a rose")
    return lambda: (session.distribution().counts.tolist(), session.copy().longest_suffix)


def _survey_anew(index: infgram.Index) -> Any:
    tree = _core.ContextTree(cast("_core.Index", index._core), 2**20, 0)
    tree.survey(2)
    model = _core.LanguageModel(tree, "kneser_ney", 0, 1, None, [])
    return _core.ModelSession(model, list(b"a rose")).distribution().tolist()


def _in_groups(index: infgram.Index) -> Callable[[], Any]:
    """As on a cluster, with all groups in this process: the threads send each other's queries."""
    manifest = Manifest.read(index.paths[0])
    grouped = cluster.Index(LocalBackend(Layout(manifest, (len(manifest.shards),)), index.paths[0]), index.paths[0])
    return lambda: grouped.count_batch(QUERIES)


BUSY: dict[str, Callable[[infgram.Index], Callable[[], Any]]] = {
    **{
        name: partial(lambda ask, index: partial(ask, index), RESULTS[name])
        for name in ("count_batch", "score", "longest_matches", "search", "spellings", "trace", "duplicates")
    },
    **{smoothing: partial(_modelled, smoothing) for smoothing in SMOOTHINGS},
    "session": _in_session,
    "groups": _in_groups,
    "features": lambda index: lambda: suffix_features(index, [" ".join(TEXTS) * 40]).context_counts.tolist(),
    "weights": lambda index: lambda: jelinek_mercer_weights(index, [" ".join(TEXTS) * 40], rounds=1).tolist(),
    "survey": lambda index: partial(_survey_anew, index),
}


@pytest.mark.parametrize("name", BUSY)
def test_forks_while_threads_ask(index: infgram.Index, name: str) -> None:
    """The child of a fork has no other threads, so none of them may hold a lock at that moment."""
    assert in_children(lambda _: _fork_amid(BUSY[name](index)), 1) == [[]]


def test_the_parent_answers_after_many_forks(index: infgram.Index) -> None:
    """From several threads at once, and in children of children."""
    model = InfgramLM(index, "ppm")
    wanted = model.score("a rose is a rose").tolist()

    def work(_: int) -> Any:
        faults = _fork_amid(lambda: model.score("a rose is a rose").tolist())
        inner = in_children(lambda _: model.score("a rose is a rose").tolist(), 2)
        return faults, inner, model.score("a rose is a rose").tolist()

    assert in_children(work, 2) == [([], [wanted] * 2, wanted)] * 2
