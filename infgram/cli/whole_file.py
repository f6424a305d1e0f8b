"""A file of results that appears when it is complete, or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from infgram.errors import IndexExistsError, StorageError


@contextmanager
def whole_file(path: Path, *, overwrite: bool) -> Iterator[TextIO]:
    """A file to write text to, which gets its name when the block ends without an error.

    Raises:
        IndexExistsError: something is there, and is not to be overwritten.
        StorageError: it cannot be written.
    """
    if path.exists() and not (overwrite and path.is_file()):
        raise IndexExistsError(f"{path} is there already; give another name, or replace a file with --overwrite")
    temporary = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with open(temporary, "x", encoding="utf-8", newline="\n") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise StorageError(error.errno, f"{path}: cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
