"""Measure the costs behind `infgram plan` at growing sizes, and compare them with predictions from smaller sizes.

    python benchmarks/scale.py                     some minutes: source code of this machine
    python benchmarks/scale.py --ids IDS.npy --lengths LENGTHS.npy --tokens 1e6 1e7 1e8 4e8 --text BOOKS.jsonl.zst \
        --text SOURCE.jsonl.zst --tokenizer gpt2/ --folder DISK --record FOLDER

IDS.npy contains the concatenated token ids of all documents, LENGTHS.npy the tokens of each. The corpus of each
size is a prefix of one fixed shuffle of the documents, so all sizes have the same mix. Every index is verified. Prints
one JSON object per row. `scale_fit.py` fits the constants of `infgram plan` (infgram/planning/measured.json) to the
record. With --only, the record keeps its rows of the other questions.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np

sys.path.append(str(Path(__file__).resolve().parent.parent))  # last, so that infgram is the installed one

import infgram
from benchmarks.corpora import SEPARATOR, encoded, source_texts, texts_of, write_texts
from benchmarks.machine import describe
from benchmarks.measuring import run
from benchmarks.queries import VOCAB_SIZE, Corpus
from benchmarks.ray_calls import call_rows
from benchmarks.report import Row
from benchmarks.scale_report import write_scale_record
from benchmarks.shard_latency import many_shards, one_shard
from infgram.tokenizers import resolve, train_bpe

_ROWS: Final = {
    "text": ("text",),
    "stages": ("stages",),
    "wide": ("wide",),
    "one shard": ("latency",),
    "many shards": ("shards", "fan_out"),
    "calls": ("calls",),
}
QUESTIONS: Final = tuple(_ROWS)
_MOST_WIDE: Final = 2e8
_OURS: Final = Path(__file__).with_name("ours.py")
_LATENCY_TOKENS: Final = 5e6  # minimum size for measuring latency
_TEXT_BYTES: Final = 100e6


def main() -> None:
    """Parse the options, print the rows and write the record."""
    options = _options()
    rows: list[Row] = [{**describe(None), "load_average": round(os.getloadavg()[0], 1)}]
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="infgram-scale-") as work:
        for row in _rows(options, Path(work)):
            rows.append(row)
            print(json.dumps(row), flush=True)
            if options.record:  # after every row, so that an error loses none
                write_scale_record(options.record, [*rows, *_earlier(options)])


def _earlier(options: argparse.Namespace) -> list[Row]:
    """Return the rows of the record for questions that are not measured again."""
    path = options.record / "scale.json"
    if not options.only or not path.exists():
        return []
    again = {name for question in options.only for name in _ROWS[question]}
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [row for row in rows[1:] if row["question"] not in again]


def _rows(options: argparse.Namespace, work: Path) -> Iterator[Row]:
    asked = options.only or QUESTIONS
    tokenizer = options.tokenizer or _trained(work)
    if "text" in asked:
        for source in options.text or [str(_source_file(work))]:
            yield _text(Path(source), tokenizer, options.threads, work)
    if set(asked) <= {"text", "calls"}:
        yield from call_rows() if "calls" in asked else ()
        return
    ids, lengths = _tokens(options, tokenizer)
    corpora = [Corpus(ids, lengths, int(n_tokens)) for n_tokens in sorted(options.tokens)]
    if "stages" in asked:
        yield from (_measured(corpus, options, work, 16) for corpus in corpora)
    if "wide" in asked:
        largest = max(
            (corpus for corpus in corpora if corpus.n_tokens <= _MOST_WIDE), key=lambda corpus: corpus.n_tokens
        )
        yield {**_measured(largest, options, work, 32), "question": "wide"}
    large = [corpus for corpus in corpora if corpus.n_tokens >= _LATENCY_TOKENS] or corpora[-1:]
    if "one shard" in asked:
        for corpus in large:
            path = work / "one"
            infgram.build_from_tokens(corpus.documents(), path, vocab_size=VOCAB_SIZE).close()
            yield from one_shard(path, corpus)
            shutil.rmtree(path)
    if "many shards" in asked:
        yield from many_shards(large[min(1, len(large) - 1)], work)
    if "calls" in asked:
        yield from call_rows()


def _measured(corpus: Corpus, options: argparse.Namespace, work: Path, width_bits: int) -> Row:
    """Build and verify an index of token ids several times; return the run with the median sorting time."""
    source = work / "tokens.npy"
    parts = [np.append(document, np.uint16(SEPARATOR)) for document in corpus.documents()]
    np.save(source, np.concatenate(parts))
    del parts
    runs = [_run(source, options.threads, work, token_width_bits=width_bits) for _ in range(_repeats(options, corpus))]
    source.unlink()
    row = sorted(runs, key=lambda row: row["sort_cpu_s"])[len(runs) // 2]
    return {"question": "stages", "threads": options.threads, "repeats": len(runs), **row}


def _repeats(options: argparse.Namespace, corpus: Corpus) -> int:
    return options.repeats if corpus.n_tokens <= 2e8 else 1


def _run(source: Path, threads: int, work: Path, **options: Any) -> Row:
    output = work / "index"
    shutil.rmtree(output, ignore_errors=True)
    job = {"source": str(source), "output": str(output), "threads": threads, "verify": True, **options}
    measured = run([sys.executable, str(_OURS), json.dumps(job)], output)
    shutil.rmtree(output)
    found = json.loads(measured.lines[-1][1])
    return {
        **{name: found[name] for name in ("n_tokens", "n_documents", "size_bytes", "directory_bytes")},
        "write_cpu_s": found["build_cpu_s"] - found["sort_cpu_s"],
        "write_s": found["build_s"] - found["sort_s"],
        **{name: found[name] for name in ("sort_cpu_s", "sort_s", "verify_cpu_s", "verify_s")},
        "memory_bytes": measured.memory_bytes,
    }


def _text(source: Path, tokenizer: str, threads: int, work: Path) -> Row:
    """Build an index of a text; return the time of reading, tokenizing and writing, before sorting."""
    row = _run(source, threads, work, tokenizer=tokenizer)
    text_bytes = sum(len(text.encode()) for text in texts_of([str(source)]))
    names = ("n_tokens", "n_documents", "write_cpu_s", "write_s")
    about = {"question": "text", "input": source.name, "threads": threads, "text_bytes": text_bytes}
    return {**about, **{name: row[name] for name in names}}


def _tokens(options: argparse.Namespace, tokenizer: str) -> tuple[Any, Any]:
    if options.ids:
        return np.load(options.ids, mmap_mode="r"), np.load(options.lengths)
    tokens = encoded(source_texts(), resolve(tokenizer), int(max(options.tokens) * 1.2))
    ends = np.flatnonzero(tokens == SEPARATOR)
    return tokens[tokens != SEPARATOR], np.diff(ends, prepend=-1) - 1


def _trained(work: Path) -> str:
    folder = work / "tokenizer"
    folder.mkdir()
    train_bpe(islice(source_texts(), 500), 32_000).save(folder)
    return str(folder)


def _source_file(work: Path) -> Path:
    return write_texts(source_texts(), work / "texts" / "source.jsonl.zst", int(_TEXT_BYTES))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--only", action="append", choices=QUESTIONS, help="measure one question; may be repeated (default: all)")
    add("--tokens", type=float, nargs="+", default=[2e5, 6e5, 2e6, 6e6], help="sizes (default: 2e5 6e5 2e6 6e6)")
    add("--ids", type=Path, help="token ids of the corpus, below 50,257, as .npy")
    add("--lengths", type=Path, help="lengths of the documents in --ids, as .npy")
    add("--text", action="append", help="a .jsonl.zst to measure tokenizing; may be repeated")
    add("--tokenizer", help="a folder with tokenizer.json (default: one trained here)")
    add("--threads", type=int, default=len(os.sched_getaffinity(0)), help="(default: all cores)")
    add(
        "--repeats",
        type=int,
        default=3,
        help="builds of up to 2e8 tokens; the median is reported (default: 3)",
    )
    add("--folder", type=Path, help="for temporary files, about 10 bytes per token (default: the system's)")
    add("--record", type=Path, metavar="FOLDER", help="write scale.json and scale.md there")
    options = parser.parse_args()
    if (options.ids is None) != (options.lengths is None):
        parser.error("--ids and --lengths go together")
    return options


if __name__ == "__main__":
    main()
