"""Datasets that `save_to_disk` wrote: the Arrow files that their `state.json` lists are the input."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any, Final

from infgram.corpus.documents import Skipped
from infgram.corpus.sources.files import FileLocation, InputFile, LocalLocation
from infgram.errors import InputError

_STATE: Final = "state.json"
_INFO: Final = "dataset_info.json"
_DICT: Final = "dataset_dict.json"
_LONGEST_STATE_BYTES: Final = 64 << 20
_WITHOUT_ROWS: Final = frozenset(
    ("_fingerprint", "_format_columns", "_format_kwargs", "_format_type", "_output_all_columns", "_split", "_info")
)
"""Fields of `state.json` that affect neither the selection nor the content of rows."""
_SAVE_AGAIN: Final = "load it with datasets.load_from_disk and save the result of its flatten_indices()"


def data_files(files: Sequence[InputFile]) -> tuple[list[InputFile], list[Skipped]]:
    """Reduce each saved dataset in a folder to its data files; return the remaining files and the excluded ones.

    A saved dataset is a folder with `state.json` and `dataset_info.json`. Its other files, such as caches, are
    excluded. All splits of a saved `DatasetDict` are read.

    Raises:
        InputError: a listed file is missing, the list cannot be read, or the dataset is a selection of rows.
    """
    by_name = {file.source: file for file in files}
    folders = [
        folder
        for folder in (name.removesuffix(_STATE) for name in by_name if _last(name) == _STATE)
        if folder + _INFO in by_name
    ]
    listed: set[str] = set()
    for folder in folders:
        listed.update(_listed_files(by_name, folder))
    descriptions = {folder + name for folder in folders for name in (_STATE, _INFO)}
    descriptions.update(f"{_folder(folder[:-1])}{_DICT}" for folder in folders if folder)
    unlisted = {name for name in by_name.keys() - listed - descriptions if _folder(name) in folders}
    excluded = [Skipped(name, None, f"not listed in {_STATE}") for name in sorted(unlisted)]
    return [file for file in files if file.source not in descriptions | unlisted], excluded


def check_parts(files: Sequence[InputFile]) -> None:
    """Check local Arrow files of saved datasets that were named individually.

    Raises:
        InputError: the `state.json` beside a file selects rows.
    """
    locations = (file.location for file in files if file.source.endswith(".arrow"))
    folders = {location.path.parent for location in locations if isinstance(location, LocalLocation)}
    for folder in sorted(folders):
        if (folder / _STATE).is_file() and (folder / _INFO).is_file():
            _file_names(LocalLocation(folder / _STATE))


def _listed_files(by_name: dict[str, InputFile], folder: str) -> list[str]:
    state = by_name[folder + _STATE]
    names = [folder + name for name in _file_names(state.location)]
    for name in names:
        if name not in by_name:
            raise InputError(f"{state.location}: lists {name.removeprefix(folder)!r:.80}, which is not in the folder")
    return names


def _file_names(location: FileLocation) -> list[str]:
    try:
        with location.open() as raw, io.BufferedReader(raw) as content:
            state: Any = json.loads(content.read(_LONGEST_STATE_BYTES))
        names = [str(entry["filename"]) for entry in state["_data_files"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{location}: expected the list of files that save_to_disk writes ({type(error).__name__}: {error})"
        ) from error
    _check_all_rows(location, state)
    return names


def _check_all_rows(location: FileLocation, state: dict[str, Any]) -> None:
    """Check that the dataset consists of all rows of its files, as recent versions of `datasets` save it.

    Raises:
        InputError: the state selects rows, or has an unknown field that may do so.
    """
    if state.get("_indices_data_files"):
        raise InputError(
            f"{location}: this dataset is a selection of rows (an indices table of select or shuffle); {_SAVE_AGAIN}"
        )
    fields = {key for entry in state["_data_files"] for key, value in entry.items() if value is not None}
    for name in sorted(fields - {"filename"}):
        raise InputError(f"{location}: {name!r:.80} selects rows of the files of this dataset; {_SAVE_AGAIN}")
    for name in sorted(state.keys() - _WITHOUT_ROWS - {"_data_files"}):
        if state[name]:
            raise InputError(f"{location}: the field {name!r:.80} may change the rows of this dataset; {_SAVE_AGAIN}")


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _folder(name: str) -> str:
    """Return the folder of a file, with its final `/`; empty for the input folder itself."""
    return "".join(name.rpartition("/")[:2])
