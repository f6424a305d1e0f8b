"""A file of JSON lines that appears whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from infgram.build.refusals import storage_errors
from infgram.errors import IndexExistsError
from infgram.index import StrPath


def write_json_lines(rows: Iterable[dict[str, Any]], output: StrPath, *, overwrite: bool) -> None:
    """Write a line a row, as UTF-8, under a temporary name beside the output; then give it its name.

    Raises:
        IndexExistsError: the output is taken and may not be replaced.
        StorageError: the operating system refused.
    """
    target = Path(output)
    check_free(target, overwrite=overwrite)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    with storage_errors(f"write {target}"):
        try:
            with partial.open("w", encoding="utf-8", newline="\n") as file:
                for row in rows:
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")
                file.flush()
                os.fsync(file.fileno())
            check_free(target, overwrite=overwrite)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)


def check_free(output: StrPath, *, overwrite: bool) -> None:
    """Whether a file may be written there.

    Raises:
        IndexExistsError: it may not.
    """
    target = Path(output)
    if target.is_dir() or (target.exists() and not overwrite):
        why = "is a folder" if target.is_dir() else "exists; pass --overwrite (overwrite=True) to replace it"
        raise IndexExistsError(f"{target} {why}")
