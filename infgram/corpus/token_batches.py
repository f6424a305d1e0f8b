"""What pre-tokenised files yield: token ids end to end, whole documents or pieces of very long ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from infgram.errors import InputError
from infgram.types import Int64Array


@dataclass(frozen=True)
class TokenBatch:
    """Whole documents, or one piece of a document that is longer than a batch.

    Attributes:
        token_ids: uint32, of all documents end to end.
        lengths: int64, the tokens of each document.
        continues: the batch is one further piece of the document with which the batch before ended.
    """

    token_ids: npt.NDArray[np.uint32]
    lengths: Int64Array
    continues: bool = False

    @classmethod
    def piece(cls, token_ids: npt.NDArray[np.uint32], *, continues: bool) -> TokenBatch:
        """A single piece."""
        return cls(token_ids, np.array([len(token_ids)], dtype=np.int64), continues)


def join_pieces(batches: Iterable[TokenBatch]) -> Iterator[TokenBatch]:
    """The same batches with long documents whole; memory for the longest document."""
    held: list[TokenBatch] = []
    for batch in batches:
        if held and not batch.continues:
            yield _joined(held)
            held = []
        held.append(batch)
    if held:
        yield _joined(held)


def _joined(pieces: list[TokenBatch]) -> TokenBatch:
    if len(pieces) == 1:
        return pieces[0]
    return TokenBatch.piece(np.concatenate([piece.token_ids for piece in pieces]), continues=False)


def checked_ids(
    stored: npt.NDArray[Any],
    first: int,
    place: str,
    vocab_size: int,
    is_token: npt.NDArray[np.bool_] | None = None,
) -> npt.NDArray[np.uint32]:
    """A copy of stored ids as uint32.

    Args:
        stored: integers of any width, as they lie in the file.
        first: the position in the file of the first, for messages.
        place: the file, for messages.
        vocab_size: ids go from 0 to `vocab_size - 1`.
        is_token: which of them to take; None for all.

    Raises:
        InputError: an id is outside the vocabulary.
    """
    taken = stored if is_token is None else stored[is_token]
    if taken.size and (int(taken.max()) >= vocab_size or int(taken.min()) < 0):
        outside = (stored >= vocab_size) | (stored < 0)
        at = int(np.flatnonzero(outside if is_token is None else outside & is_token)[0])
        raise InputError(
            f"{place}: the token at position {first + at} is {int(stored[at])}; ids go from 0 to {vocab_size - 1}; "
            f"is the vocabulary right, and {stored.dtype} the type of the file?"
        )
    return taken.astype(np.uint32)
