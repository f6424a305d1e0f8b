"""What the operating system refuses, as the error that says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from infgram.errors import InfgramError, StorageError


@contextmanager
def storage_errors(action: str) -> Iterator[None]:
    """OSErrors of the block as `StorageError: cannot <action>: <reason>`."""
    try:
        yield
    except InfgramError:
        raise
    except OSError as error:
        raise StorageError(error.errno, f"cannot {action}: {error.strerror}") from error
