"""Pagination of the matched documents: a stable order, and cursors."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from infgram.errors import CursorError
from infgram.types import Int64Array

UInt64Array = npt.NDArray[np.uint64]

_KEY_BYTES: Final = 8
_DIGEST_BYTES: Final = 16


def order_of(document_ids: Int64Array, seed: int | None) -> UInt64Array:
    """Return the sort keys of documents: their numbers or, with a seed, distinct pseudo-random priorities.

    The priorities are those of splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators",
    2014). The first documents in this order are a uniform sample that does not depend on the shards.
    """
    keys = document_ids.astype(np.uint64)
    if seed is None:
        return keys
    keys += np.uint64((seed * 0x9E3779B97F4A7C15 + 1) % 2**64)
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(keys ^ (keys >> np.uint64(31)), dtype=np.uint64)


def page_of(keys: UInt64Array, after: int | None, limit: int) -> tuple[Int64Array, bool]:
    """Return the positions of the `limit` smallest keys above `after`, ascending, and whether more follow. O(n)."""
    left = np.arange(len(keys)) if after is None else np.flatnonzero(keys > np.uint64(after))
    has_more = len(left) > limit
    if has_more:
        left = left[np.argpartition(keys[left], limit)[:limit]]
    return left[np.argsort(keys[left])], has_more


class Cursors:
    """Encodes and decodes the cursors of one search on one index.

    A cursor consists of the key of the last document on the page and a digest of the key, the search and the index.

    Args:
        question: the values that determine the documents and their order; compared by `repr`.
    """

    def __init__(self, question: Any) -> None:
        self._question = repr(question).encode()

    def write(self, key: int) -> str:
        """Return the cursor after the document with a key."""
        position = key.to_bytes(_KEY_BYTES, "little")
        return base64.urlsafe_b64encode(position + self._digest(position)).decode()

    def read(self, cursor: str) -> int:
        """Return the key in a cursor.

        Raises:
            CursorError: the cursor is malformed, altered, or from another search or index.
        """
        try:
            content = base64.b64decode(cursor, altchars=b"-_", validate=True)
        except (TypeError, ValueError, binascii.Error):
            content = b""
        position = content[:_KEY_BYTES]
        if len(position) < _KEY_BYTES or content[_KEY_BYTES:] != self._digest(position):
            raise CursorError(
                f"the cursor {cursor!r} was altered, or belongs to another search or index; expected the cursor of the "
                "previous page of the same query, scope, filters and seed (leave it out for the first page)"
            )
        return int.from_bytes(position, "little")

    def _digest(self, position: bytes) -> bytes:
        return hashlib.blake2b(position + self._question, digest_size=_DIGEST_BYTES).digest()
