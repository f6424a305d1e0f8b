"""Every error that infgram raises on purpose.

::

    InfgramError
    ├── QueryError (ValueError)              an invalid query or argument: token id, type, empty search
    │   └── CursorError                      a cursor that was altered or belongs to another query or index
    ├── InputError (ValueError)              a corpus that cannot be read: names the file, the line, the reason
    ├── TokenizerError (ValueError)          a tokenizer that cannot be loaded, trained or matched
    ├── IndexNotFoundError (FileNotFoundError)  there is no index at the path
    ├── IndexExistsError (FileExistsError)   the output exists; `overwrite=True` replaces an index
    ├── IndexDamagedError (OSError)          inconsistent index files: names the file, expected, found
    ├── IndexVersionError (OSError)          an index format that this version cannot read
    ├── IndexChangedError (ValueError)       the index is not at the generation that a change expects
    ├── IndexClosedError (ValueError)        a query to an index after `close()`
    ├── TimeLimitError (TimeoutError)        the time limit was exceeded: names the progress
    ├── StorageError (OSError)               an operating-system error: disk full, permission, I/O error
    ├── ShardUnavailableError (ConnectionError)  shards on other machines cannot be reached
    ├── ServiceError (OSError)               a service cannot be reached, refuses, or sends an invalid response
    └── MissingExtraError (ImportError)      an optional dependency is not installed: names the extra

Each message names what was found, what was expected and what to do.
The native core raises the same classes and otherwise only `MemoryError`.
"""

from __future__ import annotations


class InfgramError(Exception):
    """Base of all errors of this package."""


class QueryError(InfgramError, ValueError):
    """Invalid query or argument: a token id outside the vocabulary, a wrong type, an empty search."""


class CursorError(QueryError):
    """Invalid cursor: malformed, altered, or from another query or index."""


class InputError(InfgramError, ValueError):
    """A corpus cannot be read; the message names the file, the line and the reason."""


class TokenizerError(InfgramError, ValueError):
    """A tokenizer cannot be found, loaded or trained, or is not the one that an index was built with."""


class IndexNotFoundError(InfgramError, FileNotFoundError):
    """The path does not exist or holds no finished index."""


class IndexExistsError(InfgramError, FileExistsError):
    """The output path exists, or another build is writing there."""


class IndexDamagedError(InfgramError, OSError):
    """The files of an index are inconsistent: truncated, altered, swapped or missing."""


class IndexVersionError(InfgramError, OSError):
    """The index has a format version or a suffix order that this version of infgram cannot read."""


class IndexChangedError(InfgramError, ValueError):
    """The index is not at the generation that a change expects; the message names both."""


class IndexClosedError(InfgramError, ValueError):
    """The index was closed before the query."""


class TimeLimitError(InfgramError, TimeoutError):
    """The time limit was exceeded; the message names the progress so far."""


class StorageError(InfgramError, OSError):
    """The operating system could not read or write: disk full, no permission, I/O error."""


class ShardUnavailableError(InfgramError, ConnectionError):
    """Shards on other machines cannot be reached; inside `infgram.partial_answers` queries continue without them."""


class ServiceError(InfgramError, OSError):
    """A service cannot be reached, is too busy or refuses this client, or the peer is not an infgram service."""


class MissingExtraError(InfgramError, ImportError):
    """A feature needs an optional dependency; the message names the extra that installs it."""
