"""Run one measured build in a separate process: read the options from the arguments, print JSON.

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

SEPARATOR = 0xFFFF  # as in corpora.py, whose imports would add to the measured memory

_NUMBERS = ("n_tokens", "n_documents", "size_bytes", "directory_bytes")


class _Clock:
    """Measures the calls of a function: wall time, and processor time of all threads."""

    def __init__(self, function: Any) -> None:
        self.elapsed_s = self.cpu_s = 0.0
        self._function = function

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        started, cpu_started = time.perf_counter(), time.process_time()
        try:
            return self._function(*arguments, **options)
        finally:
            self.elapsed_s += time.perf_counter() - started
            self.cpu_s += time.process_time() - cpu_started


def main() -> None:
    """Build, verify if requested, and print the total time, the sorting time, and the number of tokens."""
    job = json.loads(sys.argv[1])
    options: dict[str, Any] = {"threads": job["threads"], "overwrite": True}
    options |= {name: job[name] for name in ("memory", "shard_tokens", "token_width_bits") if job.get(name)}
    clock = _core.sort_shard = _Clock(_core.sort_shard)
    build, verify = _Clock(_build), _Clock(infgram.Index.verify)
    with build(job, options) as index:
        if job.get("verify"):
            verify(index)
        numbers = index.info()
    times = {"sort": clock, "build": build, "verify": verify}
    found = {f"{name}_s": timed.elapsed_s for name, timed in times.items()}
    found |= {f"{name}_cpu_s": timed.cpu_s for name, timed in times.items()}
    print(json.dumps({**found, **{name: numbers[name] for name in _NUMBERS}}))


def _build(job: dict[str, Any], options: dict[str, Any]) -> infgram.Index:
    if job["source"].endswith(".npy"):
        tokens = TokenCorpus(job["source"], vocab_size=SEPARATOR, end_of_text=SEPARATOR)
        return infgram.build_from_tokens(tokens, job["output"], vocab_size=SEPARATOR, **options)
    return infgram.build(job["source"], job["output"], tokenizer=job["tokenizer"], **options)


if __name__ == "__main__":
    main()
