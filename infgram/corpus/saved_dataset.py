"""Folders that Hugging Face's `save_to_disk` wrote: only the Arrow files that their `state.json` lists are input."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any, Final

from infgram.corpus.places import Found, Place
from infgram.errors import InputError

_STATE: Final = "state.json"
_INFO: Final = "dataset_info.json"
_DICT: Final = "dataset_dict.json"
_LONGEST_STATE_BYTES: Final = 64 << 20


def without_their_descriptions(files: Sequence[Found]) -> list[Found]:
    """The files of a folder, where of each saved dataset only the listed Arrow files stay.

    A saved dataset is a folder that holds `state.json` and `dataset_info.json`; what else is in it (caches,
    for instance) is no document. The splits of a saved dictionary of datasets are all read.

    Raises:
        InputError: a listed file is missing, or the list cannot be read.
    """
    by_name = {file.name: file for file in files}
    folders = [
        folder
        for folder in (name.removesuffix(_STATE) for name in by_name if _last(name) == _STATE)
        if folder + _INFO in by_name
    ]
    kept: set[str] = set()
    for folder in folders:
        kept.update(_listed(by_name, folder))
    left_out = {file.name for file in files if file.name not in kept and _folder(file.name) in folders}
    left_out.update(f"{_folder(folder[:-1])}{_DICT}" for folder in folders if folder)
    return [file for file in files if file.name not in left_out]


def _listed(by_name: dict[str, Found], folder: str) -> list[str]:
    state = by_name[folder + _STATE]
    names = [folder + name for name in _file_names(state.place)]
    for name in names:
        if name not in by_name:
            raise InputError(f"{state.place}: lists {name.removeprefix(folder)!r:.80}, which is not in the folder")
    return names


def _file_names(place: Place) -> list[str]:
    try:
        with place.open() as raw, io.BufferedReader(raw) as content:
            state: Any = json.loads(content.read(_LONGEST_STATE_BYTES))
        return [str(entry["filename"]) for entry in state["_data_files"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{place}: expected the list of files that save_to_disk writes ({type(error).__name__}: {error})"
        ) from error


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _folder(name: str) -> str:
    """With its `/`; empty for the input folder itself."""
    return "".join(name.rpartition("/")[:2])
