"""The exit codes of the commands, and the code of each error."""

from __future__ import annotations

from typing import Final

from infgram.errors import (
    IndexChangedError,
    IndexDamagedError,
    IndexExistsError,
    IndexNotFoundError,
    IndexVersionError,
    InfgramError,
    MissingExtraError,
    StorageError,
    TimeLimitError,
)

INVALID_INPUT: Final = 3
INDEX_ERROR: Final = 4
SYSTEM_ERROR: Final = 5
TIMEOUT: Final = 6
INTERRUPTED: Final = 130
PIPE_CLOSED: Final = 141
TERMINATED: Final = 143

MEANINGS: Final = {
    0: "success; a count of 0 is a result, not an error",
    1: "a bug in infgram; please report the traceback",
    2: "invalid command line: unknown option, missing argument",
    INVALID_INPUT: "invalid input or query: unreadable corpus, bad token id, unknown tokenizer",
    INDEX_ERROR: "the index is missing, damaged, changed, of another version, or in the way",
    SYSTEM_ERROR: "system error: disk full, no permission, port in use, missing package",
    TIMEOUT: "the time limit (--timeout) was exceeded",
    INTERRUPTED: "interrupted with Ctrl-C (SIGINT)",
    PIPE_CLOSED: "the reader closed the pipe, as `| head` does",
    TERMINATED: "stopped by SIGTERM",
}
"""All exit codes, as shown by `infgram --help` and docs/cli.md."""

_INDEX_ERRORS = (
    IndexNotFoundError,
    IndexDamagedError,
    IndexVersionError,
    IndexExistsError,
    IndexChangedError,
)
_SYSTEM_ERRORS = (StorageError, MissingExtraError)


def code_of(error: InfgramError) -> int:
    """Return the exit code of an error of the library."""
    if isinstance(error, TimeLimitError):
        return TIMEOUT
    if isinstance(error, _INDEX_ERRORS):
        return INDEX_ERROR
    return SYSTEM_ERROR if isinstance(error, _SYSTEM_ERRORS) else INVALID_INPUT


def table() -> str:
    """Return the table of exit codes as lines of text for the help."""
    return "\n".join(f"{code:<4} {meaning}" for code, meaning in MEANINGS.items())
