"""Reports of an evaluation: `report.json` with every number, and `report.html` with tables and figures."""

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
    """Check, before the evaluation, that the report can be written to a folder.

    Raises:
        QueryError: the name has the suffix of a file.
        IndexExistsError: the folder contains a report and `overwrite` is False, or it is a file.
    """
    output = Path(folder)
    if output.suffix.lower() in _FILES:
        raise QueryError(
            f"{output} is named like a file; a report is a folder with {HTML_NAME} and {JSON_NAME}: pass its name"
        )
    taken = [output] if output.exists() and not output.is_dir() else []
    taken += [] if overwrite else [path for path in (output / JSON_NAME, output / HTML_NAME) if path.exists()]
    if taken:
        raise IndexExistsError(f"{taken[0]} exists; choose another output, or pass overwrite=True (--overwrite)")


def write_report(evaluation: Evaluation, folder: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Write `report.json` and `report.html` to a folder, which is created; each file is written atomically.

    Returns:
        The path of the HTML file.

    Raises:
        QueryError: as for `check_output`.
        IndexExistsError: as for `check_output`.
        StorageError: a file cannot be written.
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
