"""Latency of queries to one shard and to several shards together, warm and cold, for the model of `infgram plan`."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

import infgram
from benchmarks.queries import VOCAB_SIZE, Corpus, Tokens, drop_pages
from benchmarks.report import Row
from benchmarks.scale_fit import fit_latency, quantiles
from infgram.planning.latency import Serving, ShardLatency, simulate_us

Times = npt.NDArray[np.float64]  # microseconds, shards × queries

N_SHARDS: Final = 8
_N_WARM: Final = 2000
_N_COLD: Final = 200
_PASSES: Final = 5
_TRIALS: Final = 10_000  # simulated queries
_SETTLE_S: Final = 1.0  # until the directory is in memory
_METHODS: Final = {
    "count": "count",
    "next token": "next_token_distribution",
    "infgram": "infgram_distribution",
}


def questions(corpus: Corpus, n: int, seed: int = 1) -> dict[str, list[Tokens]]:
    """Return distinct queries: patterns of 1 to 10 tokens, half of them altered; contexts of 1 to 5 and of 100."""
    contexts = [piece for size in range(1, 6) for piece in corpus.pieces(size, n // 5, seed=seed)]
    return {
        "count": corpus.patterns(n),
        "next token": contexts,
        "infgram": corpus.pieces(100, n, seed=seed),
    }


def one_shard(path: Path, corpus: Corpus) -> Iterator[Row]:
    """Measure one shard: cold, after dropping its pages; warm, as the median of several passes over the queries."""
    for name, times in _cold([path], questions(corpus, _N_COLD)).items():
        yield {**_row("latency", corpus, name, is_cold=True), **_quantiles(times)}
    with infgram.open(path, load="warm") as index:
        for name, asked in questions(corpus, _N_WARM).items():
            passes = np.array([_times_us(getattr(index, _METHODS[name]), asked) for _ in range(_PASSES)])
            yield {**_row("latency", corpus, name, is_cold=False), **_quantiles(np.median(passes, axis=0))}


def many_shards(corpus: Corpus, folder: Path) -> Iterator[Row]:
    """Measure the corpus in `N_SHARDS` shards, and check the latency model.

    The model is fitted to one half of the queries. Its simulation is compared with the other half, once for the slowest
    shard (each with its own owner), and once for all shards in sequence (one owner).
    """
    paths = [_shard(corpus, folder, number) for number in range(N_SHARDS)]
    for name, times in _cold(paths, questions(corpus, _N_COLD)).items():
        yield from _parts(corpus, name, times, is_cold=True)
    with ExitStack() as opened:
        indexes = [opened.enter_context(infgram.open(path, load="warm")) for path in paths]
        for name, asked in questions(corpus, _N_WARM).items():
            for index in indexes:
                _times_us(getattr(index, _METHODS[name]), asked[:200])
            yield from _parts(corpus, name, _asked_of_each(indexes, name, asked), is_cold=False)


def _parts(corpus: Corpus, name: str, times: Times, *, is_cold: bool) -> Iterator[Row]:
    shard_tokens = corpus.n_tokens / N_SHARDS
    about = {**_row("shards", corpus, name, is_cold=is_cold), "n_shards": N_SHARDS}
    yield {**about, "latency": fit_latency(times, shard_tokens)}
    latency, held_out = ShardLatency.from_json(fit_latency(times[:, ::2], shard_tokens)), times[:, 1::2]
    for how, measured, owners in (("slowest", held_out.max(axis=0), N_SHARDS), ("in a row", held_out.sum(axis=0), 1)):
        predicted = simulate_us(latency, Serving(N_SHARDS, shard_tokens, owners), n_trials=_TRIALS)
        yield {
            **about,
            "question": "fan_out",
            "shard_tokens": shard_tokens,
            "how": how,
            **{f"predicted_{name}": _quantile(predicted, name) for name in ("p50", "p99")},
            **{f"measured_{name}": _quantile(measured, name) for name in ("p50", "p99")},
        }


def _asked_of_each(indexes: Sequence[infgram.Index], name: str, asked: Sequence[Tokens]) -> Times:
    """Send each query to all shards before the next query, as a fan-out does."""
    asks = [getattr(index, _METHODS[name]) for index in indexes]
    times: Times = np.array([[_times_us(ask, [question])[0] for ask in asks] for question in asked]).T
    return times


def _times_us(ask: Callable[[Tokens], object], asked: Sequence[Tokens]) -> list[float]:
    times = []
    for question in asked:
        started = time.perf_counter_ns()
        ask(question)
        times.append((time.perf_counter_ns() - started) / 1000)
    return times


def _cold(paths: Sequence[Path], asked: dict[str, list[Tokens]]) -> dict[str, Times]:
    """Measure each kind in a separate process, after dropping the files from the page cache."""
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        return {name: pool.apply(_asked_cold, (paths, name, some)) for name, some in asked.items()}


def _asked_cold(paths: Sequence[Path], name: str, asked: Sequence[Tokens]) -> Times:
    for path in paths:
        drop_pages(path)
    with ExitStack() as opened:
        indexes = [opened.enter_context(infgram.open(path)) for path in paths]
        time.sleep(_SETTLE_S)
        return _asked_of_each(indexes, name, asked)


def _shard(corpus: Corpus, folder: Path, number: int) -> Path:
    path = folder / f"infgram-{corpus.n_tokens}-{number}-of-{N_SHARDS}"
    if not path.exists():
        documents = (document for at, document in enumerate(corpus.documents()) if at % N_SHARDS == number)
        infgram.build_from_tokens(documents, path, vocab_size=VOCAB_SIZE).close()
    return path


def _row(question: str, corpus: Corpus, asked: str, *, is_cold: bool) -> dict[str, Any]:
    return {"question": question, "n_tokens": corpus.n_tokens, "asked": asked, "state": "cold" if is_cold else "warm"}


def _quantiles(times: Times) -> Row:
    return {"p50": _quantile(times, "p50"), "p99": _quantile(times, "p99"), "quantiles": quantiles(times.ravel())}


def _quantile(times: Times, name: str) -> float:
    return round(float(np.quantile(times, int(name[1:]) / 100)), 2)
