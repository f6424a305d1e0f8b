"""The contexts met in an index, shared by all models of that index in this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from weakref import WeakKeyDictionary

from infgram import _core
from infgram.arguments import callback, checked_threads
from infgram.errors import QueryError
from infgram.index import Index, checked_index
from infgram.types import Query

MEMORY_BYTES: Final = 512 * 2**20
"""What the contexts of one index may take, about; they are forgotten and read again beyond that."""

FEW_PLACES: Final = 32
"""Contexts of so many occurrences or fewer are read place by place and not kept."""

_trees: WeakKeyDictionary[Index, _core.ContextTree] = WeakKeyDictionary()


def contexts_of(index: Index) -> _core.ContextTree:
    """The tree of contexts of an open index; made on first use.

    Raises:
        IndexClosedError: the index was closed.
        QueryError: its files are not on this machine.
    """
    core = checked_index(index)._core
    if not isinstance(core, _core.Index):
        raise QueryError(f"{index!r} is on other machines; a language model needs its files: infgram.open(PATH)")
    if index not in _trees:
        _trees[index] = _core.ContextTree(core, MEMORY_BYTES, FEW_PLACES)
    return _trees[index]


def tokens_of(index: Index, query: Query) -> Any:
    """What the core takes of an open index: token ids, which it checks.

    Raises:
        IndexClosedError: the index was closed.
    """
    _ = checked_index(index)._core
    return index._tokens(query)


def survey(index: Index, *, threads: int | None = None, progress: Callable[[int, int], None] | None = None) -> None:
    """Count the n-grams that Kneser–Ney discounts are estimated from, unless that was done for this index.

    O(n): a pass over the whole index, about 0.1 µs a token and core. A model that needs it does it by itself.

    Args:
        index: an open index.
        threads: worker threads; all cores without it.
        progress: called now and then with the tokens done and the tokens in all.
    """
    callback(progress, "progress")
    n_threads = checked_threads(threads)
    n_tokens = checked_index(index).n_tokens
    contexts_of(index).survey(n_threads, None if progress is None else lambda n_done: progress(n_done, n_tokens))
