"""Exit codes: the one table, and which error has which."""

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
    0: "done; that a text never occurs is an answer, not an error",
    1: "a defect of infgram, with a traceback to report",
    2: "wrong command line: an unknown option, a missing argument",
    QUESTION: "wrong input or question: unreadable corpus, bad token id, no such tokenizer",
    INDEX: "the index is missing, damaged, of another version, or in the way",
    MACHINE: "the machine refused: disk full, no permission, port taken, no package",
    TIME_OVER: "the time limit (--timeout) was over before the work was done",
    INTERRUPTED: "interrupted with Ctrl-C",
    PIPE_CLOSED: "the reader of the output went away, as `| head` does",
}
"""Every exit code; `infgram --help` and docs/cli.md show this table."""

_INDEX_ERRORS = (IndexNotFoundError, IndexDamagedError, IndexVersionError, IndexExistsError)
_MACHINE_ERRORS = (StorageError, MissingExtraError)


def code_of(error: InfgramError) -> int:
    """The exit code of an error of the library."""
    if isinstance(error, TimeLimitError):
        return TIME_OVER
    if isinstance(error, _INDEX_ERRORS):
        return INDEX
    return MACHINE if isinstance(error, _MACHINE_ERRORS) else QUESTION


def table() -> str:
    """The table as lines of text, for the help."""
    return "\n".join(f"{code:<4} {meaning}" for code, meaning in MEANINGS.items())
