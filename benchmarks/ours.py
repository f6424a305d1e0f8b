"""One measured build by infgram, in a process of its own: reads what to do from its arguments, prints JSON.

python benchmarks/ours.py '{"source": "tokens.npy", "output": "index", "threads": 2, …}'
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import infgram
from infgram import _core
from infgram.corpus import TokenCorpus

SEPARATOR = 0xFFFF  # as in corpora.py, which imports more than a measured process should hold


class _Clock:
    """Times a function however it is called."""

    def __init__(self, function: Any) -> None:
        self.elapsed_s = 0.0
        self._function = function

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        started = time.perf_counter()
        try:
            return self._function(*arguments, **options)
        finally:
            self.elapsed_s += time.perf_counter() - started


def main() -> None:
    """Build, and print how long the sorting took and how many tokens there are."""
    job = json.loads(sys.argv[1])
    options: dict[str, Any] = {"threads": job["threads"], "overwrite": True}
    options |= {name: job[name] for name in ("memory", "shard_tokens") if job.get(name)}
    clock = _core.sort_shard = _Clock(_core.sort_shard)
    if job["source"].endswith(".npy"):
        tokens = TokenCorpus(job["source"], vocab_size=SEPARATOR, end_of_text=SEPARATOR)
        index = infgram.build_from_tokens(tokens, job["output"], vocab_size=SEPARATOR, **options)
    else:
        index = infgram.build(job["source"], job["output"], tokenizer=job["tokenizer"], **options)
    with index:
        print(json.dumps({"sort_s": clock.elapsed_s, "n_tokens": index.n_tokens, "n_documents": index.n_documents}))


if __name__ == "__main__":
    main()
