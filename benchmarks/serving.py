"""Measure the throughput and latency of a service, and compare with infini-gram's engine behind Flask.

    python benchmarks/serving.py CORPUS.infgram
    python benchmarks/serving.py CORPUS.infgram --rival rival/bin/python --folder DISK
    python benchmarks/serving.py CORPUS.infgram --soak 30

CORPUS.infgram is an index of about 100 million tokens. `infgram serve` runs with one worker. wrk (the Debian package
of that name) generates the load over the loopback interface, on the same cores. Half of the patterns occur in the
corpus, and half have one altered token. Results are verified before they are timed, and any status other than 200
fails the benchmark. The environment of the rival also requires Flask and transformers; its index of the same tokens
is built in the folder, once. Its server has ten processes, so infgram is also measured with two workers. It decodes
tokens with the tokenizer of CORPUS.infgram.

--soak runs a mixed load for the given number of minutes: valid queries, whose results are verified; hostile requests;
clients that disconnect; and reloads that alternate between CORPUS.infgram and a part of it. It fails on a wrong
result, on any 5xx except an intended 503, and if memory grows by more than 5% after two minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import numpy as np

sys.path.append(
    str(Path(__file__).resolve().parent.parent)
)  # last on the path, so that the installed infgram is imported

import infgram
from benchmarks.machine import describe, memory_bytes
from benchmarks.report import Row, in_words, write_record
from benchmarks.rival import Rival
from benchmarks.soak import Served, Soak, WrongAnswerError

NAME: Final = "x"
N_PATTERNS: Final = 5_000
BATCH: Final = 1_000
CONTEXT_TOKENS: Final = 32
FIRST_WEEKS: Final = 60_000_000
"""The number of calls to the public API in its first weeks."""

MOST_GROWTH: Final = 0.05
_THEIR_SERVER: Final = Path(__file__).with_name("theirs_server.py")
_LOAD: Final = Path(__file__).with_name("load.lua")

Bodies = Sequence[Any]


def main() -> None:
    """Parse the options, print the results, and write the record if requested."""
    options = _options()
    rival = Rival.find(options.rival, memory_bytes()) if options.rival else None
    rows: list[Row] = []
    with infgram.open(options.index, load="warm") as index:
        machine = {**describe(rival.version if rival else None), "n_tokens": index.n_tokens}
        rows.append(machine)
        print(json.dumps(machine), flush=True)
        answers = [_soaked(index, options)] if options.soak else _loads(index, options, rival)
        for row in answers:
            rows.append(row)
            print(in_words(row), flush=True)
    if options.record:
        name, title = ("soak", "A long mixed load") if options.soak else ("serving", "Serving an index")
        write_record(options.record, name, title, rows)


def _loads(index: infgram.Index, options: argparse.Namespace, rival: Rival | None) -> Iterator[Row]:
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed; apt-get install wrk")
    theirs_at = rival.copy(index, options.folder) if rival else None
    rates: dict[tuple[int, str], int] = {}
    for workers in (1, 2):
        with ours(options.index, workers) as url:
            for row in _our_rows(index, url, options.seconds) if workers == 1 else _busy(index, url, options.seconds):
                if row["question"] == "load" and row["clients"] > 1:
                    rates[workers, row["asked"]] = row["requests_per_s"]
                yield row if workers == 1 else {**row, "asked": f"{workers} workers: {row['asked']}"}
    if rival is None or theirs_at is None:
        return
    with theirs(rival, theirs_at, index) as url:
        for row in _their_rows(index, url, options.seconds):
            yield {**row, "asked": f"infini-gram behind Flask: {row['asked']}"}
            if row["clients"] > 1:
                for workers, wanted in ((1, {"wanted": "20x"}), (2, {})):
                    ratio = round(rates[workers, row["asked"]] / row["requests_per_s"], 1)
                    asked = f"{row['asked']}, workers: {workers}"
                    yield {"question": "ratio", "asked": asked, "ratio": ratio, **wanted}


def _our_rows(index: infgram.Index, url: str, seconds: float) -> Iterator[Row]:
    asked = patterns(index, N_PATTERNS)
    _check(index, url, asked[:200], pieces(index, 50, CONTEXT_TOKENS, seed=2))
    at = f"{url}/v1/indexes/{NAME}"
    counts = [{"token_ids": token_ids} for token_ids in asked]
    yield {**load("count", f"{at}/count", counts, 1, seconds), "wanted": "median 1 ms, 99% within 5 ms"}
    many, distributions = _busy(index, url, seconds)
    yield {**many, "wanted": "2,500 requests/s, 99% within 40 ms"}
    yield {**distributions, "wanted": "2,000 requests/s"}
    batches = [{"token_ids": asked[start : start + BATCH]} for start in range(0, len(asked), BATCH)]
    batch = load(f"counts of {BATCH:,} patterns a request", f"{at}/counts", batches, 4, seconds)
    per_s = BATCH * batch["requests_per_s"]
    yield {**batch, "question": "patterns", "patterns_per_s": per_s, "wanted": "200,000 patterns/s"}
    hours = round(FIRST_WEEKS / many["requests_per_s"] / 3600, 2)
    yield {"question": "calls", "n": FIRST_WEEKS, "hours": hours, "wanted": "under 8 hours"}


def _busy(index: infgram.Index, url: str, seconds: float) -> Iterator[Row]:
    """Return the throughput of our service with the number of clients that infini-gram's service has."""
    for name, question, asked in (
        ("count", "count", patterns(index, N_PATTERNS)),
        ("∞-gram next token", "infgram", pieces(index, N_PATTERNS, CONTEXT_TOKENS, seed=2)),
    ):
        bodies = [{"token_ids": token_ids} for token_ids in asked]
        yield load(name, f"{url}/v1/indexes/{NAME}/{question}", bodies, 32, seconds)


