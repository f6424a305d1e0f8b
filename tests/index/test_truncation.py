"""Files of an open index that are truncated: an error that names the file, not SIGBUS."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import infgram
from infgram import lm
from tests.building import build_texts
from tests.children import in_children

rng = random.Random(3)
TEXTS = [" ".join(rng.choices(["rose", "is", "a", "to", "be", "or", "not"], k=4_000)) for _ in range(6)]
SENTENCE = "to be or not to be a rose is a rose"

QUERIES: dict[str, Callable[[infgram.Index], object]] = {
    "count": lambda index: index.count(SENTENCE[:9]),
    "count_batch": lambda index: index.count_batch(["rose is", "not a", "be or"]),
    "document_count": lambda index: index.document_count("rose is"),
    "next_token_distribution": lambda index: index.next_token_distribution("rose i"),
    "infgram_distribution": lambda index: index.infgram_distribution(SENTENCE),
    "score": lambda index: index.score(SENTENCE),
    "longest_matches": lambda index: index.longest_matches(SENTENCE),
    "locate": lambda index: index.locate("rose is", limit=5),
    "search": lambda index: index.search("rose is AND not to", limit=3),
    "document": lambda index: index.document(4),
    "session": lambda index: index.session(SENTENCE).distribution(),
    "dedup": lambda index: list(infgram.dedup(index, min_tokens=20)),
    "language model": lambda index: lm.InfgramLM(index, smoothing="kneser_ney").score(SENTENCE),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("truncation") / "x.infgram"
    build_texts(TEXTS, path).close()
    return path


def outcomes(folder: Path, names: list[str], size: Callable[[int], int]) -> Iterator[tuple[str, str]]:
    """Open a copy of the index, truncate files in place, and yield the outcome of each query."""
    copy = folder.with_name(f"copy-{os.getpid()}.infgram")
    shutil.copytree(folder, copy)
    try:
        with infgram.open(copy, load="map") as index:
            for name in names:
                path = copy / "shard-00000" / name
                os.truncate(path, size(path.stat().st_size))
            for query, ask in QUERIES.items():
                try:
                    ask(index)
                except infgram.IndexDamagedError as error:
                    yield query, str(error)
                else:
                    yield query, ""
    finally:
        shutil.rmtree(copy)


def test_a_lost_file_is_an_error(folder: Path) -> None:
    names = ["tokens.bin", "suffix_array.bin"]
    (found,) = in_children(lambda _: list(outcomes(folder, names, lambda _: 0)), 1)
    assert [query for query, message in found if not message] == []
    assert all("truncated while it was open" in message for _, message in found), found
    assert all(any(name in message for name in names) for _, message in found)


@pytest.mark.parametrize("half", [False, True], ids=["all", "half"])
def test_each_file(folder: Path, half: bool) -> None:
    names = sorted(path.name for path in (folder / "shard-00000").iterdir())

    def of(name: str) -> list[tuple[str, str]]:
        return list(outcomes(folder, [name], lambda n_bytes: n_bytes // 2 if half else 0))

    for name in names:
        (found,) = in_children(lambda _, name=name: of(name), 1)  # type: ignore[misc]
        assert all(not message or name in message for _, message in found), (name, found)


def test_other_indexes_stay_usable(folder: Path) -> None:
    def ask(_: int) -> tuple[int, str, int]:
        with infgram.open(folder, load="map") as sound:
            expected = sound.count("rose is")
            message = next(outcomes(folder, ["suffix_array.bin"], lambda _: 0))[1]
            return expected, message, sound.count("rose is")

    ((expected, message, after),) = in_children(ask, 1)
    assert message
    assert after == expected > 0


SCRIPT = """
import faulthandler, mmap, os, sys
import infgram
indexes = [infgram.open(sys.argv[1]) for _ in range(int(sys.argv[3]))]
faulthandler.enable()
indexes.append(infgram.open(sys.argv[1]))
with open(sys.argv[2], "wb") as file:
    file.truncate(1 << 20)
foreign = mmap.mmap(os.open(sys.argv[2], os.O_RDWR), 1 << 20)
os.truncate(sys.argv[2], 0)
print("reading", flush=True)
foreign[5000]
"""


@pytest.mark.parametrize("n_before", [0, 1])
def test_other_mappings_get_the_signal(folder: Path, tmp_path: Path, n_before: int) -> None:
    """A lost page that is not of an index ends the process, after the handler that was installed before the last open.

    With an index opened earlier, the handlers are ours, that of `faulthandler`, and ours once more.
    """
    arguments = [sys.executable, "-I", "-c", SCRIPT, str(folder), str(tmp_path / "foreign"), str(n_before)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=50)
    assert done.stdout == "reading\n"
    assert done.returncode == -signal.SIGBUS, done.stderr
    assert "Bus error" in done.stderr
