"""Measure the time, memory and disk space of index builds, and compare with infini-gram if it is installed."""

from __future__ import annotations

import hashlib
import json
import shutil
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

import infgram
from benchmarks.corpora import SEPARATOR, Tokens, encoded, hard_corpora, texts_of, write_texts
from benchmarks.measuring import Measured, folder_bytes, run
from benchmarks.rival import Rival
from infgram.tokenizers import resolve

Row = dict[str, Any]

_OURS: Final = Path(__file__).with_name("ours.py")
_N_QUERIES: Final = 2000
_LONGEST_QUERY: Final = 8
_TOKENIZED_BYTES: Final = 8_000_000  # bytes of text for the rival, which takes a second per megabyte
_ALL: Final = 1 << 62
_MIB: Final = 1 << 20
_LEAST_BUDGET: Final = 128 * _MIB


@dataclass(frozen=True)
class Bench:
    """The options of all build benchmarks.

    Attributes:
        folder: the folder for corpora and indexes; each benchmark removes its files.
        threads: the maximum number of threads.
        repeats: the number of runs of infgram, of which the median is reported; the rival runs once.
        rival: infini-gram; None if it is not installed.
    """

    folder: Path
    threads: int
    repeats: int
    rival: Rival | None

    def sorting(self, tokens: Tokens) -> Iterator[Row]:
        """Measure suffix sorting, with one thread and with all threads, and compare counts."""
        source = self._save(tokens)
        queries = _queries(tokens)
        for threads in sorted({1, self.threads}):
            ours = self._ours(source, threads, len(tokens))
            with infgram.open(self._index) as index:
                index.verify()
                counts = index.count_batch(queries).tolist()
            theirs: Row = {}
            if self.rival and threads == self.threads:
                theirs = self._their_sorting(tokens, threads)
                _check_equal("counts", counts, self.rival.counts(self._rival_index, queries))
            yield _compared("sort", threads, ours, theirs)
        self._clear()

    def hard_inputs(self, ordinary: Tokens) -> Iterator[Row]:
        """Measure the sorting time per token on hard inputs, relative to ordinary text, and verify each index."""
        usual = 0.0
        for name, make in {"ordinary text": lambda: ordinary, **hard_corpora(ordinary)}.items():
            tokens = make()
            row = self._ours(self._save(tokens), self.threads, len(tokens))
            with infgram.open(self._index) as index:
                index.verify()
            usual = usual or row["ns_per_token"]
            yield {"question": "hard", "input": name, **row, "times_ordinary": row["ns_per_token"] / usual}
        self._clear()

    def text(self, source: Path, tokenizer: str) -> Iterator[Row]:
        """Measure the build from `.jsonl.zst` to a finished index, including the start of Python."""
        text_bytes = _text_bytes(source)
        runs = [self._build(source, self.threads, tokenizer=tokenizer) for _ in range(self.repeats)]
        elapsed_s = statistics.median(measured.elapsed_s for measured, _ in runs)
        ours = {
            "mb_per_s": text_bytes / elapsed_s / 1e6,
            "elapsed_s": elapsed_s,
            "sort_s": statistics.median(result["sort_s"] for _, result in runs),
            "memory_bytes": max(measured.memory_bytes for measured, _ in runs),
            "disk_bytes": folder_bytes(self._index),
        }
        theirs = self._their_text(source, tokenizer, text_bytes)
        yield {"question": "text", "threads": self.threads, "text_bytes": text_bytes, "ours": ours, "theirs": theirs}
        self._clear()

    def memory(self, tokens: Tokens) -> Iterator[Row]:
        """Measure builds with memory limits of the index size down to a quarter of it; all indexes must be equal."""
        source = self._save(tokens)
        ample, _ = self._build(source, self.threads)
        files, size_bytes = _checksums(self._index), folder_bytes(self._index)
        for budget in sorted({max(_LEAST_BUDGET, size_bytes // share // _MIB * _MIB) for share in (1, 2, 4)}):
            measured, _ = self._build(source, self.threads, memory=budget)
            _check_equal("the files of both indexes", files, _checksums(self._index))
            yield {
                "question": "memory",
                "n_tokens": len(tokens),
                "index_bytes": size_bytes,
                "budget_bytes": budget,
                "memory_bytes": measured.memory_bytes,
                "times_budget": measured.memory_bytes / budget,
                "times_ample": measured.elapsed_s / ample.elapsed_s,
            }
        self._clear()

    @property
    def _index(self) -> Path:
        return self.folder / "ours" / "corpus.infgram"

    @property
    def _rival_index(self) -> Path:
        return self.folder / "theirs"

    def _ours(self, source: Path, threads: int, n_tokens: int) -> Row:
        runs = [self._build(source, threads) for _ in range(self.repeats)]
        times = [result["sort_s"] / n_tokens * 1e9 for _, result in runs]
        return {
            "n_tokens": n_tokens,
            "ns_per_token": statistics.median(times),
            "spread_ns": max(times) - min(times),
            "memory_per_token": max(measured.memory_bytes for measured, _ in runs) / n_tokens,
            "disk_per_token": folder_bytes(self._index) / n_tokens,
            "disk_peak_per_token": max(folder_bytes(self._index), *(run.disk_bytes for run, _ in runs)) / n_tokens,
        }

    def _their_sorting(self, tokens: Tokens, threads: int) -> Row:
        assert self.rival is not None
        shutil.rmtree(self._rival_index, ignore_errors=True)
        sort_s, measured = self.rival.sort(tokens, self._rival_index, threads)
        return {
            "ns_per_token": sort_s / len(tokens) * 1e9,
            "memory_per_token": measured.memory_bytes / len(tokens),
            "disk_per_token": folder_bytes(self._rival_index) / len(tokens),
            "disk_peak_per_token": max(folder_bytes(self._rival_index), measured.disk_bytes) / len(tokens),
        }

    def _their_text(self, source: Path, tokenizer: str, text_bytes: int) -> Row | None:
        if self.rival is None or not Path(tokenizer, "merges.txt").is_file():
            return None
        some, one = self.folder / "some" / "texts.jsonl.zst", self.folder / "one" / "texts.jsonl.zst"
        write_texts(texts_of([str(source)]), some, _TOKENIZED_BYTES)
        write_texts(texts_of([str(source)]), one, 1)
        one_s, _ = self.rival.tokenize(one.parent, Path(tokenizer), self.folder / "rival-one", self.threads)
        all_s, tokens = self.rival.tokenize(some.parent, Path(tokenizer), self.folder / "rival-some", self.threads)
        ours = encoded(texts_of([str(some)]), resolve(tokenizer), _ALL)
        _check_equal("token ids", ours.tolist(), tokens.tolist())
        whole = encoded(texts_of([str(source)]), resolve(tokenizer), _ALL)
        sort_s, _ = self.rival.sort(whole, self.folder / "rival-sort", self.threads)
        # Two runs separate the time to load the tokenizer from the time to tokenize the text.
        tokenized_bytes = _text_bytes(some) - _text_bytes(one)
        seconds_per_byte = (all_s - one_s) / tokenized_bytes
        return {
            "mb_per_s": text_bytes / (one_s + seconds_per_byte * text_bytes + sort_s) / 1e6,
            "tokenise_mb_per_s": 1e-6 / seconds_per_byte,
            "load_s": one_s,
            "tokenised_bytes": tokenized_bytes,
            "sort_s": sort_s,
        }

    def _build(self, source: Path, threads: int, **options: Any) -> tuple[Measured, Row]:
        shutil.rmtree(self._index.parent, ignore_errors=True)
        self._index.parent.mkdir()
        job = {"source": str(source), "output": str(self._index), "threads": threads, **options}
        measured = run([sys.executable, str(_OURS), json.dumps(job)], self._index.parent)
        return measured, json.loads(measured.lines[-1][1])

    def _save(self, tokens: Tokens) -> Path:
        path = self.folder / "tokens.npy"
        np.save(path, tokens)
        return path

    def _clear(self) -> None:
        for path in self.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _queries(tokens: Tokens) -> list[list[int]]:
    """Return random pieces of one to eight tokens; in every second one, one token is altered."""
    random = np.random.default_rng(1)
    queries = []
    for number, start in enumerate(random.integers(0, len(tokens), _N_QUERIES).tolist()):
        query = [token for token in tokens[start : start + 1 + number % _LONGEST_QUERY].tolist() if token != SEPARATOR]
        if query and number % 2:
            query[int(random.integers(len(query)))] = int(random.integers(1000))
        if query:
            queries.append(query)
    return queries


def _compared(question: str, threads: int, ours: Row, theirs: Row) -> Row:
    ratios = {name: theirs[name] / ours[name] for name in theirs}
    return {"question": question, "threads": threads, "ours": ours, "theirs": theirs, "theirs_over_ours": ratios}


def _check_equal(what: str, ours: Any, theirs: Any) -> None:
    if ours != theirs:
        raise SystemExit(f"{what} differ, so the benchmark is invalid")


def _checksums(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _text_bytes(source: Path) -> int:
    return sum(len(text.encode()) for text in texts_of([str(source)]))
