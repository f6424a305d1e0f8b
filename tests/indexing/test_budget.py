"""The memory limit of a build, and its division among the stages."""

from __future__ import annotations

from pathlib import Path

import pytest

import infgram
from infgram.indexing import memory
from infgram.indexing.memory import MIB, Budget, size_bytes
from infgram.indexing.tokenize import IN_FLIGHT_BYTES


@pytest.mark.parametrize(
    ("size", "n_bytes"),
    [(5, 5), ("7", 7), ("7B", 7), ("2kB", 2000), ("2KiB", 2048), (" 1.5 GiB ", 3 << 29), ("1TB", 10**12)],
)
def test_sizes(size: int | str, n_bytes: int) -> None:
    assert size_bytes(size) == n_bytes


@pytest.mark.parametrize("size", [0, -1, True, 1.5, None, "", "GiB", "1 gib", "-1MB", "0", "1e9", "1 GiB 1"])
def test_invalid_sizes(size: object) -> None:
    with pytest.raises(infgram.QueryError, match="expected a number of bytes, or a size such as"):
        size_bytes(size)  # type: ignore[arg-type]


def test_the_minimum_is_named_and_sufficient(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("to be or not to be", encoding="utf-8")
    for tokenizer in ("bytes", "bpe"):
        with pytest.raises(infgram.QueryError, match=r"memory is 1MiB; this build takes at least (\d+)MiB") as caught:
            infgram.build(tmp_path / "a.txt", tokenizer=tokenizer, memory="1MiB", overwrite=True)
        least = str(caught.value).split()[-1]
        assert not (tmp_path / "a.infgram.partial").exists()
        infgram.build(tmp_path / "a.txt", tokenizer=tokenizer, memory=least, overwrite=True).close()


def test_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "used_bytes", lambda: 100 * MIB)
    monkeypatch.setattr(memory, "available_bytes", lambda: 1000 * MIB)
    chosen = Budget(None, trains=False, kind="bytes")
    assert (chosen.total_bytes, chosen.left_bytes()) == (500 * MIB, 400 * MIB)
    assert chosen.tokenizing(2)[0] == 2
    assert chosen.tokenizing(2)[1] <= 200 * MIB
    assert Budget("8GiB", trains=True, kind="huggingface").tokenizing(8) == (8, IN_FLIGHT_BYTES)
    monkeypatch.setattr(memory, "available_bytes", lambda: 0)
    least = Budget(None, trains=True, kind="huggingface")
    assert least.total_bytes == least.least_bytes
    assert least.tokenizing(64)[0] < 64
    assert 0 < least.tokenizing(64)[1] < least.left_bytes()


def test_the_memory_of_the_machine() -> None:
    assert 0 < memory.used_bytes() < 64 << 30
    assert 0 <= memory.available_bytes() < 1 << 60


def test_limits_of_control_groups(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("5000\n")
    (tmp_path / "memory.current").write_text("4000\n")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 300\n")
    files = [(tmp_path / "memory.max", tmp_path / "memory.current"), (tmp_path / "none", tmp_path / "none")]
    monkeypatch.setattr(memory, "_control_groups", lambda: iter(files))
    assert memory.available_bytes() == 1300
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.available_bytes() > 1300
