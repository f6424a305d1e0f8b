"""Folders that Hugging Face's `save_to_disk` wrote: only the Arrow files that their `state.json` lists are input."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any, Final

from infgram.corpus.documents import Skipped
from infgram.corpus.sources.files import Found, LocalPlace, Place
from infgram.errors import InputError

_STATE: Final = "state.json"
_INFO: Final = "dataset_info.json"
_DICT: Final = "dataset_dict.json"
_LONGEST_STATE_BYTES: Final = 64 << 20
_WITHOUT_ROWS: Final = frozenset(
    ("_fingerprint", "_format_columns", "_format_kwargs", "_format_type", "_output_all_columns", "_split", "_info")
)
"""Fields of a state that do not change which rows there are, nor what is in them."""
_SAVE_AGAIN: Final = "load it with datasets.load_from_disk, and save its flatten_indices() anew"


def without_their_descriptions(files: Sequence[Found]) -> tuple[list[Found], list[Skipped]]:
    """The files of a folder, where of each saved dataset only the listed Arrow files stay, and what is left out.

    A saved dataset is a folder that holds `state.json` and `dataset_info.json`; what else is in it (caches,
    for instance) is no document. The splits of a saved dictionary of datasets are all read.

    Raises:
        InputError: a listed file is missing, the list cannot be read, or it selects rows.
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
    descriptions = {folder + name for folder in folders for name in (_STATE, _INFO)}
    descriptions.update(f"{_folder(folder[:-1])}{_DICT}" for folder in folders if folder)
    others = {file.name for file in files if file.name not in kept and _folder(file.name) in folders} - descriptions
    left_out = [Skipped(name, None, f"not listed in {_STATE}") for name in sorted(others)]
    return [file for file in files if file.name not in descriptions | others], left_out


def check_parts(files: Sequence[Found]) -> None:
    """Whether local Arrow files that were named without their folder are whole parts of saved datasets.

    Raises:
        InputError: the `state.json` beside one selects rows.
    """
    places = (file.place for file in files if file.name.endswith(".arrow"))
    folders = {place.path.parent for place in places if isinstance(place, LocalPlace)}
    for folder in sorted(folders):
        if (folder / _STATE).is_file() and (folder / _INFO).is_file():
            _file_names(LocalPlace(folder / _STATE))


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
        names = [str(entry["filename"]) for entry in state["_data_files"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{place}: expected the list of files that save_to_disk writes ({type(error).__name__}: {error})"
        ) from error
    _check_all_rows(place, state)
    return names


def _check_all_rows(place: Place, state: dict[str, Any]) -> None:
    """Whether the state says that the dataset is all rows of its files, as every newer version of datasets writes it.

    Raises:
        InputError: it selects rows, or has a field that may.
    """
    if state.get("_indices_data_files"):
        raise InputError(
            f"{place}: an indices table selects rows of this dataset, as select or shuffle do; {_SAVE_AGAIN}"
        )
    fields = {key for entry in state["_data_files"] for key, value in entry.items() if value is not None}
    for name in sorted(fields - {"filename"}):
        raise InputError(f"{place}: {name!r:.80} selects rows of the files of this dataset; {_SAVE_AGAIN}")
    for name in sorted(state.keys() - _WITHOUT_ROWS - {"_data_files"}):
        if state[name]:
            raise InputError(f"{place}: the field {name!r:.80} may change the rows of this dataset; {_SAVE_AGAIN}")


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _folder(name: str) -> str:
    """With its `/`; empty for the input folder itself."""
    return "".join(name.rpartition("/")[:2])
