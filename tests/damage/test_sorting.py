"""A shard is sorted only if its tokens and counts fit together, whatever wrote them: the sorter relies on it."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from infgram import _core
from infgram.errors import IndexDamagedError
from tests.building import build_tokens
from tests.damage.faults import forge_section
from tests.strategies import Layout

VOCAB_SIZE: Final = 250
N_TOKENS: Final = 20_000
BITS: Final = N_TOKENS.bit_length()
"""Of an element of `first_token_starts.bin`."""

Alter = Callable[[bytearray], Any]


def build(path: Path, seed: int) -> Path:
    """Return the folder of a shard of one document."""
    rng = random.Random(seed)
    documents = [[rng.randrange(VOCAB_SIZE) for _ in range(N_TOKENS)]]
    build_tokens(documents, path, vocab_size=VOCAB_SIZE, layout=Layout(8, 1, 1)).close()
    return path / "shard-00000"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("sound") / "x", 0)


def start(token: int, rank: int) -> Alter:
    """Set the first rank of a token."""

    def alter(payload: bytearray) -> None:
        packed, shift = int.from_bytes(payload, "little"), token * BITS
        packed = packed & ~(((1 << BITS) - 1) << shift) | rank << shift
        payload[:] = packed.to_bytes(len(payload), "little")

    return alter


def resize(n_elements: int) -> Alter:
    """Cut the first ranks, or add some after the last."""
    return lambda payload: payload.__setitem__(slice(None), payload.ljust(BITS * 300)[: -(-n_elements * BITS // 8)])


FAULTS: dict[str, tuple[str, Alter, str]] = {
    "a token outside the vocabulary": (
        "tokens.bin",
        lambda payload: payload.__setitem__(1000, VOCAB_SIZE),
        r"tokens\.bin: holds token 250, which is not in the vocabulary of 250 tokens",
    ),
    "no separator at the end": (
        "tokens.bin",
        lambda payload: payload.__setitem__(-1, 7),
        r"tokens\.bin: the last document does not end with a separator",
    ),
    "ranks that descend": ("first_token_starts.bin", start(100, N_TOKENS), "the ranks of token 101 are out of range"),
    "ranks beyond the last": ("first_token_starts.bin", start(250, 2**BITS - 1), "the ranks of token 250 are out of"),
    "no vocabulary": ("first_token_starts.bin", resize(1), "the vocabulary is empty or too large"),
    "no ranks": ("first_token_starts.bin", resize(0), "the vocabulary is empty or too large"),
    "a vocabulary of 256": ("first_token_starts.bin", resize(257), "the vocabulary is empty or too large"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_altered_numbers_are_noticed(sound: Path, tmp_path: Path, fault: str) -> None:
    file, alter, message = FAULTS[fault]
    shard = Path(shutil.copytree(sound.parent, tmp_path / "x")) / sound.name
    _core.sort_shard(shard, 2, 1 << 30)
    forge_section(shard / file, alter)
    with pytest.raises(IndexDamagedError, match=message):
        _core.sort_shard(shard, 2, 1 << 30)


def test_a_file_of_another_shard_is_noticed(sound: Path, tmp_path: Path) -> None:
    shard, other = Path(shutil.copytree(sound.parent, tmp_path / "x")) / sound.name, build(tmp_path / "y", 1)
    shutil.copy(other / "first_token_starts.bin", shard)
    with pytest.raises(IndexDamagedError, match=r"first_token_starts\.bin: does not belong to the tokens"):
        _core.sort_shard(shard, 2, 1 << 30)
