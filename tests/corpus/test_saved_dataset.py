"""Folders of Hugging Face's `save_to_disk`: the listed Arrow files are read, and nothing else."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any, Literal

import pytest

from infgram.corpus import Corpus
from infgram.errors import InputError

pa: Any = importlib.import_module("pyarrow")


def save(folder: Path, parts: list[list[str]]) -> None:
    """Write a dataset with the names and layout of the package."""
    folder.mkdir(parents=True)
    names = [f"data-{i:05d}-of-{len(parts):05d}.arrow" for i in range(len(parts))]
    for name, texts in zip(names, parts, strict=True):
        table = pa.table({"text": texts})
        with pa.OSFile(str(folder / name), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table)
    state = {"_data_files": [{"filename": name} for name in names], "_fingerprint": "0123", "_split": "train"}
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "dataset_info.json").write_text('{"features": {"text": {"dtype": "string", "_type": "Value"}}}')


def alter(folder: Path, **fields: Any) -> None:
    """Change the saved state."""
    state = json.loads((folder / "state.json").read_text())
    (folder / "state.json").write_text(json.dumps({**state, **fields}))


def texts(folder: Path) -> list[str]:
    return [document.text for document in Corpus(folder).documents()]


def test_a_saved_dataset(tmp_path: Path) -> None:
    save(tmp_path / "saved", [["a", "b"], ["c"]])
    (tmp_path / "saved" / "cache-0123.arrow").write_bytes(b"of no interest")
    assert texts(tmp_path / "saved") == ["a", "b", "c"]
    corpus = Corpus(tmp_path / "saved")
    assert [(entry.source, entry.reason) for entry in corpus.left_out] == [
        ("cache-0123.arrow", "not listed in state.json")
    ]
    assert [document.line for document in Corpus(tmp_path / "saved").documents()] == [1, 2, 1]


def test_a_saved_dictionary_of_datasets_among_other_files(tmp_path: Path) -> None:
    save(tmp_path / "saved" / "train", [["a"]])
    save(tmp_path / "saved" / "test", [["b"]])
    (tmp_path / "saved" / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    (tmp_path / "z.txt").write_text("z")
    (tmp_path / "state.json").write_text("{}")  # not of a dataset
    assert texts(tmp_path) == ["b", "a", "{}", "z"]
    assert texts(tmp_path / "saved") == ["b", "a"]


def test_a_missing_part_is_an_error(tmp_path: Path) -> None:
    save(tmp_path / "saved", [["a"], ["b"]])
    (tmp_path / "saved" / "data-00001-of-00002.arrow").unlink()
    with pytest.raises(
        InputError, match=r"state\.json: lists 'data-00001-of-00002\.arrow', which is not in the folder"
    ):
        Corpus(tmp_path)


@pytest.mark.parametrize("state", ["", "[]", "{}", '{"_data_files": [1]}', "[" * 100_000])
def test_an_unreadable_list_is_an_error(tmp_path: Path, state: str) -> None:
    save(tmp_path / "saved", [["a"]])
    (tmp_path / "saved" / "state.json").write_text(state)
    with pytest.raises(InputError, match=r"state\.json: expected the list of files"):
        Corpus(tmp_path)


SELECTED: dict[str, tuple[dict[str, Any], str]] = {
    "an indices table": ({"_indices_data_files": [{"filename": "indices.arrow"}]}, "an indices table"),
    "rows of a file": ({"_data_files": [{"filename": "data-00000-of-00001.arrow", "skip": 1, "take": 1}]}, "'skip'"),
    "a field of a file": ({"_data_files": [{"filename": "data-00000-of-00001.arrow", "x": 0}]}, "'x' selects rows"),
    "a history": ({"_inplace_history": [{"transforms": [["cast_", [], {}]]}]}, "the field '_inplace_history' may"),
    "a field that is not known": ({"_new": True}, "the field '_new' may change the rows"),
}


@pytest.mark.parametrize(("fields", "reason"), SELECTED.values(), ids=SELECTED)
@pytest.mark.parametrize("named", ["", "*.arrow", "data-00000-of-00001.arrow"])
def test_a_dataset_of_selected_rows_is_refused(tmp_path: Path, fields: dict[str, Any], reason: str, named: str) -> None:
    save(tmp_path / "saved", [["a", "b", "c"]])
    alter(tmp_path / "saved", **fields)
    on_errors: tuple[Literal["fail", "skip"], ...] = ("fail", "skip")
    for on_error in on_errors:
        with pytest.raises(InputError, match=rf"state\.json: .*{reason}.*its flatten_indices\(\)"):
            Corpus(tmp_path / "saved" / named, on_error=on_error)


def test_fields_that_change_no_row_are_allowed(tmp_path: Path) -> None:
    save(tmp_path / "saved", [["a", "b"]])
    alter(
        tmp_path / "saved",
        _format_columns=["text"],
        _format_kwargs={"device": "cpu"},
        _format_type="torch",
        _output_all_columns=True,
        _indices_data_files=None,
        _inplace_history=[],
        _data_files=[{"filename": "data-00000-of-00001.arrow", "skip": None, "take": None}],
    )
    assert texts(tmp_path / "saved") == ["a", "b"]
    assert texts(tmp_path / "saved" / "*.arrow") == ["a", "b"]
