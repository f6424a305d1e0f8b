"""Pages of the documents found, in an order that stays, and the cursor between two pages."""

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

_PLACE_BYTES: Final = 8
_DIGEST_BYTES: Final = 16


def order_of(document_ids: Int64Array, seed: int | None) -> UInt64Array:
    """What the documents are sorted by: their numbers or, with a seed, pseudo-random priorities, all different.

    The priorities are splitmix64's (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014). The
    first documents in their order are a uniform sample, whatever the shards.
    """
    keys = document_ids.astype(np.uint64)
    if seed is None:
        return keys
    keys += np.uint64((seed * 0x9E3779B97F4A7C15 + 1) % 2**64)
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(keys ^ (keys >> np.uint64(31)), dtype=np.uint64)


def page_of(keys: UInt64Array, after: int | None, limit: int) -> tuple[Int64Array, bool]:
    """The places of the `limit` smallest keys above `after`, ascending, and whether there are more. O(n)."""
    left = np.arange(len(keys)) if after is None else np.flatnonzero(keys > np.uint64(after))
    has_more = len(left) > limit
    if has_more:
        left = left[np.argpartition(keys[left], limit)[:limit]]
    return left[np.argsort(keys[left])], has_more


class Cursors:
    """Writes and reads the cursors of one question to one index.

    A cursor is the key of the last document shown and a digest of key, question and index.

    Args:
        question: whatever decides which documents come in which order; its `repr` is compared.
    """

    def __init__(self, question: Any) -> None:
        self._question = repr(question).encode()

    def write(self, key: int) -> str:
        """The cursor behind the document with this key."""
        place = key.to_bytes(_PLACE_BYTES, "little")
        return base64.urlsafe_b64encode(place + self._digest(place)).decode()

    def read(self, cursor: str) -> int:
        """The key that the cursor holds.

        Raises:
            CursorError: it is no cursor, was altered, or belongs to another question or index.
        """
        try:
            content = base64.b64decode(cursor, altchars=b"-_", validate=True)
        except (TypeError, ValueError, binascii.Error):
            content = b""
        place = content[:_PLACE_BYTES]
        if len(place) < _PLACE_BYTES or content[_PLACE_BYTES:] != self._digest(place):
            raise CursorError(
                f"the cursor {cursor!r} was altered, or belongs to another question or index; expected the cursor of "
                "the page before, with the same query, scope, filters and seed (leave it out for the first page)"
            )
        return int.from_bytes(place, "little")

    def _digest(self, place: bytes) -> bytes:
        return hashlib.blake2b(place + self._question, digest_size=_DIGEST_BYTES).digest()
