"""Damage the files of removals and of document numbers: opening or verification finds it, and no question crashes."""

from __future__ import annotations

import contextlib
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import xxhash

from infgram import _core
from infgram.errors import IndexDamagedError, IndexVersionError, InfgramError
from tests.damage.faults import HEADER, HEADER_BYTES, PADDING
from tests.removing import remove, write_shard

DOCUMENTS = [[1, 2, 3, 1], [2, 2], [], [1, 2, 3, 1, 2], [3] * 9, [1, 1, 2], [2, 2, 3]]
NUMBERS = [3, 4, 9, 10, 11, 20, 21]
REMOVED = [0, 4, 5]
NAMES = ("document_numbers.bin", "removed_documents.1.bin", "removed_ranks.1.bin")


@pytest.fixture
def state(tmp_path: Path) -> _core.ShardState:
    folder = tmp_path / "shard"
    return remove(write_shard(folder, range(len(DOCUMENTS)), DOCUMENTS, NUMBERS, 6, 8), REMOVED, 1)


def read_values(file: Path) -> list[int]:
    content = file.read_bytes()
    _, _, _, bits, _, n, *_ = HEADER.unpack(content[:HEADER_BYTES])
    number = int.from_bytes(content[HEADER_BYTES:-64], "little")
    return [number >> (bits * place) & ((1 << bits) - 1) for place in range(n)]


def write_values(file: Path, values: Sequence[int]) -> None:
    """Replace the values of a packed section, with right checksums."""
    bits = max(1, *(value.bit_length() for value in values))
    number = sum(value << (bits * place) for place, value in enumerate(values))
    seal(file, number.to_bytes(-(-bits * len(values) // 8), "little"), bits, len(values))


def seal(file: Path, payload: bytes, bits: int | None = None, n: int | None = None) -> None:
    """Write a payload, and a header that fits it."""
    magic, version, kind, old_bits, reserved, _, _, shard, *_ = HEADER.unpack(file.read_bytes()[:HEADER_BYTES])
    bits = old_bits if bits is None else bits
    n = 8 * len(payload) // bits if n is None else n
    header = HEADER.pack(
        magic, version, kind, bits, reserved, n, len(payload), shard, xxhash.xxh64(payload).intdigest(), 0
    )[:56]
    file.write_bytes(header + xxhash.xxh64(header).digest()[::-1] + payload + PADDING)


def questions(core: _core.Index) -> Iterator[Callable[[], object]]:
    """Ask everything that reads what is removed."""
    for query in ([], [1], [2], [1, 2], [3, 3, 3], [1, 2, 3, 1, 2, 3, 3]):
        yield partial(core.count, query)
        yield partial(core.find, query)
        yield partial(core.next_tokens, query)
        yield partial(core.infgram, query, 2)
        yield partial(core.infgram_counts, query, 2, 1)
        yield partial(core.score, query, True, 1)
        yield partial(core.longest_matches, query)
        yield partial(core.locate, query, 20)
        yield partial(core.document_count, query)
        yield partial(core.sample_documents, query, 3, 1, 2)
        yield partial(distribution_in_session, core, query)
        yield partial(features, core, query)
    yield lambda: core.conjunction([[[1], [2]], [[3]]], 4).documents()
    yield lambda: core.conjunction([[[1], [2]], [[3]]], 4).sampled_documents(2, 1)
    yield lambda: core.duplicates(2, 1).ranges(0, 2**40)
    yield lambda: core.document_ids(0, 100)
    yield lambda: [core.document_tokens(number) for number in core.document_ids(0, 100).tolist()]
    yield lambda: [core.locate_rank(0, rank) for rank in range(core.n_tokens)]
    yield lambda: _core.ContextTree(core, 2**20, 2).survey(1)


def distribution_in_session(core: _core.Index, query: list[int]) -> object:
    return core.session(query, 1).distribution()


def features(core: _core.Index, query: list[int]) -> object:
    return _core.ContextTree(core, 2**20, 2).features(query, [1, 2])


def ask_everything(core: _core.Index) -> None:
    for question in questions(core):
        with contextlib.suppress(InfgramError):
            question()


N_SUFFIXES = 26


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("removed_ranks.1.bin", [*range(15), 14], "does not ascend"),
        ("removed_ranks.1.bin", [*range(14), 15, 14], "does not ascend"),
        ("removed_ranks.1.bin", [*range(15), N_SUFFIXES], "beyond the suffix array"),
        ("removed_ranks.1.bin", [*range(15)], "holds 15 elements, expected 16"),
        ("removed_ranks.1.bin", [*range(17)], "holds 17 elements, expected 16"),
        ("removed_documents.1.bin", [0, 5, 4], "does not ascend"),
        ("removed_documents.1.bin", [0, 4, 4], "does not ascend"),
        ("removed_documents.1.bin", [0, 4, 7], "not in the shard"),
        ("removed_documents.1.bin", [0, 4], "expected 13"),
        ("document_numbers.bin", [3, 4, 9, 10, 11, 20, 2], "do not ascend"),
        ("document_numbers.bin", [3, 4, 9, 10, 11, 20, 8], "do not ascend"),
        ("document_numbers.bin", [3, 4, 9, 10, 11, 20], "holds 6 elements, expected 7"),
    ],
)
def test_contents_that_no_shard_can_open_with(
    state: _core.ShardState, name: str, values: list[int], message: str
) -> None:
    write_values(state.folder / name, values)
    with pytest.raises(IndexDamagedError, match=message) as raised:
        _core.Index([state])
    assert name in str(raised.value) or "removed_ranks" in str(raised.value)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("removed_ranks.1.bin", [*range(16)]),
        ("document_numbers.bin", [3, 10, 9, 4, 11, 20, 21]),
        ("document_numbers.bin", [3, 4, 4, 10, 11, 20, 21]),
        ("document_numbers.bin", [3, 4, 90, 10, 11, 20, 21]),
    ],
)
def test_contents_that_verification_finds(state: _core.ShardState, name: str, values: list[int]) -> None:
    _core.Index([state]).verify()
    write_values(state.folder / name, values)
    core = _core.Index([state])
    ask_everything(core)
    with pytest.raises(IndexDamagedError, match=name.replace(".", r"\.")):
        core.verify()


