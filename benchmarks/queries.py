"""Measure the latency of queries with one thread, and compare with infini-gram on the same corpus.

    python benchmarks/queries.py IDS.npy LENGTHS.npy --tokens 10e6 100e6 400e6 --folder DISK --record FOLDER

IDS.npy contains the concatenated token ids of all documents (uint16), LENGTHS.npy the number of tokens of each
document. The last documents of a fixed shuffle are held out, and most queries come from them. Both indexes are built
in the folder, once. infini-gram is measured if its package can be imported, with the faster of two settings for each
query (prefetch depths 0, and its defaults). Results are verified before they are timed: counts with a scan of the
corpus, and others with infini-gram where it is exact. Output: one JSON object per row, with times in microseconds.
"""

from __future__ import annotations

import argparse
import importlib
import json
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.append(
    str(Path(__file__).resolve().parent.parent)
)  # last on the path, so that the installed infgram is imported

import infgram
from benchmarks.machine import describe
from benchmarks.queries_report import write_queries_record
from benchmarks.report import Row

Tokens = list[int]
Ask = Callable[[Tokens], object]
Ids = npt.NDArray[np.uint16]

VOCAB_SIZE = 50_257
N_HELD_OUT = 200
RIVAL_SETTINGS: tuple[dict[str, int], ...] = (
    {},
    {"ds_prefetch_depth": 0, "sa_prefetch_depth": 0, "od_prefetch_depth": 0},
)


