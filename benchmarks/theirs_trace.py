"""Trace token ids with infini-gram, and print spans and times; run by its Python environment.

python theirs_trace.py INDEX '{"min_len": 1, …}' < texts.json
"""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module
from typing import Any


def main() -> None:
    """Trace the texts on standard input with both prefetch settings, and print the times of the faster one."""
    settings: tuple[dict[str, int], ...] = (
        {},
        {"ds_prefetch_depth": 0, "sa_prefetch_depth": 0, "od_prefetch_depth": 0},
    )
    texts = json.load(sys.stdin)
    runs = [_run(texts, json.loads(sys.argv[2]), setting) for setting in settings]
    print(json.dumps(min(runs, key=lambda run: sum(run["times_ms"]))))


def _run(texts: list[list[int]], asked: dict[str, Any], setting: dict[str, int]) -> dict[str, Any]:
    engine = import_module("infini_gram.engine").InfiniGramEngine(
        index_dir=sys.argv[1], eos_token_id=0, vocab_size=65535, token_dtype="u16", **setting
    )
    times, spans = [], []
    for text in texts[: len(texts) // 10] + texts:  # the first ones are not timed
        started = time.perf_counter()
        found = engine.attribute(text, delim_ids=[], enforce_bow=False, **asked)["spans"]
        times.append((time.perf_counter() - started) * 1e3)
        spans.append([[span["l"], span["r"], span["count"]] for span in found])
    n_untimed = len(times) - len(texts)
    return {"times_ms": times[n_untimed:], "spans": spans[n_untimed:]}


if __name__ == "__main__":
    main()
