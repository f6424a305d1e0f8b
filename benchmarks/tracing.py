"""Measure the time to trace a text including documents, and compare the spans with infini-gram.

    python benchmarks/tracing.py CORPUS.infgram HELD_OUT.jsonl.zst --rival rival/bin/python --folder DISK

CORPUS.infgram is an index with a tokenizer whose ids are below 65,535; it should not contain the held-out documents.
Each text is the first --n-tokens tokens of a held-out document of at least that length. Results are verified before
they are timed: the count of each span, that no longer span occurs, that each document contains the span at its
offset, and that infini-gram finds the same spans. Its index of the same tokens is built in the folder, once. Output:
one JSON object per row, with times in milliseconds.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

sys.path.append(
    str(Path(__file__).resolve().parent.parent)
)  # last on the path, so that the installed infgram is imported

import infgram
from benchmarks.corpora import texts_of
from benchmarks.machine import describe, memory_bytes
from benchmarks.rival import Rival

_THEIRS: Final = Path(__file__).with_name("theirs_trace.py")
_MAX_COUNT: Final = 10  # the default of infini-gram's attribution service
_EVERYTHING: Final = 10**9


def main() -> None:
    """Parse the options and print the rows."""
    options = _options()
    rival = Rival.find(options.rival, memory_bytes()) if options.rival else None
    print(json.dumps(describe(rival.version if rival else None)))
    with infgram.open(options.index, load=options.load) as index:
        texts = list(_texts(index, options.texts, options.n_tokens, options.n_texts))
        if not texts:
            raise SystemExit(f"no held-out document has {options.n_tokens} tokens")
        for text in texts:
            check(index, infgram.trace(index, text))
        about = {"n_tokens": index.n_tokens, "text_tokens": options.n_tokens, "n_texts": len(texts)}
        print(json.dumps({**about, **_whole(index, texts)}), flush=True)
        ours, spans = _spans_alone(index, texts)
        row = {**about, "question": f"spans of at most {_MAX_COUNT} occurrences alone", "infgram": ours}
        if rival is not None:
            theirs = _ask_rival(rival, index, texts, options.folder)
            if theirs["spans"] != spans:
                raise SystemExit("infini-gram finds different spans, so the benchmark is invalid")
            row["infini_gram"] = percentiles(theirs["times_ms"])
            row["time_ratio"] = round(row["infini_gram"]["p50"] / ours["p50"], 1)
        print(json.dumps(row), flush=True)


def _texts(index: infgram.Index, inputs: list[str], n_tokens: int, n_texts: int) -> Iterator[str]:
    """Yield the first `n_tokens` tokens of held-out documents as text that encodes to the same tokens."""
    for text in texts_of(inputs):
        token_ids = index.tokenizer.encode(text[: 10 * n_tokens])[:n_tokens]
        piece = index.tokenizer.decode(token_ids)
        if len(token_ids) == n_tokens and np.array_equal(index.tokenizer.encode(piece), token_ids):
            yield piece
            n_texts -= 1
        if n_texts == 0:
            return


def check(index: infgram.Index, traced: infgram.Trace) -> None:
    """Verify the spans and documents of a trace with counts and document tokens.

    Raises:
        SystemExit: a span is wrong.
    """
    token_ids = traced.token_ids
    for span in traced.spans:
        held = token_ids[span.start : span.end]
        longer = [token_ids[span.start - 1 : span.end]] if span.start else []
        longer += [token_ids[span.start : span.end + 1]] if span.end < len(token_ids) else []
        right = index.count(held) == span.count > 0 and all(index.count(other) == 0 for other in longer)
        for hit in span.documents:
            found = index.document_tokens(hit.document_id, hit.offset, hit.offset + span.length)
            right = right and np.array_equal(found, held)
            right = right and span.text == hit.snippet[hit.snippet_match_start : hit.snippet_match_end]
        if not right:
            raise SystemExit(f"wrong result: the span {span}")


def _whole(index: infgram.Index, texts: list[str]) -> dict[str, Any]:
    """Time the whole trace of texts, with spans, documents, snippets, metadata and scores, at the default options."""
    n_documents: list[int] = []
    times = times_ms(lambda text: n_documents.append(len(infgram.trace(index, text).documents)), texts)
    documents = {"p50": int(np.median(n_documents)), "max": max(n_documents)}
    return {"question": "trace", "infgram": percentiles(times), "documents": documents}


def _spans_alone(index: infgram.Index, texts: list[str]) -> tuple[dict[str, float], list[list[list[int]]]]:
    """Time the search for all spans of token ids, without documents."""
    ids = [index.tokenizer.encode(text).tolist() for text in texts]
    spans: list[list[list[int]]] = []

    def ask(token_ids: list[int]) -> None:
        traced = infgram.trace(index, token_ids, max_count=_MAX_COUNT, max_spans=_EVERYTHING, documents_per_span=0)
        spans.append([[span.start, span.end, span.count] for span in traced.spans])

    return percentiles(times_ms(ask, ids)), spans[-len(texts) :]


def _ask_rival(rival: Rival, index: infgram.Index, texts: list[str], folder: Path) -> dict[str, Any]:
    path = rival.copy(index, folder)
    ids = [index.tokenizer.encode(text).tolist() for text in texts]
    done = subprocess.run(
        [rival.python, str(_THEIRS), str(path), json.dumps({"min_len": 1, "max_cnt": _MAX_COUNT})],
        input=json.dumps(ids),
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def times_ms(ask: Callable[[Any], object], questions: list[Any]) -> list[float]:
    """Return the time of each query in milliseconds, after a first pass without timing."""
    for question in questions:
        ask(question)
    times = []
    for question in questions:
        started = time.perf_counter()
        ask(question)
        times.append((time.perf_counter() - started) * 1e3)
    return times


def percentiles(times: list[float]) -> dict[str, float]:
    """Return the median, the 95th percentile and the maximum."""
    return {
        "p50": round(float(np.median(times)), 2),
        "p95": round(float(np.percentile(times, 95)), 2),
        "max": round(max(times), 2),
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("index", type=Path, help="an index with a tokenizer")
    add("texts", nargs="+", help="files with held-out documents")
    add("--n-tokens", type=int, default=500, help="tokens of each text (default: 500)")
    add("--n-texts", type=int, default=100, help="maximum number of texts (default: 100)")
    add("--load", default="map", choices=["map", "warm", "ram"])
    add("--rival", metavar="PYTHON", help="a Python interpreter with infini-gram installed")
    add("--folder", type=Path, default=Path(), help="a folder for infini-gram's index, 15 bytes per token")
    return parser.parse_args()


if __name__ == "__main__":
    main()
