"""What the operating system says about a path is a StorageError in every call that takes one."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import infgram
from tests.infini_gram_folders import write_shard

CALLS: dict[str, Callable[[Path, Path], object]] = {
    "open": lambda path, _: infgram.open(path),
    "add": lambda path, sound: infgram.add(path, [sound / "corpus.txt"]),
    "delete": lambda path, _: infgram.delete(path, documents=[0]),
    "compact": lambda path, _: infgram.compact(path),
    "convert from": lambda path, sound: infgram.convert(path, sound / "converted"),
    "convert to": lambda path, sound: infgram.convert(sound / "theirs", path, tokenizer="bytes"),
    "build to": lambda path, sound: infgram.build([sound / "corpus.txt"], path, tokenizer="bytes"),
    "export to": lambda path, sound: infgram.export(infgram.open(sound / "theirs"), path / "rows.jsonl"),
}


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    (tmp_path / "corpus.txt").write_text("to be or not to be\n")
    write_shard(tmp_path / "theirs", [[1, 2]], 8, ".0")
    return tmp_path


@pytest.mark.parametrize("name", CALLS)
def test_a_name_that_is_too_long(sound: Path, name: str) -> None:
    with pytest.raises(infgram.StorageError, match=r"cannot read .*xxx") as raised:
        CALLS[name](sound / ("x" * 300), sound)
    assert raised.value.errno == errno.ENAMETOOLONG


@pytest.mark.parametrize("name", CALLS)
def test_a_folder_without_permission(sound: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a user who may not enter the folder; the tests may run as one who may."""
    real = Path.stat

    def stat(path: Path, **options: Any) -> Any:
        if "locked" in path.parts:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path, **options)

    monkeypatch.setattr(Path, "stat", stat)
    with pytest.raises(infgram.StorageError, match=r"cannot read .*locked.*: Permission denied"):
        CALLS[name](sound / "locked" / "x", sound)


def test_offsets_without_permission(sound: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def memmap(path: Path, **_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(np, "memmap", memmap)
    with pytest.raises(infgram.StorageError, match=r"cannot read .*offset\.0: Permission denied"):
        infgram.open(sound / "theirs")
