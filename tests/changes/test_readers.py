"""Readers answer exactly while a writer adds, deletes, compacts and purges: each answer is that of one state."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import infgram
from infgram.files.manifest import Manifest
from tests.building import temporary_folder
from tests.reference import ReferenceIndex

SEED = int(os.environ.get("SEED", "1"))
N_READERS = 8
VOCABULARY = 5
SHORT_S = 3.0

States = dict[int, ReferenceIndex]


@pytest.fixture
def path() -> Iterator[Path]:
    with temporary_folder(0) as folder:
        yield folder / "x"


def test_readers_and_a_writer(path: Path) -> None:
    run(path, SHORT_S)


@pytest.mark.torture
@pytest.mark.timeout(0)
def test_readers_and_a_writer_for_long(
    path: Path, budget_s: float, record_property: Callable[[str, object], None]
) -> None:
    record_property("tried", run(path, budget_s))


def run(path: Path, duration_s: float) -> int:
    """Read and write for some time; return the number of states that readers saw."""
    rng = random.Random(SEED)
    live = {number: document_of(rng) for number in range(20)}
    states: States = {0: reference_of(live)}
    infgram.build_from_tokens(list(live.values()), path, vocab_size=VOCABULARY, shard_tokens=60).close()
    is_over = threading.Event()
    errors: list[BaseException] = []
    seen = [0] * N_READERS

    def read(reader: int) -> None:
        own = random.Random(f"{SEED} {reader}")
        index = infgram.open(path)
        try:
            while not is_over.is_set():
                if own.random() < 0.3:
                    index.close()
                    index = infgram.open(path)
                elif own.random() < 0.7:
                    index.reload()
                check(index, states[index.info()["generation"]], own)
                seen[reader] += 1
        except BaseException as error:  # noqa: BLE001  # raised below
            errors.append(error)
        finally:
            index.close()

    readers = [threading.Thread(target=read, args=(reader,)) for reader in range(N_READERS)]
    for thread in readers:
        thread.start()
    ends = time.monotonic() + duration_s
    try:
        while not errors and (time.monotonic() < ends or max(states) < 6 or min(seen) == 0):
            write(path, live, states, rng)
    finally:
        is_over.set()
        for thread in readers:
            thread.join()
    assert errors == [], f"SEED={SEED}"
    with infgram.open(path) as index:
        index.verify()
    return sum(seen)


def test_a_shared_index_is_reloaded_under_its_readers(path: Path) -> None:
    """Each answer is that of a state between the beginning and the end of the query."""
    rng = random.Random(SEED)
    live = {number: document_of(rng) for number in range(20)}
    states: States = {0: reference_of(live)}
    infgram.build_from_tokens(list(live.values()), path, vocab_size=VOCABULARY, shard_tokens=60).close()
    index = infgram.open(path)
    is_over = threading.Event()
    errors: list[BaseException] = []

    def read(reader: int) -> None:
        own = random.Random(f"{SEED} {reader}")
        try:
            while not is_over.is_set():
                query = own.choices(range(VOCABULARY), k=2)
                before = index.info()["generation"]
                count = index.count(query)
                possible = range(before, index.info()["generation"] + 1)
                assert count in [states[generation].count(query) for generation in possible]
        except BaseException as error:  # noqa: BLE001  # raised below
            errors.append(error)

    readers = [threading.Thread(target=read, args=(reader,)) for reader in range(N_READERS)]
    for thread in readers:
        thread.start()
    try:
        for _ in range(20):
            write(path, live, states, rng)
            index.reload()
            assert index.info()["generation"] == max(states)
    finally:
        is_over.set()
        for thread in readers:
            thread.join()
        index.close()
    assert errors == [], f"SEED={SEED}"


def write(path: Path, live: dict[int, list[int]], states: States, rng: random.Random) -> None:
    """Publish one more state, whose answers are known before it is published; none if there is nothing to compact."""
    operation = rng.choice(("add", "delete", "compact", "purge") if len(live) > 10 else ("add",))
    if operation == "add":
        added = [document_of(rng) for _ in range(rng.randint(1, 6))]
        live.update(enumerate(added, Manifest.read(path).next_document))
        states[max(states) + 1] = reference_of(live)
        infgram.add_from_tokens(path, added, threads=1)
    elif operation == "compact":
        states[max(states) + 1] = reference_of(live)
        if not infgram.compact(path, shard_tokens=100, threads=1).is_changed:
            del states[max(states)]
    else:
        gone = rng.sample(sorted(live), rng.randint(1, 5))
        for number in gone:
            del live[number]
        states[max(states) + 1] = reference_of(live)
        infgram.delete(path, documents=gone, purge=operation == "purge", threads=1)


def check(index: infgram.Index, reference: ReferenceIndex, rng: random.Random) -> None:
    """Ask some random questions."""
    assert [*index.document_ids()] == reference.document_ids
    assert (index.n_documents, index.n_tokens) == (reference.n_documents, reference.n_tokens)
    for _ in range(5):
        query = rng.choices(range(VOCABULARY), k=rng.randint(1, 4))
        assert index.count(query) == reference.count(query)
        assert index.document_count(query) == reference.document_count(query)
        found, expected = index.next_token_distribution(query), reference.next_token_distribution(query)
        assert (found.token_ids.tolist(), found.counts.tolist()) == (expected.token_ids, expected.counts)
        assert [tuple(place) for place in index.locate(query, limit=5)] == reference.locate(query, 5)
    number = rng.choice(reference.document_ids)
    assert index.document(number).token_ids.tolist() == reference.tokens_of[number]


def reference_of(live: dict[int, list[int]]) -> ReferenceIndex:
    return ReferenceIndex(list(live.values()), VOCABULARY, list(live))


def document_of(rng: random.Random) -> list[int]:
    return rng.choices(range(VOCABULARY), weights=(8, 4, 2, 1, 1), k=rng.randint(0, 12))
