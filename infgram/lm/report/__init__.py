"""An evaluation as files: `report.json` with every number, and `report.html` for people."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

from infgram.errors import IndexExistsError, QueryError
from infgram.files.disk import atomic_file, storage_errors
from infgram.lm.evaluation.results import Evaluation
from infgram.lm.report.page import html_of

JSON_NAME: Final = "report.json"
HTML_NAME: Final = "report.html"

_FILES: Final = (".html", ".htm", ".json", ".jsonl", ".svg", ".pdf", ".md", ".csv", ".txt", ".zip", ".gz")


def check_output(folder: str | os.PathLike[str], *, overwrite: bool) -> None:
    """Before the work: whether the report may be written there.

    Raises:
        QueryError: the name is that of a file; a report is a folder.
        IndexExistsError: a report is there and may not be overwritten, or a file of that name.
    """
    output = Path(folder)
    if output.suffix.lower() in _FILES:
        raise QueryError(
            f"{output} is named like a file; a report is a folder with {HTML_NAME} and {JSON_NAME}: name a folder"
        )
    taken = [output] if output.exists() and not output.is_dir() else []
    taken += [] if overwrite else [path for path in (output / JSON_NAME, output / HTML_NAME) if path.exists()]
    if taken:
        raise IndexExistsError(f"{taken[0]} exists; choose another output, or allow a report to be overwritten")


def write_report(evaluation: Evaluation, folder: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Write `report.json` and `report.html` into a folder, which is made; each appears whole.

    Returns:
        The HTML file.

    Raises:
        IndexExistsError: as `check_output`.
        StorageError: the operating system refused.
    """
    check_output(folder, overwrite=overwrite)
    output = Path(folder)
    content = json.dumps(evaluation.as_json(), indent=1, ensure_ascii=True, allow_nan=False)
    with storage_errors(f"write the report to {output}"):
        output.mkdir(parents=True, exist_ok=True)
        for name, text in ((JSON_NAME, f"{content}\n"), (HTML_NAME, html_of(evaluation))):
            with atomic_file(output / name) as unfinished:
                unfinished.write_text(text, encoding="utf-8")
    return output / HTML_NAME
