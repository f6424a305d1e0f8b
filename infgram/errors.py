"""Every error that infgram raises on purpose.

::

    InfgramError
    ├── QueryError (ValueError)              a question that cannot be asked: bad token id, wrong type, empty search
    │   └── CursorError                      a cursor that was altered or belongs to another question or index
    ├── InputError (ValueError)              a corpus that cannot be read: names the file, the line, the reason
    ├── TokenizerError (ValueError)          a tokenizer that cannot be loaded, trained or matched
    ├── IndexNotFoundError (FileNotFoundError)  the path holds no index
    ├── IndexExistsError (FileExistsError)   the output is taken; `overwrite=True` replaces it
    ├── IndexDamagedError (OSError)          the files contradict themselves: names file, expected, found
    ├── IndexVersionError (OSError)          the index was written in a format that this version cannot read
    ├── IndexClosedError (ValueError)        a question asked of an index after `close()`
    ├── TimeLimitError (TimeoutError)        the work took longer than its time limit: says how far it came
    ├── StorageError (OSError)               the operating system refused: disk full, permission, I/O error
    ├── ShardUnavailableError (ConnectionError)  a part of an index on other machines cannot be reached
    ├── ServiceError (OSError)               a service cannot be reached, refuses to answer, or answers nonsense
    └── MissingExtraError (ImportError)      an optional dependency is not installed: names the extra

Each message says what was found, what was expected and what to do next.
The native core raises the same classes; nothing else leaves it but `MemoryError`.
"""

from __future__ import annotations


class InfgramError(Exception):
    """Base of all errors of this package."""


class QueryError(InfgramError, ValueError):
    """The question itself is wrong: a token id outside the vocabulary, a wrong type, an empty search."""


class CursorError(QueryError):
    """The cursor is none, was altered, or belongs to another question or index."""


class InputError(InfgramError, ValueError):
    """A corpus cannot be read as asked; the message names the file, the line and the reason."""


class TokenizerError(InfgramError, ValueError):
    """A tokenizer cannot be found, loaded or trained, or is not the one that an index was built with."""


class IndexNotFoundError(InfgramError, FileNotFoundError):
    """The path does not exist or holds no finished index."""


class IndexExistsError(InfgramError, FileExistsError):
    """The output path is already taken, or another build is writing there."""


class IndexDamagedError(InfgramError, OSError):
    """The files of an index contradict themselves: truncated, altered, swapped or missing."""


class IndexVersionError(InfgramError, OSError):
    """The index has a format version or an order of suffixes that this version of infgram cannot read."""


class IndexClosedError(InfgramError, ValueError):
    """The index was closed before the question was asked."""


class TimeLimitError(InfgramError, TimeoutError):
    """The work was not done when its time limit was over; the message says how far it came."""


class StorageError(InfgramError, OSError):
    """The operating system refused to read or write: disk full, no permission, I/O error."""


class ShardUnavailableError(InfgramError, ConnectionError):
    """Some shards of an index on other machines cannot be reached now; `infgram.partial_answers` does without them."""


class ServiceError(InfgramError, OSError):
    """A service cannot be reached, is too busy or does not let this client in, or what answers is none."""


class MissingExtraError(InfgramError, ImportError):
    """A feature needs an optional dependency; the message names the extra that installs it."""
