"""How long does suffix sorting take, a token? On ordinary text and on the inputs that hurt."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.corpora import TokenCorpus, hard_corpora, source_texts
from infgram import _core
from infgram.tokenizers import train_bpe


def measure(n_tokens: int, threads: tuple[int, ...], repeats: int) -> Iterator[dict[str, object]]:
    """One row a corpus and number of threads: median nanoseconds a token, the array verified each time."""
    for corpus in (_source(n_tokens), *hard_corpora(n_tokens)):
        for n_threads in threads:
            times = [_sort(corpus, n_threads) for _ in range(repeats)]
            yield {
                "corpus": corpus.name,
                "n_tokens": corpus.n_tokens,
                "threads": n_threads,
                "ns_per_token": round(statistics.median(times), 1),
                "spread_ns": round(max(times) - min(times), 1),
            }


def _source(n_tokens: int) -> TokenCorpus:
    tokenizer = train_bpe(source_texts(4 << 20), 16_000)
    documents, total = [], 0
    for text in source_texts(n_tokens * 8):
        document = tokenizer.encode(text).astype(np.uint32)
        documents.append(document)
        total += len(document)
        if total >= n_tokens:
            break
    return TokenCorpus("Python source", documents, tokenizer.vocab_size)


def _sort(corpus: TokenCorpus, n_threads: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        writer = _core.ShardWriter(path, corpus.vocab_size, _core.token_bits_for(corpus.vocab_size))
        for document in corpus.documents:
            writer.add_documents(document, np.array([len(document)], dtype=np.int64), [b""])
        writer.finish()
        started = time.perf_counter()
        _core.sort_shard(path, n_threads)
        elapsed_s = time.perf_counter() - started
        _core.verify_shard(path)
    return elapsed_s / corpus.n_tokens * 1e9