def _their_rows(index: infgram.Index, url: str, seconds: float) -> Iterator[Row]:
    contexts = pieces(index, N_PATTERNS, CONTEXT_TOKENS, seed=2)
    for name, query_type, asked in (
        ("count", "count", patterns(index, N_PATTERNS)),
        ("∞-gram next token", "infgram_ntd", contexts),
    ):
        bodies = [{"index": NAME, "query_type": query_type, "query_ids": token_ids} for token_ids in asked]
        for clients in (1, 32):
            yield load(name, f"{url}/", bodies, clients, seconds)


def _soaked(index: infgram.Index, options: argparse.Namespace) -> Row:
    documents = [index.document_tokens(number) for number in range(min(50, index.n_documents))]
    with tempfile.TemporaryDirectory(prefix="infgram-soak-") as folder:
        part = Path(folder, "part.infgram")
        with infgram.build_from_tokens(documents, part, vocab_size=index.vocab_size) as other:
            served = Served(Path(folder, "served"), [options.index, part])
            with ours(served.link, options.workers) as url:
                soak = Soak(url, NAME, served, [index, other], patterns(index, 500))
                try:
                    found = soak.run(options.soak * 60)
                except WrongAnswerError as error:
                    raise SystemExit(f"wrong: {error}") from error
    if found["memory_growth"] > MOST_GROWTH:
        raise SystemExit(f"memory grew by more than {MOST_GROWTH:.0%}: {found}")
    return {"question": "soak", "workers": options.workers, **found, "wanted": f"growth up to {MOST_GROWTH:.0%}"}


def _check(index: infgram.Index, url: str, asked: list[list[int]], contexts: list[list[int]]) -> None:
    """Compare results of the service with those of the library.

    Raises:
        SystemExit: a result is wrong.
    """
    with infgram.Client(url, NAME) as client:
        right = client.count_batch(asked).tolist() == index.count_batch(asked).tolist()
        right = right and all(client.count(token_ids) == index.count(token_ids) for token_ids in asked)
        for context in contexts:
            found, expected = (at.infgram_distribution(context, top_k=20) for at in (client, index))
            right = right and found.counts.tolist() == expected.counts.tolist()
            right = right and found.token_ids.tolist() == expected.token_ids.tolist()
    if not right:
        raise SystemExit("the results of the service differ from those of the library")


