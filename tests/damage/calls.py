"""Every public question to an index, by name; a test compares the names with the public methods."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

import infgram
from infgram import lm
from infgram.lm.models.infgram_lm import SMOOTHINGS
from tests.cli.running import run

Call = tuple[str, Callable[[], Any]]

MOST_RESULTS: Final = 50
"""Results to take from an iterator."""

NOT_CALLED: Final = {
    "close",  # ends every case
    "log_linear",  # a part of `evaluate_models`
    *("Client", "AsyncClient", "build", "build_from_tokens", "estimate_build", "open", "partial_answers"),
}


def calls(
    index: infgram.Index, queries: list[Any], document_ids: list[int], folder: Path, tokenizer: str | None = None
) -> Iterator[Call]:
    """Yield each question to the index, with right arguments.

    Args:
        index: the open index.
        queries: texts, or lists of token ids for an index without a tokenizer.
        document_ids: documents to ask for.
        folder: a folder for files that a question writes.
        tokenizer: that with which the index was opened, if any.
    """
    for query in queries:
        yield from _counts(index, query)
        yield from _next_tokens(index, query)
        yield from _searches(index, query)
        yield from _comparisons(index, query)
    for number in document_ids:
        yield "document", partial(index.document, number)
        yield "document_tokens", partial(index.document_tokens, number, 1, 4)
        yield "document_metadata", partial(index.document_metadata, number)
        yield "document_length", partial(index.document_length, number)
        yield "document_text", partial(index.document_text, number, 3)
        yield "provenance", partial(index.provenance, number)
    yield "document_ids", lambda: list(itertools.islice(index.document_ids(), MOST_RESULTS))
    for rank in (0, 1, max(0, index.n_tokens - 1)):
        yield "locate_rank", partial(index.locate_rank, 0, rank)
    for name in (
        "n_tokens",
        "n_documents",
        "n_shards",
        "vocab_size",
        "token_width_bits",
        "is_local",
        "paths",
        "skipped",
    ):
        yield name, partial(getattr, index, name)
    yield "tokenizer", lambda: index.tokenizer.tokens(range(min(300, index.vocab_size)))
    yield "info", index.info
    yield from _duplicates(index, folder)
    yield from _models(index, queries)
    yield from _commands(index, queries[0], [] if tokenizer is None else ["--tokenizer", tokenizer])
    yield "check_files", index.check_files
    yield "verify", index.verify
    yield from _exports(index, folder)
    if index.info()["builder_version"] == "infini-gram":
        yield "convert", lambda: _convert(index.paths[0], folder / "converted", tokenizer)
    else:
        yield from _changes(index, index.paths[0], folder)


def _counts(index: infgram.Index, query: Any) -> Iterator[Call]:
    yield "count", lambda: index.count(query)
    yield "count", lambda: index.count(query, ignore_case=True)
    yield "count_batch", lambda: index.count_batch([query, query])
    yield "document_count", lambda: index.document_count(query)
    yield "document_count_batch", lambda: index.document_count_batch([query])
    yield "count_by", lambda: index.count_by(query, "source")
    yield "count_spans", lambda: index.count_spans(query, np.array([0, 0]), np.array([1, 2]))
    yield "spellings", lambda: index.spellings(query)
    yield "readings", lambda: index.readings(query)
    yield "find", lambda: index.find(query)
    yield "locate", lambda: index.locate(query, limit=10)
    yield "locate", lambda: index.locate(query[:1])


def _next_tokens(index: infgram.Index, query: Any) -> Iterator[Call]:
    yield "next_token_distribution", lambda: index.next_token_distribution(query)
    yield "next_token_distribution", lambda: index.next_token_distribution(query[:1], top_k=3)
    yield "next_token_distribution", lambda: index.next_token_distribution(query[:0])
    yield "next_token_distribution_batch", lambda: index.next_token_distribution_batch([query])
    yield "longest_suffix", lambda: index.longest_suffix(query)
    yield "longest_suffix_batch", lambda: index.longest_suffix_batch([query], min_count=2)
    yield "infgram_distribution", lambda: index.infgram_distribution(query)
    yield "infgram_distribution_batch", lambda: index.infgram_distribution_batch([query[:2]])
    yield "infgram_log_prob", lambda: index.infgram_log_prob(query, 0)
    yield "infgram_log_prob", lambda: index.infgram_log_prob(query[:2], -1)
    yield "score", lambda: index.score(query, end=True)
    yield "score_batch", lambda: index.score_batch([query])
    yield "longest_matches", lambda: index.longest_matches(query)
    yield "session", lambda: _session(index, query)


def _session(index: infgram.Index, query: Any) -> Any:
    session = index.session(query)
    copied = session.copy()
    session.append(0)
    session.extend([0, 1])
    return session.distribution(), session.longest_suffix, copied.distribution(top_k=2), session.n_tokens


def _searches(index: infgram.Index, query: Any) -> Iterator[Call]:
    pair = infgram.Cnf([[query[:1]], [query[1:2], query[:2]]])
    yield "search", lambda: index.search(query)
    yield "search", lambda: index.search(pair, seed=1, max_matches=5, matches_per_document=5)
    yield "search", lambda: index.search(pair, scope="document", where={"source": "corpus.jsonl"})
    yield "search_batch", lambda: index.search_batch([query], seed=3)
    yield "search_text", lambda: index.search_text(query, ignore_case=True)
    yield "sample_documents", lambda: index.sample_documents(query[:1])


def _comparisons(index: infgram.Index, query: Any) -> Iterator[Call]:
    yield "trace", lambda: infgram.trace(index, query, min_length=1)
    yield "novelty", lambda: infgram.novelty(index, query)
    yield "novelty_batch", lambda: infgram.novelty_batch(index, [query])
    yield "overlap", lambda: infgram.overlap(index, [query], n=2)
    for rule in infgram.OVERLAP_RULES:
        yield "overlap", partial(infgram.overlap, index, [query], rule=rule)


def _duplicates(index: infgram.Index, folder: Path) -> Iterator[Call]:
    yield "dedup", lambda: infgram.dedup(index, min_tokens=3, threads=1)
    yield "duplicates", lambda: index.duplicates(min_tokens=2, threads=1, progress=lambda done: None).totals
    yield "write_dedup", partial(_write_dedup, index, folder / "out.jsonl", "documents")
    yield "write_dedup", partial(_write_dedup, index, folder / "out.jsonl", "ranges")


def _write_dedup(index: infgram.Index, output: Path, content: Any) -> None:
    found = infgram.dedup(index, min_tokens=3, threads=1)
    infgram.write_dedup(index, found, output, content=content, overwrite=True)


def _exports(index: infgram.Index, folder: Path) -> Iterator[Call]:
    write = partial(infgram.export, index, overwrite=True)
    yield "export", partial(write, folder / "out.jsonl")
    yield "export", partial(write, folder / "out.npy", end_of_text=index.vocab_size)
    yield "export", partial(write, folder / "out.bin")
    yield "token_batches", lambda: list(index.token_batches(64, 32, end_of_text=index.vocab_size))


def _changes(index: infgram.Index, path: Path, folder: Path) -> Iterator[Call]:
    (folder / "added.txt").write_text("a new document")
    yield "delete", lambda: infgram.delete(path, documents=[0])
    yield "delete", lambda: infgram.delete(path, documents=[1], purge=True, threads=1)
    yield "add", lambda: infgram.add(path, folder / "added.txt", threads=1)
    yield "add_from_tokens", lambda: infgram.add_from_tokens(path, [[0, 1]], threads=1)
    yield "reload", index.reload
    yield "compact", lambda: infgram.compact(path, threads=1)


def _convert(path: Path, output: Path, tokenizer: str | None) -> int:
    with infgram.convert(path, output, tokenizer=tokenizer, threads=1, overwrite=True) as ours:
        return ours.count([0])


def _models(index: infgram.Index, queries: list[Any]) -> Iterator[Call]:
    for smoothing in SMOOTHINGS:
        for n in (None, 3):
            yield "InfgramLM", partial(_model, index, smoothing, n, queries)
    yield "survey", lambda: lm.survey(index, threads=1)
    yield "jelinek_mercer_weights", lambda: lm.jelinek_mercer_weights(index, queries, rounds=2)
    yield "suffix_features", lambda: lm.suffix_features(index, queries)
    yield "evaluate_models", lambda: _mixture(index, queries)


def _model(index: infgram.Index, smoothing: Any, n: int | None, queries: list[Any]) -> Any:
    model = lm.InfgramLM(index, smoothing, n=n)
    session = model.session(queries[0])
    session.append(0)
    return (
        model.distribution(queries[0]),
        model.log_prob(queries[0], 0),
        model.evaluate(queries, entropies=smoothing != "stupid_backoff", end=True),
        None if smoothing == "stupid_backoff" else model.sample(queries[0][:2], max_tokens=4, seed=1),
        session.copy().distribution(),
    )


def _mixture(index: infgram.Index, queries: list[Any]) -> Any:
    models = {name: lm.InfgramLM(index, name) for name in ("witten_bell", "kneser_ney")}
    suffixes = lm.suffix_features(index, queries)
    tokens = [np.asarray(index.tokenizer.encode(query) if isinstance(query, str) else query) for query in queries]
    guesses = np.zeros((sum(max(0, len(each) - 1) for each in tokens), 1), dtype=np.int64)
    scores = dict(lm.evaluate_models(models, queries, entropies=["witten_bell"], guesses={"witten_bell": guesses}))
    scores["cache"] = lm.DocumentCache(index.vocab_size).evaluate(tokens)
    inputs = lm.MixtureInputs(scores, suffixes)
    mixtures = [lm.Interpolator.fit(inputs, by=by) for by in ("one", "sparse", "class")]
    linear = lm.log_linear(scores["witten_bell"], scores["witten_bell"], np.concatenate([each[1:] for each in tokens]))
    weights = [mixture.next_token_weights(index, queries[0]) for mixture in mixtures]
    return [mixture.gains(inputs, over="witten_bell") for mixture in mixtures], linear, weights


def _commands(index: infgram.Index, query: Any, options: list[str]) -> Iterator[Call]:
    path, is_text = index.paths[0], isinstance(query, str)
    words = [query] if is_text else ["--token-ids", ",".join(map(str, query))]
    for name in ("count", "next", "score", "search"):
        yield f"infgram {name}", partial(run, name, path, *words, *options, "--json")
    text, ids = (query, []) if is_text else (" ".join(map(str, query)), ["--ids"])
    for name in ("trace", "novelty"):
        yield f"infgram {name}", partial(run, name, path, "-", *ids, *options, "--json", stdin=text)
    yield "infgram info", lambda: run("info", path, *options)
    yield "infgram document", lambda: run("document", path, 0, *options)
    yield "infgram verify", lambda: run("verify", path, *options, "--quiet")


def take(result: Any) -> None:
    """Use a result: exhaust an iterator, and show everything as a user would."""
    if isinstance(result, (list, tuple)):
        for each in result:
            take(each)
    elif isinstance(result, Iterator) or (hasattr(result, "__iter__") and not hasattr(result, "__len__")):
        for each in itertools.islice(result, MOST_RESULTS):
            take(each)
    else:
        repr(result)


def scratch() -> tempfile.TemporaryDirectory[str]:
    """Return a temporary folder in memory."""
    return tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
