"""Language models and the search for duplicates over hostile files: altered bytes under fitting checksums."""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import infgram
from infgram.lm import InfgramLM, jelinek_mercer_weights, suffix_features
from infgram.lm.models.infgram_lm import SMOOTHINGS
from tests.building import build_tokens, temporary_folder
from tests.children import in_children
from tests.damage.faults import forge_section
from tests.strategies import Layout, Tokens

VOCAB_SIZE = 60
TEXT = [1, 2, 3, 4, 5, 6, 7, 1, 2, 9, 1, 2, 3, 50, 8]
LAYOUTS = [Layout(8, 1, 1), Layout(16, 1, 1), Layout(32, 1, 1), Layout(8, 2, 2), Layout(16, 2, 2)]

pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")

Question = Callable[[infgram.Index], Any]


def distributions(smoothing: Any, index: infgram.Index) -> Any:
    model = InfgramLM(index, smoothing)
    return [model.distribution(TEXT[:size]) for size in range(len(TEXT))]


def evaluation(smoothing: Any, index: infgram.Index) -> Any:
    return InfgramLM(index, smoothing).evaluate([TEXT], entropies=smoothing != "stupid_backoff", end=True)


# A context of more than 32 occurrences is kept in a tree, a rarer one is read from the text: the questions need both.
QUESTIONS: dict[str, Question] = {
    **{f"distribution by {smoothing}": partial(distributions, smoothing) for smoothing in SMOOTHINGS},
    **{f"evaluation by {smoothing}": partial(evaluation, smoothing) for smoothing in SMOOTHINGS},
    "weights": lambda index: jelinek_mercer_weights(index, [TEXT]),
    "features": lambda index: suffix_features(index, [TEXT]),
    "dedup": lambda index: [list(infgram.dedup(index, min_tokens=size, threads=2)) for size in (1, 3, 40)],
}


def documents(seed: int) -> list[Tokens]:
    """Documents of frequent and rare tokens, with passages that many of them share."""
    rng = random.Random(seed)
    passage = [1, 2, 3, 4, 5, 6, 7] * 3
    noise = [[min(int(rng.paretovariate(0.6)), VOCAB_SIZE - 1) for _ in range(60)] for _ in range(40)]
    return [[*each, *passage[: rng.randrange(len(passage))], 9] for each in noise]


@pytest.fixture(params=LAYOUTS, ids=str, scope="module")
def healthy(request: pytest.FixtureRequest) -> Iterator[tuple[Path, int]]:
    """An index, and the bytes of a token in it."""
    layout: Layout = request.param
    with temporary_folder(3000) as folder:
        build_tokens(documents(0), folder / "x", vocab_size=VOCAB_SIZE, layout=layout).close()
        yield folder / "x", layout.width // 8


@pytest.fixture
def altered(healthy: tuple[Path, int], tmp_path: Path) -> tuple[Path, int]:
    path, width = healthy
    shutil.copytree(path, tmp_path / "x")
    return tmp_path / "x", width


def outcome(path: Path, ask: Question) -> str:
    with infgram.open(path) as index:
        try:
            ask(index)
        except infgram.IndexDamagedError as error:
            return str(error)
        return "answered"


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_healthy_index_answers(healthy: tuple[Path, int], name: str) -> None:
    assert outcome(healthy[0], QUESTIONS[name]) == "answered"


@pytest.mark.parametrize("name", [name for name in QUESTIONS if name != "dedup"])
def test_tokens_outside_the_vocabulary_are_refused(altered: tuple[Path, int], name: str) -> None:
    """Every occurrence of a token becomes an id beyond the vocabulary: some context is followed or preceded by it."""
    path, width = altered
    for token, replaced in ((9, VOCAB_SIZE), (2, 2 ** (8 * width) - 2)):

        def replace(payload: bytearray, token: int = token, replaced: int = replaced) -> None:
            for place in range(0, len(payload), width):
                if int.from_bytes(payload[place : place + width], "little") == token:
                    payload[place : place + width] = replaced.to_bytes(width, "little")

        for file in path.glob("*/tokens.bin"):
            forge_section(file, replace)
    (found,) = in_children(lambda _: outcome(path, QUESTIONS[name]), 1)
    assert "not in the vocabulary of 60 tokens" in found or "not in order" in found or "counts" in found, found


@pytest.mark.parametrize("seed", range(6))
def test_altered_numbers_give_an_error_or_an_answer(altered: tuple[Path, int], seed: int) -> None:
    """In each file of each shard: never a crash, never another error."""
    path, _ = altered
    rng = random.Random(seed)

    def alter(payload: bytearray) -> None:
        for _ in range(rng.choice((1, 1, 2, 20)) if payload else 0):
            payload[rng.randrange(len(payload))] ^= rng.choice((1, 2, 0x80, rng.randrange(1, 256)))

    files = sorted(path.glob("*/*.bin"))
    for file in rng.sample(files, rng.choice((1, 2, len(files)))):
        forge_section(file, alter)

    def ask_all(_: int) -> list[str]:
        try:
            return [outcome(path, ask) for ask in QUESTIONS.values()]
        except infgram.IndexDamagedError as error:  # when it was opened
            return [str(error)]

    assert in_children(ask_all, 1)[0], "no question was asked"


def test_a_long_copied_passage_is_forgotten_without_recursion(tmp_path: Path) -> None:
    """Its contexts form a path of as many nodes as it has tokens; here on a small stack, in a process of its own."""
    rng = random.Random(1)
    passage = [rng.randrange(200) for _ in range(20_000)]
    build_tokens([passage] * 40, tmp_path / "x", vocab_size=200).close()
    scored: list[int] = []

    def score() -> None:
        with infgram.open(tmp_path / "x") as index:
            scored.append(len(InfgramLM(index, "witten_bell").score(passage)))

    def work(_: int) -> list[int]:
        threading.stack_size(256 * 1024)
        thread = threading.Thread(target=score)
        thread.start()
        thread.join()
        return scored

    assert in_children(work, 1) == [[19_999]]