def load(asked: str, url: str, bodies: Bodies, clients: int, seconds: float) -> Row:
    """Return a row for clients that post the bodies in turn, each with one request at a time.

    Raises:
        SystemExit: a response was not 200, or was incomplete.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.writelines(f"{json.dumps(body)}\n" for body in bodies)
        file.flush()
        for n_seconds in (1.0, seconds):  # the first run is not counted
            command = ["wrk", "-t1", f"-c{clients}", f"-d{n_seconds:g}s", "--timeout", "20s", "-s", str(_LOAD), url]
            environment = {**os.environ, "BODIES": file.name}
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    if found["not_200"] or found["broken"]:
        raise SystemExit(f"{url}: {found}")
    return {
        "question": "load",
        "asked": asked,
        "clients": clients,
        "requests_per_s": round(found["n"] / found["elapsed_s"]),
        "p50_ms": round(found["p50_ms"], 2),
        "p99_ms": round(found["p99_ms"], 2),
    }


def patterns(index: infgram.Index, n: int) -> list[list[int]]:
    """Return patterns of 1 to 10 tokens from the corpus; half have one altered token."""
    rng = np.random.default_rng(1)
    made = [piece for size in range(1, 11) for piece in pieces(index, n // 10, size, seed=size)]
    for pattern in made[::2]:
        pattern[rng.integers(len(pattern))] = int(rng.integers(index.vocab_size))
    rng.shuffle(made)
    return made


def pieces(index: infgram.Index, n: int, size: int, seed: int) -> list[list[int]]:
    """Return random pieces of documents."""
    rng = np.random.default_rng([seed, size])
    found: list[list[int]] = []
    while len(found) < n:
        document = index.document_tokens(int(rng.integers(index.n_documents)))
        for _ in range(min(50, len(document) - size)):
            start = int(rng.integers(len(document) - size))
            found.append(document[start : start + size].tolist())
    return found[:n]


@contextmanager
def ours(path: Path, workers: int, name: str = NAME) -> Iterator[str]:
    """Run `infgram serve` during the `with` block, and yield its address."""
    command = [
        sys.executable,
        "-m",
        "infgram",
        "serve",
        str(path.absolute()),
        "--name",
        name,
        "--port",
        "0",
        "--load",
        "warm",
    ]
    command += ["--no-log-requests", "--json", "--workers", str(workers)]
    beside = Path(__file__).parent  # outside the source tree, which would hide the installed package
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=beside) as process:
        try:
            started = json.loads(process.stdout.readline() or "{}") if process.stdout else {}
            if "url" not in started:
                raise SystemExit("infgram serve did not start; run it by hand to see its error")
            yield started["url"]
        finally:
            process.terminate()


@contextmanager
def theirs(rival: Rival, path: Path, index: infgram.Index) -> Iterator[str]:
    """Run infini-gram's engine behind Flask during the `with` block, and yield its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    tokenizer = index.paths[0] / "tokenizer" / "tokenizer.json"
    if not tokenizer.exists():
        raise SystemExit(f"{index.paths[0]} has no tokenizer.json, which infini-gram's server requires")
    command = [rival.python, str(_THEIR_SERVER), str(path), str(tokenizer), str(port)]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, start_new_session=True, **quiet) as process:
        try:
            for _ in range(600):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                if process.poll() is not None:
                    raise SystemExit(
                        "infini-gram's server did not start; its environment requires Flask and transformers"
                    )
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # including its child processes, some of which never end


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("index", type=Path, help="an index")
    add("--seconds", type=float, default=5, help="duration of each load in seconds (default: 5)")
    add("--workers", type=int, default=1, help="workers of our service in the mixed load (default: 1)")
    add("--soak", type=float, metavar="MINUTES", help="run a mixed load for this time instead")
    add("--rival", metavar="PYTHON", help="a Python interpreter with infini-gram, Flask and transformers")
    add("--folder", type=Path, default=Path(), help="a folder for infini-gram's index, 15 bytes per token")
    add(
        "--record",
        type=Path,
        metavar="FOLDER",
        help="write serving.json and serving.md, or soak.json and soak.md, to this folder",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
