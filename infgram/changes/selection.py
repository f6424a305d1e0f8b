"""The documents that a deletion names: by number, by the metadata field `id`, or by any metadata."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, TypeVar

import numpy as np

from infgram import _core
from infgram.arguments import integer, refusal, several, text, unsigned
from infgram.engine import Engine
from infgram.errors import QueryError
from infgram.files.manifest import DOCUMENT_NUMBERS, ShardEntry
from infgram.provenance import Provenance, StoredMetadata
from infgram.reprs import cut, listed
from infgram.search import checked_where, satisfies
from infgram.shards import document_batches
from infgram.types import BuildProgress, Int64Array, JsonScalar
from infgram.watch import Progress

T = TypeVar("T")

ID: Final = "id"
"""The metadata field that names a document."""

_AT_ONCE: Final = 4096  # documents
_MOST_CHARACTERS: Final = 60
_FOLDER_ID: Final = re.compile(rb"(i|%69)(d|%64)=")
_STORED_ID: Final = re.compile(rb'"id"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+)')
_ESCAPED_NAME: Final = re.compile(rb"\\u006[49]")  # d and i, of the name "id"


class Selection(Protocol):
    """The documents to delete."""

    def in_words(self) -> str:
        """Return what the documents have."""

    def find(self, core: Engine, report: Progress) -> tuple[Int64Array, tuple[int | str, ...]]:
        """Return the numbers of the documents, ascending, and what was named and does not exist."""


def selection_of(
    documents: Iterable[int] | None, ids: Iterable[int | str] | None, where: Mapping[str, JsonScalar] | None
) -> Selection:
    """Check the arguments of a deletion, of which exactly one is given.

    Raises:
        QueryError: none or several are given, or one of them is invalid.
    """
    if sum(argument is not None for argument in (documents, ids, where)) != 1:
        raise QueryError("expected exactly one of documents, ids and where: which documents to delete")
    if documents is not None:
        numbers = several(_ordered(documents), "documents", "document numbers")
        return ByNumber(sorted({unsigned(number, "a document") for number in numbers}))
    if ids is not None:
        return ById([_checked_id(each) for each in several(_ordered(ids), "ids", "texts or integers")])
    filters = checked_where(where or {})
    if not filters:
        raise QueryError("where is empty; expected at least one metadata field with its value")
    return ByMetadata(filters)


def _ordered(values: Iterable[T]) -> Iterable[T]:
    """Return a list of the elements of a set; any other value as it is."""
    return sorted(values, key=str) if isinstance(values, Set) else values


@dataclass(frozen=True)
class ByNumber:
    """Documents by their numbers."""

    numbers: list[int]

    def in_words(self) -> str:
        """See `Selection.in_words`."""
        return f"the number {listed(self.numbers) or 'of an empty list'}"

    def find(self, core: Engine, report: Progress) -> tuple[Int64Array, tuple[int | str, ...]]:
        """See `Selection.find`."""
        found = [number for number in self.numbers if core.document_ids(number, 1).tolist() == [number]]
        return np.array(found, np.int64), tuple(sorted({*self.numbers} - {*found}))


@dataclass(frozen=True)
class ById:
    """Documents by the metadata field `id`.

    The stored bytes of all metadata are searched for the ids, in any form of JSON, and only those that contain one are
    parsed.
    """

    ids: list[int | str]

    def in_words(self) -> str:
        """See `Selection.in_words`."""
        return f"the id {listed(self.ids) or 'of an empty list'}"

    def find(self, core: Engine, report: Progress) -> tuple[Int64Array, tuple[int | str, ...]]:
        """See `Selection.find`."""
        wanted = {str(each) for each in self.ids}
        plain_forms = {form for each in wanted for form in (each.encode(), b'"%b"' % each.encode())}
        numbers, known = [], set()
        for batch in _all_metadata(core, report):
            if not _may_have_id([stored for _, stored in batch], wanted, plain_forms):
                continue
            for number, stored in batch:
                if not _may_have_id([stored], wanted, plain_forms):
                    continue
                found = Provenance.of(stored, number).metadata.get(ID)
                if isinstance(found, str | int) and not isinstance(found, bool) and str(found) in wanted:
                    numbers.append(number)
                    known.add(str(found))
        return np.array(numbers, np.int64), tuple(each for each in self.ids if str(each) not in known)


@dataclass(frozen=True)
class ByMetadata:
    """Documents by their metadata, source and line, as for `Index.search`; all metadata are parsed."""

    where: Mapping[str, JsonScalar]

    def in_words(self) -> str:
        """See `Selection.in_words`."""
        return " and ".join(f"{name}={cut(repr(value), _MOST_CHARACTERS)}" for name, value in self.where.items())

    def find(self, core: Engine, report: Progress) -> tuple[Int64Array, tuple[int | str, ...]]:
        """See `Selection.find`."""
        found = [
            number
            for batch in _all_metadata(core, report)
            for number, stored in batch
            if satisfies(Provenance.of(stored, number).fields(), self.where)
        ]
        return np.array(found, np.int64), ()


def places_in_shard(folder: Path, shard: ShardEntry, numbers: Int64Array) -> Int64Array:
    """Return the places in a shard, from 0, of all its removed documents.

    Args:
        folder: the folder of the shard.
        shard: its entry.
        numbers: the numbers of documents to remove, ascending, which are not removed yet.

    Returns:
        The places of these documents and of those that are removed already, ascending.
    """
    places = numbers - shard.first_document
    if DOCUMENT_NUMBERS in shard.sections:
        numbered = _core.Index([_core.ShardState(folder, shard.first_document, 0, True)])
        places = np.searchsorted(numbered.document_ids(0, shard.n_documents), numbers)
    if shard.removals is None:
        return places
    left = _core.Index([_core.ShardState(folder, 0, shard.removals.generation, False)])
    is_removed = np.ones(shard.n_documents, np.bool_)
    is_removed[left.document_ids(0, shard.n_documents)] = False
    is_removed[places] = True
    return np.flatnonzero(is_removed)


def _checked_id(value: int | str) -> int | str:
    if isinstance(value, str):
        return text(value, "an id")
    if integer(value, "an id").bit_length() > 1024:  # Python prints no integer of thousands of digits
        raise refusal(value, "an id", "an integer of at most 1,024 bits, or a string")
    return value.__index__()


def _all_metadata(core: Engine, report: Progress) -> Iterator[list[tuple[int, StoredMetadata]]]:
    n_read = 0
    for batch in document_batches(core, _AT_ONCE):
        report(BuildProgress("find", n_read, core.n_documents, "documents"))
        n_read += len(batch)
        document_ids = batch.tolist()
        yield list(zip(document_ids, core.document_metadata(document_ids), strict=True))


def _may_have_id(documents: Sequence[StoredMetadata], wanted: set[str], plain_forms: set[bytes]) -> bool:
    """Return False if no document has one of the ids for certain, as its own field or as that of a folder `id=…`.

    `plain_forms` are the wanted ids as JSON integers, and as JSON strings without escapes.
    """
    texts = b"\n".join([metadata for metadata, _, _ in documents])
    values = set(_STORED_ID.findall(texts))
    if not plain_forms.isdisjoint(values) or any(
        _may_denote(value, wanted) for value in values if b"\\" in value or value == b"-0"
    ):
        return True
    if _ESCAPED_NAME.search(texts) is not None:
        return True
    names = b"\n".join({source or metadata for metadata, source, _ in documents})  # the metadata may have the name
    return _FOLDER_ID.search(names) is not None


def _may_denote(value: bytes, wanted: set[str]) -> bool:
    """Return whether a stored value with escapes is a wanted id; True if it is no JSON, which parsing reports."""
    try:
        return str(json.loads(value.decode("utf-8"))) in wanted
    except ValueError:
        return True
