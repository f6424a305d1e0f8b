"""What a change of an index did."""

from __future__ import annotations

from dataclasses import dataclass

from infgram.files.manifest import SkippedEntry
from infgram.reprs import ShortRepr


@dataclass(frozen=True)
class Addition(ShortRepr):
    """The documents that were added to an index.

    Attributes:
        generation: the generation of the new state.
        first_document: the number of the first added document; the others follow.
        n_documents: the number of added documents.
        n_tokens: the number of their tokens.
        skipped: the input that was skipped because it could not be read, as in `Index.skipped`.
    """

    generation: int
    first_document: int
    n_documents: int
    n_tokens: int
    skipped: tuple[SkippedEntry, ...]


@dataclass(frozen=True)
class Deletion(ShortRepr):
    """The documents that were deleted from an index.

    Attributes:
        generation: the generation of the new state.
        n_documents: the number of deleted documents.
        n_tokens: the number of their tokens.
        not_found: the given ids or document numbers that no document has.
        is_purged: whether the text of the documents was removed from the disk.
    """

    generation: int
    n_documents: int
    n_tokens: int
    not_found: tuple[int | str, ...]
    is_purged: bool


@dataclass(frozen=True)
class Compaction(ShortRepr):
    """The result of compacting an index.

    Attributes:
        generation: the generation of the new state; that of the index as it was if there was nothing to compact.
        n_documents: the number of documents.
        n_tokens: the number of tokens.
        n_shards: the number of shards.
        freed_bytes: the bytes on disk by which the index shrank; negative if it grew.
        is_changed: False if there was nothing to compact: nothing was written, and the index has its state before.
    """

    generation: int
    n_documents: int
    n_tokens: int
    n_shards: int
    freed_bytes: int
    is_changed: bool
