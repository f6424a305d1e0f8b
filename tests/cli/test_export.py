"""`infgram export` writes what the library writes, and says what it wrote."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import infgram
from tests.building import build_texts
from tests.cli.running import run


@pytest.fixture
def path(tmp_path: Path) -> Path:
    build_texts(["one", "two words"], tmp_path / "x").close()
    return tmp_path / "x"


def test_rows(path: Path, tmp_path: Path) -> None:
    said = run("export", path, "-o", tmp_path / "a.jsonl", "-q").stdout
    assert said == f"2 documents, 12 tokens\noutput: {tmp_path / 'a.jsonl'}\n"
    with infgram.open(path) as index:
        infgram.export(index, tmp_path / "b.jsonl")
        infgram.export(index, tmp_path / "ids.jsonl", content="tokens", text_field="ids")
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    again = run("export", path, "-o", tmp_path / "a.jsonl", "--tokens", "--text-field", "ids", "--overwrite", "--json")
    assert again.json == {"files": [str(tmp_path / "a.jsonl")], "n_documents": 2, "n_tokens": 12, "end_of_text": None}
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "ids.jsonl").read_bytes()


def test_token_ids(path: Path, tmp_path: Path) -> None:
    refused = run("export", path, "-o", tmp_path / "x.npy")
    assert (refused.code, "--end-of-text" in refused.stderr) == (3, True)
    said = run("export", path, "-o", tmp_path / "x.npy", "--end-of-text", 255, "-q").stdout
    assert "end of text: 255, after each document\n" in said
    assert np.load(tmp_path / "x.npy").tolist() == [*b"one", 255, *b"two words", 255]
    files = run("export", path, "-o", tmp_path / "x.bin", "--format", "megatron", "--json").json["files"]
    assert files == [str(tmp_path / "x.bin"), str(tmp_path / "x.idx")]
    assert all(Path(file).is_file() for file in files)
