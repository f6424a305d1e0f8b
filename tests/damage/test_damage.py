"""A damaged or altered index raises an error of ours, or answers; `verify` finds every byte that differs.

`SEED` selects other cases.
"""

from __future__ import annotations

import inspect
import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from itertools import islice, takewhile
from pathlib import Path
from typing import Final, TypeAlias

import pytest

import infgram
from infgram import lm
from infgram.errors import IndexDamagedError, IndexVersionError
from tests.damage import campaign as campaign_module
from tests.damage.calls import NOT_CALLED, calls, scratch, take
from tests.damage.campaign import Case, Outcome, campaign, cases
from tests.damage.indexes import Sound, sound_indexes

Record: TypeAlias = Callable[[str, object], None]

SEED: Final = int(os.environ.get("SEED", "1"))
N_CASES: Final = 300
"""For the folders of infini-gram, this is each fault in each file at least once."""
N_BITS: Final = 300


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with scratch() as path:
        yield Path(path)


@pytest.fixture(scope="module")
def indexes(folder: Path) -> dict[str, Sound]:
    return sound_indexes(folder)


def look(todo: Iterator[Case], indexes: dict[str, Sound], folder: Path, record: Record) -> None:
    """Run cases, and fail with all findings."""
    work = folder / "work"
    work.mkdir(exist_ok=True)
    findings, n_opened, n_refused = [], 0, 0
    for case, outcome in campaign(todo, indexes, SEED, work):
        n_opened += outcome.opened
        n_refused += not outcome.opened
        findings += [f"{case}: {finding}" for finding in outcome.findings]
        if outcome.is_changed and outcome.verified and not case.sealed and indexes[case.index].shows(case.file):
            findings.append(f"{case}: verify finds nothing")
    record("tried", n_opened + n_refused)
    assert not findings, f"SEED={SEED}:\n" + "\n".join(findings)
    assert min(n_opened, n_refused) > 0, "the cases are of one kind only"


@pytest.mark.parametrize("has_checksums", [True, False], ids=["infgram", "infini-gram"])
def test_damage(indexes: dict[str, Sound], folder: Path, record_property: Record, has_checksums: bool) -> None:
    some = {name: sound for name, sound in indexes.items() if sound.has_checksums == has_checksums}
    look(islice(cases(some, SEED), N_CASES), some, folder, record_property)


@pytest.mark.torture
@pytest.mark.timeout(0)
def test_damage_for_long(indexes: dict[str, Sound], folder: Path, budget_s: float, record_property: Record) -> None:
    end = time.monotonic() + budget_s
    look(takewhile(lambda case: time.monotonic() < end, cases(indexes, SEED)), indexes, folder, record_property)


def is_intact(path: Path) -> bool:
    try:
        with infgram.open(path) as index:
            index.verify()
    except (IndexDamagedError, IndexVersionError):
        return False
    return True


def flip_bits(indexes: dict[str, Sound], folder: Path, n_bits: int) -> None:
    rng = random.Random(SEED)
    with_checksums = [sound for sound in indexes.values() if sound.has_checksums]
    for sound in with_checksums:
        copy = Path(shutil.copytree(sound.path, folder / "flipped"))
        for _ in range(-(-n_bits // len(with_checksums))):
            file = copy / rng.choice(sound.files)
            content = file.read_bytes()
            place = rng.randrange(8 * len(content))
            changed = bytearray(content)
            changed[place // 8] ^= 1 << place % 8
            file.write_bytes(changed)
            assert not is_intact(copy), f"SEED={SEED}: bit {place} of {file.relative_to(folder)} is not found"
            file.write_bytes(content)
        shutil.rmtree(copy)


def test_verify_finds_every_flipped_bit(indexes: dict[str, Sound], folder: Path, record_property: Record) -> None:
    record_property("tried", N_BITS)
    flip_bits(indexes, folder, N_BITS)


@pytest.mark.torture
@pytest.mark.timeout(0)
def test_verify_finds_ten_thousand_flipped_bits(
    indexes: dict[str, Sound], folder: Path, record_property: Record
) -> None:
    record_property("tried", 10_000)
    flip_bits(indexes, folder, 10_000)


def test_sound_indexes_answer(indexes: dict[str, Sound], folder: Path) -> None:
    """The questions are worth something only if they are right: texts refuse none, and commands succeed."""
    for name, sound in indexes.items():
        with infgram.open(sound.path, tokenizer=sound.tokenizer) as index:
            for question, ask in calls(index, list(sound.queries[:1]), [0], folder, sound.tokenizer):
                if not name.startswith("ids") and question != "locate_rank":
                    result = ask()
                    take(result)
                    assert getattr(result, "code", 0) == 0, (name, question, result)


def test_every_question_is_asked(indexes: dict[str, Sound], folder: Path) -> None:
    asked = set()
    for name in ("bytes", "bytes of infini-gram"):
        sound = indexes[name]
        with infgram.open(sound.path, tokenizer=sound.tokenizer) as index:
            asked |= {question for question, _ in calls(index, list(sound.queries), [0], folder, sound.tokenizer)}
    methods = {name for name in dir(infgram.Index) if not name.startswith("_")}
    functions = {
        name for module in (infgram, lm) for name in module.__all__ if inspect.isfunction(getattr(module, name))
    }
    assert (methods | functions) - asked - NOT_CALLED == set()


@pytest.mark.parametrize(
    ("end", "finding"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), "count: the process died with exit code -11"),
        (lambda: os.kill(os.getpid(), signal.SIGABRT), "count: the process died with exit code -6"),
        (lambda: time.sleep(60), "count: no answer after 1 s"),
    ],
)
def test_a_process_that_dies_or_hangs_is_a_finding(
    end: Callable[[], None],
    finding: str,
    indexes: dict[str, Sound],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run_case(case: Case, sound: Sound, seed: int, scratch: Path, begin: Callable[[str], None]) -> Outcome:
        begin("count")
        if case.number == 1:
            end()
        return Outcome(opened=True, verified=True, is_changed=False, findings=())

    monkeypatch.setattr(campaign_module, "run_case", run_case)
    monkeypatch.setattr(campaign_module, "SILENCE_S", 1)
    outcomes = [outcome for _, outcome in campaign(islice(cases(indexes, SEED), 3), indexes, SEED, folder)]
    assert [outcome.findings for outcome in outcomes] == [(), (finding,), ()]