@pytest.mark.parametrize("name", NAMES)
def test_every_flipped_bit_is_found(state: _core.ShardState, name: str) -> None:
    file = state.folder / name
    sound = file.read_bytes()
    for bit in range(8 * len(sound)):
        changed = bytearray(sound)
        changed[bit // 8] ^= 1 << bit % 8
        file.write_bytes(changed)
        with pytest.raises((IndexDamagedError, IndexVersionError)):
            _core.Index([state]).verify()
        with pytest.raises((IndexDamagedError, IndexVersionError)):
            _core.verify_section(file)


def test_wrong_contents_crash_nothing(state: _core.ShardState) -> None:
    """Ranks that are not those of the removed documents give wrong answers or errors of ours, and so do numbers."""
    rng = random.Random(5)
    for _ in range(200):
        write_values(state.folder / "removed_ranks.1.bin", sorted(rng.sample(range(N_SUFFIXES), 16)))
        numbers = [3, *(rng.randrange(60) for _ in DOCUMENTS[2:]), rng.randrange(10, 60)]
        write_values(state.folder / "document_numbers.bin", numbers)
        ask_everything(_core.Index([state]))


def test_files_of_others(state: _core.ShardState, tmp_path: Path) -> None:
    """The removal of another shard, of an absent generation, and numbers that overlap are refused."""
    other = remove(write_shard(tmp_path / "other", range(6), DOCUMENTS, NUMBERS, 6, 8), REMOVED, 1)
    for name in NAMES:
        kept = (state.folder / name).read_bytes()
        shutil.copy(other.folder / name, state.folder / name)
        with pytest.raises(IndexDamagedError, match="files were swapped"):
            _core.Index([state])
        (state.folder / name).write_bytes(kept)
    with pytest.raises(IndexDamagedError, match=r"removed_documents\.2\.bin"):
        _core.Index([_core.ShardState(state.folder, 3, 2, True)])
    with pytest.raises(IndexDamagedError, match="numbered from 3 on, but those of the shards before it up to 21"):
        _core.Index([state, _core.ShardState(other.folder, 3, 1, True)])
    with pytest.raises(IndexDamagedError, match="beyond 2"):
        _core.Index([_core.ShardState(state.folder, 2**62, 1, True)])
    union = _core.Index([state, _core.ShardState(other.folder, 22, 0, True)])
    assert union.document_ids(0, 99).tolist() == [4, 9, 10, 21, *(number + 19 for number in NUMBERS[:6])]


@pytest.mark.parametrize(
    ("documents", "generation", "message"),
    [
        ([], 1, "no documents"),
        ([1, 1], 1, "do not ascend: 1 follows 1"),
        ([2, 1], 1, "do not ascend"),
        ([7], 1, "no document 7"),
        ([-1], 1, "negative"),
        ([1], 0, "generation"),
    ],
)
def test_removals_that_are_refused(
    state: _core.ShardState, documents: list[int], generation: int, message: str
) -> None:
    before = sorted(state.folder.iterdir())
    with pytest.raises(ValueError, match=message):
        _core.write_removals(state, np.array(documents, dtype=np.int64), generation)
    assert sorted(state.folder.iterdir()) == before


@pytest.mark.parametrize("numbers", [[1, 2], [1, 3, 3], [5, 4, 6], [1, 2, 2**58]])
def test_numbers_that_are_refused(tmp_path: Path, numbers: list[int]) -> None:
    (tmp_path / "shard").mkdir()
    writer = _core.ShardWriter(tmp_path / "shard", 6, 8)
    zeros = np.zeros(3, dtype=np.int64)
    writer.add_documents(np.array([], dtype=np.uint32), zeros, [b""] * 3, [b""] * 3, zeros)
    with pytest.raises(ValueError, match="number"):
        writer.finish(np.array(numbers, dtype=np.int64))