class Corpus:
    """Split the documents into indexed and held-out ones.

    Args:
        ids: the concatenated token ids of all documents.
        lengths: the number of tokens of each document.
        n_tokens: the approximate number of tokens to index.
    """

    def __init__(self, ids: Ids, lengths: npt.NDArray[np.int64], n_tokens: int) -> None:
        order = np.random.default_rng(5).permutation(len(lengths))
        starts = np.concatenate([[0], np.cumsum(lengths)])
        chosen = order[:-N_HELD_OUT]
        chosen = chosen[: int(np.searchsorted(np.cumsum(lengths[chosen]), n_tokens)) + 1]
        self._ids, self._starts, self._chosen = ids, starts, chosen
        self.held_out = [ids[starts[d] : starts[d + 1]].tolist() for d in order[-N_HELD_OUT:]]
        self.n_tokens = int(lengths[chosen].sum())

    def documents(self) -> Iterator[Ids]:
        """The indexed documents."""
        for document in self._chosen:
            yield self._ids[self._starts[document] : self._starts[document + 1]]

    def pieces(self, size: int, n: int, *, held_out: bool = True, seed: int = 1) -> list[Tokens]:
        """Return random pieces of held-out or indexed documents."""
        rng = np.random.default_rng([seed, size, held_out])
        some = self.held_out if held_out else [document.tolist() for document in list(self.documents())[:300]]
        long_enough = [document for document in some if len(document) > size]
        pieces = []
        for _ in range(n):
            document = long_enough[rng.integers(len(long_enough))]
            start = int(rng.integers(len(document) - size))
            pieces.append(document[start : start + size])
        return pieces

    def patterns(self, n: int) -> list[Tokens]:
        """Return patterns of 1 to 10 tokens from the corpus; half have one altered token, and mostly do not occur."""
        rng = np.random.default_rng(2)
        patterns = [piece for size in range(1, 11) for piece in self.pieces(size, n // 10, held_out=False)]
        for pattern in patterns[::2]:
            pattern[rng.integers(len(pattern))] = int(rng.integers(VOCAB_SIZE))
        rng.shuffle(patterns)
        return patterns

    def scan_count(self, pattern: Tokens) -> int:
        """Count occurrences with a scan of the corpus."""
        return sum(occurrences(document, pattern) for document in self.documents())


def occurrences(document: Ids, pattern: Tokens) -> int:
    """Count the occurrences of a pattern in a document."""
    n = len(document) - len(pattern) + 1
    if n <= 0:
        return 0
    found = np.ones(n, dtype=bool)
    for place, token in enumerate(pattern):
        found &= document[place : place + n] == token
    return int(found.sum())


# The two indexes


def build_ours(corpus: Corpus, folder: Path) -> Path:
    """Build our index of the corpus, unless it exists."""
    path = folder / f"infgram-{corpus.n_tokens}"
    if not path.exists():
        infgram.build_from_tokens(corpus.documents(), path, vocab_size=VOCAB_SIZE).close()
    return path


def build_rival(corpus: Corpus, folder: Path) -> Path:
    """Build infini-gram's index: files as its tokenizing step writes them, sorted by its own indexer."""
    path = folder / f"infini-gram-{corpus.n_tokens}"
    if (path / "table.0").exists():
        return path
    path.mkdir(parents=True, exist_ok=True)
    with open(path / "tokenized.0", "wb") as tokens, open(path / "offset.0", "wb") as offsets:
        for document in corpus.documents():
            offsets.write(np.uint64(tokens.tell()).tobytes())
            tokens.write(b"\xff\xff" + document.astype("<u2").tobytes())
    code = (
        "import argparse, resource; from infini_gram import indexing; indexing.HACK = 100_000; "
        "resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2); "
        f"indexing.build_sa(argparse.Namespace(save_dir={str(path)!r}, temp_dir={str(path)!r}, worker_id=0, shards=1, "
        f"workers=1, cpus={os.cpu_count()}, mem=4, token_width=2))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL, env=_with_path())
    return path


def _with_path() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def open_rivals(path: Path) -> list[Any]:
    """Return one engine of infini-gram per setting; none if the package is missing."""
    engine = importlib.import_module("infini_gram.engine")
    fixed = {"eos_token_id": VOCAB_SIZE - 1, "vocab_size": VOCAB_SIZE, "version": 4, "token_dtype": "u16"}
    return [engine.InfiniGramEngine(index_dir=str(path), **fixed, **settings) for settings in RIVAL_SETTINGS]


# Measurement


def times_us(ask: Ask, questions: Sequence[Tokens]) -> list[float]:
    """Return the time of each query; a tenth of them run first, without timing."""
    for question in questions[: len(questions) // 10]:
        ask(question)
    times = []
    for question in questions:
        started = time.perf_counter_ns()
        ask(question)
        times.append((time.perf_counter_ns() - started) / 1000)
    return times


def percentiles(times: Sequence[float]) -> dict[str, float]:
    """Return the median and the 99th percentile."""
    return {"p50": round(statistics.median(times), 2), "p99": round(float(np.percentile(times, 99)), 2)}


def compared(question: str, ours: Ask, theirs: Sequence[Ask], asked: Sequence[Tokens], n_theirs: int) -> dict[str, Any]:
    """Return a row with our times, theirs with the faster setting, and the ratios."""
    row: dict[str, Any] = {"question": question, "n": len(asked), "infgram": percentiles(times_us(ours, asked))}
    if theirs:
        settings = [percentiles(times_us(ask, asked[:n_theirs])) for ask in theirs]
        best = min(settings, key=lambda setting: setting["p50"])
        row["infini_gram"] = best
        row["ratio"] = {name: round(best[name] / row["infgram"][name], 1) for name in best}
    return row


def per_token(question: str, ours: Ask, theirs: Sequence[Ask], documents: Sequence[Tokens]) -> dict[str, Any]:
    """Return a row of microseconds per token over whole documents; theirs over the first of them."""
    row: dict[str, Any] = {"question": question, "unit": "us per token", "infgram": _per_token(ours, documents)}
    if theirs:
        short = [document[:500] for document in documents[:10]]
        row["infini_gram"] = min((_per_token(ask, short) for ask in theirs), key=lambda times: times["p50"])
        row["ratio"] = {name: round(row["infini_gram"][name] / row["infgram"][name], 1) for name in row["infgram"]}
    row["tokens_per_s"] = round(1e6 / row["infgram"]["mean"])
    return row


def _per_token(ask: Ask, documents: Sequence[Tokens]) -> dict[str, float]:
    ask(documents[0])
    times = [times_us(ask, [document])[0] for document in documents]
    each = [elapsed / len(document) for elapsed, document in zip(times, documents, strict=True)]
    return {**percentiles(each), "mean": round(sum(times) / sum(map(len, documents)), 3)}


def warm_rows(index: infgram.Index, rivals: Sequence[Any], corpus: Corpus) -> Iterator[dict[str, Any]]:
    """Run the queries of the table."""
    patterns = corpus.patterns(10_000)
    check_counts(index, rivals, corpus, patterns)
    yield compared("count", index.count, [rival.count for rival in rivals], patterns, 2000)
    batches = [patterns] * 7
    each = [elapsed / len(patterns) for elapsed in times_us(index.count_batch, batches)]  # type: ignore[arg-type]
    yield {"question": "count_batch", "unit": "us per pattern", "infgram": percentiles(each)}
    for size, n_theirs in ((1, 200), (5, 1000)):
        contexts = corpus.pieces(size, 1000)
        check_rows(index, rivals, contexts)
        theirs = [rival.ntd for rival in rivals]
        name = f"next_token_distribution of {size}"
        yield compared(name, index.next_token_distribution, theirs, contexts, n_theirs)
    for size in (32, 100, 500):
        contexts = corpus.pieces(size, 1000)
        theirs = [rival.infgram_ntd for rival in rivals]
        yield compared(f"infgram_distribution of {size}", index.infgram_distribution, theirs, contexts, 500)
    documents = [document for document in corpus.held_out if len(document) >= 200]
    check_matches(index, rivals, documents)
    yield per_token("score", index.score, [scorer(rival) for rival in rivals], documents)
    theirs = [rival.creativity for rival in rivals]
    yield per_token("longest_matches", index.longest_matches, theirs, documents)
    session_times = [elapsed for document in documents[:20] for elapsed in _session_us(index, document[:1000])]
    yield {"question": "session: append", "infgram": percentiles(session_times)}


def scorer(rival: Any) -> Ask:
    """Query infini-gram at every position of a document, with contexts of at most 500 tokens."""

    def ask(document: Tokens) -> object:
        return [rival.infgram_prob(document[max(0, end - 500) : end], document[end]) for end in range(len(document))]

    return ask


def _session_us(index: infgram.Index, document: Tokens) -> list[float]:
    session = index.session()
    return times_us(lambda token: session.append(token[0]), [[token] for token in document])


# Verification


def check_counts(index: infgram.Index, rivals: Sequence[Any], corpus: Corpus, patterns: list[Tokens]) -> None:
    """Verify counts with a scan of the corpus, and with infini-gram."""
    batch = index.count_batch(patterns).tolist()
    for place in range(0, len(patterns), len(patterns) // 10):
        check(batch[place] == corpus.scan_count(patterns[place]), f"count of {patterns[place]}")
    for pattern, count in zip(patterns, batch, strict=True):
        check(index.count(pattern) == count, f"count and count_batch of {pattern}")
        check(not rivals or rivals[-1].count(pattern)["count"] == count, f"count of {pattern}, by infini-gram")


def check_rows(index: infgram.Index, rivals: Sequence[Any], contexts: list[Tokens]) -> None:
    """Verify distributions with counts, and with infini-gram where it does not sample."""
    for context in contexts[:50]:
        found = index.next_token_distribution(context)
        followed = index.count_batch([[*context, token] for token in found.token_ids[-100:].tolist() if token >= 0])
        check(followed.tolist() == found.counts[-100:][found.token_ids[-100:] >= 0].tolist(), f"rows of {context}")
        check(int(found.counts.sum()) == found.context_count, f"sum of {context}")
        if rivals and found.context_count:
            theirs = rivals[-1].ntd(context)
            exact = {int(token): row["cont_cnt"] for token, row in theirs["result_by_token_id"].items()}
            ours = dict(zip(found.token_ids.tolist(), found.counts.tolist(), strict=True))
            ours.pop(infgram.END_OF_DOCUMENT, None)
            exact.pop(VOCAB_SIZE - 1, None)
            check(theirs["approx"] or exact == ours, f"rows of {context}, by infini-gram")


def check_matches(index: infgram.Index, rivals: Sequence[Any], documents: list[Tokens]) -> None:
    """Verify longest matches and scores with counts, and with infini-gram."""
    document = documents[0][:300]
    matches, scores = index.longest_matches(document), index.score(document)
    reach = [place + length for place, length in enumerate(matches.lengths.tolist())]
    for place, length in enumerate(matches.lengths.tolist()):
        check(length == 0 or index.count(document[place : place + length]) == matches.counts[place], "a match")
        longest = index.longest_suffix(document[:place])
        check(longest.length == scores.suffix_lengths[place], "a score")
    check(not rivals or rivals[-1].creativity(document)["rs"] == reach, "the matches, by infini-gram")


def check(holds: bool, what: str) -> None:
    """Exit if a result is wrong."""
    if not holds:
        raise SystemExit(f"wrong result: {what}")


# Cold


def cold_rows(ours: Path, theirs: Path | None, corpus: Corpus) -> Iterator[dict[str, Any]]:
    """Run queries after dropping the files from the page cache, with each engine in a separate process."""
    questions = {"count": corpus.pieces(2, 400), "infgram_distribution": corpus.pieces(100, 400)}
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for name, asked in questions.items():
            row: dict[str, Any] = {"question": f"{name}, cold", "infgram": pool.apply(_cold_ours, (ours, name, asked))}
            if theirs is not None:
                method = "count" if name == "count" else "infgram_ntd"
                row["infini_gram"] = pool.apply(_cold_theirs, (theirs, method, asked))
                row["time_ratio"] = round(row["infini_gram"]["p50"] / row["infgram"]["p50"], 1)
            yield row


def _cold_ours(path: Path, method: str, asked: list[Tokens]) -> dict[str, float]:
    drop_pages(path)
    index = infgram.open(path)
    time.sleep(1)  # these queries read the directory
    return _cold(getattr(index, method), asked)


def _cold_theirs(path: Path, method: str, asked: list[Tokens]) -> dict[str, float]:
    drop_pages(path)
    return _cold(getattr(open_rivals(path)[-1], method), asked)


def drop_pages(path: Path) -> None:
    """Drop the files of a folder from the page cache."""
    for file in path.rglob("*"):
        if file.is_file():
            with open(file, "rb") as opened:
                os.fsync(opened.fileno())
                os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _cold(ask: Ask, asked: list[Tokens]) -> dict[str, float]:
    times, faults, read = [], [], []
    for question in asked:
        before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter_ns()
        ask(question)
        times.append((time.perf_counter_ns() - started) / 1000)
        after = resource.getrusage(resource.RUSAGE_SELF)
        faults.append(after.ru_majflt - before.ru_majflt)
        read.append((after.ru_inblock - before.ru_inblock) / 2)
    return {**percentiles(times), "faults": statistics.median(faults), "kilobytes": statistics.median(read)}


def main() -> None:
    """Parse the options, print the rows, and write the record if requested."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ids", type=Path)
    parser.add_argument("lengths", type=Path)
    parser.add_argument("--tokens", type=float, nargs="+", default=[10e6], help="tokens of each corpus")
    parser.add_argument("--folder", type=Path, required=True, help="a folder for the indexes, about 12 bytes per token")
    parser.add_argument(
        "--rival-up-to",
        type=float,
        default=float("inf"),
        metavar="TOKENS",
        help="maximum corpus size in tokens for infini-gram",
    )
    parser.add_argument(
        "--load", default="ram", choices=["map", "warm", "ram"], help="how to load the index for warm queries"
    )
    parser.add_argument("--only", choices=["warm", "cold"])
    parser.add_argument(
        "--record", type=Path, metavar="FOLDER", help="write queries.json and queries.md to this folder"
    )
    options = parser.parse_args()
    rival_version = _rival_version()
    rows = []
    for row in _rows(options, has_rival=rival_version is not None):
        rows.append(row)
        print(json.dumps(row), flush=True)
    if options.record:
        write_queries_record(options.record, describe(rival_version), rows)


def _rival_version() -> str | None:
    try:
        importlib.import_module("infini_gram.engine")
        return metadata.version("infini-gram")
    except (ImportError, metadata.PackageNotFoundError):
        print("infini-gram cannot be imported, so only infgram is measured", file=sys.stderr)
        return None


def _rows(options: argparse.Namespace, *, has_rival: bool) -> Iterator[Row]:
    ids, lengths = np.load(options.ids, mmap_mode="r"), np.load(options.lengths)
    for n_tokens in options.tokens:
        corpus = Corpus(ids, lengths, int(n_tokens))
        ours = build_ours(corpus, options.folder)
        theirs = build_rival(corpus, options.folder) if has_rival and n_tokens <= options.rival_up_to else None
        if options.only != "warm":
            yield from ({"n_tokens": corpus.n_tokens, **row} for row in cold_rows(ours, theirs, corpus))
        if options.only != "cold":
            with infgram.open(ours, load=options.load) as index:
                info = index.info()
                share = round(info["directory_bytes"] / info["size_bytes"], 4)
                yield {
                    "n_tokens": corpus.n_tokens,
                    "bytes_per_token": info["bytes_per_token"],
                    "directory_share": share,
                }
                rivals = open_rivals(theirs) if theirs is not None else []
                yield from ({"n_tokens": corpus.n_tokens, **row} for row in warm_rows(index, rivals, corpus))


if __name__ == "__main__":
    main()
