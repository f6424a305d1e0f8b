"""Folders as Hugging Face's `save_to_disk` writes them: the listed Arrow files, and nothing else of the folder."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from infgram.corpus import Corpus
from infgram.errors import InputError

pa: Any = importlib.import_module("pyarrow")


def save(folder: Path, parts: list[list[str]]) -> None:
    """What the package writes, in its names and layout."""
    folder.mkdir(parents=True)
    names = [f"data-{i:05d}-of-{len(parts):05d}.arrow" for i in range(len(parts))]
    for name, texts in zip(names, parts, strict=True):
        table = pa.table({"text": texts})
        with pa.OSFile(str(folder / name), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table)
    state = {"_data_files": [{"filename": name} for name in names], "_fingerprint": "0123", "_split": "train"}
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "dataset_info.json").write_text('{"features": {"text": {"dtype": "string", "_type": "Value"}}}')


def texts(folder: Path) -> list[str]:
    return [document.text for document in Corpus(folder).documents()]


def test_a_saved_dataset(tmp_path: Path) -> None:
    save(tmp_path / "saved", [["a", "b"], ["c"]])
    (tmp_path / "saved" / "cache-0123.arrow").write_bytes(b"of no interest")
    assert texts(tmp_path / "saved") == ["a", "b", "c"]
    assert [document.line for document in Corpus(tmp_path / "saved").documents()] == [1, 2, 1]


def test_a_saved_dictionary_of_datasets_among_other_files(tmp_path: Path) -> None:
    save(tmp_path / "saved" / "train", [["a"]])
    save(tmp_path / "saved" / "test", [["b"]])
    (tmp_path / "saved" / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    (tmp_path / "z.txt").write_text("z")
    (tmp_path / "state.json").write_text("{}")  # not of a dataset
    assert texts(tmp_path) == ["b", "a", "{}", "z"]
    assert texts(tmp_path / "saved") == ["b", "a"]


def test_a_missing_part_fails(tmp_path: Path) -> None:
    save(tmp_path / "saved", [["a"], ["b"]])
    (tmp_path / "saved" / "data-00001-of-00002.arrow").unlink()
    with pytest.raises(
        InputError, match=r"state\.json: lists 'data-00001-of-00002\.arrow', which is not in the folder"
    ):
        Corpus(tmp_path)


@pytest.mark.parametrize("state", ["", "[]", "{}", '{"_data_files": [1]}', "[" * 100_000])
def test_a_list_that_cannot_be_read_fails(tmp_path: Path, state: str) -> None:
    save(tmp_path / "saved", [["a"]])
    (tmp_path / "saved" / "state.json").write_text(state)
    with pytest.raises(InputError, match=r"state\.json: expected the list of files"):
        Corpus(tmp_path)
