"""The exit codes of the commands, and the code of each error."""

from __future__ import annotations

from typing import Final

from infgram.errors import (
    IndexDamagedError,
    IndexExistsError,
    IndexNotFoundError,
    IndexVersionError,
    InfgramError,
    MissingExtraError,
    StorageError,
    TimeLimitError,
)

QUESTION: Final = 3
INDEX: Final = 4
MACHINE: Final = 5
TIME_OVER: Final = 6
INTERRUPTED: Final = 130
PIPE_CLOSED: Final = 141

MEANINGS: Final = {
    0: "success; a count of 0 is a result, not an error",
    1: "a bug in infgram; please report the traceback",
    2: "invalid command line: unknown option, missing argument",
    QUESTION: "invalid input or query: unreadable corpus, bad token id, unknown tokenizer",
    INDEX: "the index is missing, damaged, of another version, or already exists",
    MACHINE: "system error: disk full, no permission, port in use, missing package",
    TIME_OVER: "the time limit (--timeout) was exceeded",
    INTERRUPTED: "interrupted with Ctrl-C",
    PIPE_CLOSED: "the reader closed the pipe, as `| head` does",
}
"""All exit codes, as shown by `infgram --help` and docs/cli.md."""

_INDEX_ERRORS = (IndexNotFoundError, IndexDamagedError, IndexVersionError, IndexExistsError)
_MACHINE_ERRORS = (StorageError, MissingExtraError)


def code_of(error: InfgramError) -> int:
    """Return the exit code of an error of the library."""
    if isinstance(error, TimeLimitError):
        return TIME_OVER
    if isinstance(error, _INDEX_ERRORS):
        return INDEX
    return MACHINE if isinstance(error, _MACHINE_ERRORS) else QUESTION


def table() -> str:
    """Return the table of exit codes as lines of text for the help."""
    return "\n".join(f"{code:<4} {meaning}" for code, meaning in MEANINGS.items())
