"""Search the documents of a corpus for pieces of normalized text, in one pass over all documents.

Some overlap rules of the literature count words or characters of texts without case, punctuation or spaces. A suffix
array of tokens does not support this search, since one word has many tokenizations. Therefore the pieces of all items
are collected first; each document is then read once, normalized in the same way, and searched for all pieces at once.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Final, NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from infgram.index import Index
from infgram.types import Int64Array
from infgram.watch import Watch

Piece: TypeAlias = "tuple[str, ...]"
"""Consecutive units: words or characters."""

_CHUNK: Final = re.compile(r"\S+")
_VARIATION_SELECTORS: Final = frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)

_Hashes: TypeAlias = npt.NDArray[np.uint64]


class Unit(Protocol):
    """The unit that a rule counts."""

    def units(self, text: str) -> list[str]:
        """Return the normalized units of a text."""

    def places(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield the range `[start, end)` of characters of the text that each unit comes from."""


class Words:
    """Words: runs without white space, in NFC and lower case, reduced to letters, digits and marks; never empty."""

    def units(self, text: str) -> list[str]:
        """Return the words."""
        return [word for chunk in text.split() if (word := _word(chunk))]

    def places(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield the range of each word's run."""
        return (chunk.span() for chunk in _CHUNK.finditer(text) if _word(chunk[0]))


class Characters:
    """Characters: the letters, digits and marks of a text in NFC."""

    def units(self, text: str) -> list[str]:
        """Return the characters."""
        return list(_letters_only(unicodedata.normalize("NFC", text)))

    def places(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield the range of each character; if NFC changes a letter and its marks, the range of all of these."""
        end = 0
        while end < len(text):
            start, end = end, end + 1
            while end < len(text) and _may_join(text[end]):
                end += 1
            group = text[start:end]
            composed = unicodedata.normalize("NFC", group)
            for position, character in enumerate(composed, start):
                if _letters_only(character):
                    yield (position, position + 1) if composed == group else (start, end)


class Place(NamedTuple):
    """An occurrence of a piece: the characters `[start, end)` of a document's text."""

    document_id: int
    start: int
    end: int


def find_pieces(index: Index, pieces: Iterable[Piece], unit: Unit, watch: Watch) -> dict[Piece, Place]:
    """Return the first occurrence of each piece that occurs in the corpus.

    Method: the units of all pieces are numbered; a document becomes a sequence of these numbers, with -1 for any other
    unit. For each length of pieces, the hash of every run of that length is looked up among the hashes of the pieces;
    runs with equal hashes are compared.

    Cost: documents are decoded and read until all pieces are found, at about a million words per second on one core,
    independently of the number of pieces. Memory: the pieces and one document.

    Args:
        index: the corpus; it must have a tokenizer.
        pieces: non-empty tuples of units.
        unit: the kind of unit, which defines the normalization.
        watch: receives the progress after each document.
    """
    wanted = _by_length(pieces)
    distinct = {each for of_length in wanted.values() for piece in of_length for each in piece}
    numbers = {each: number for number, each in enumerate(distinct)}
    tables = {length: _table(of_length, numbers) for length, of_length in wanted.items()}
    found: dict[Piece, Place] = {}
    for number, document_id in enumerate(index.document_ids()):
        if not tables:
            break
        watch.report("read", number, index.n_documents, "documents")
        text = index.tokenizer.decode(index.document_tokens(document_id))
        units = unit.units(text)
        ids = np.array([numbers.get(each, -1) for each in units], dtype=np.int64)
        new = {}
        for length, hashes in tables.items():
            for start in _members(_hashes(ids, length), hashes):
                piece = tuple(units[start : start + length])
                if piece in wanted[length] and piece not in new:
                    new[piece] = start
        if new:
            places = list(unit.places(text))
            for piece, start in new.items():
                found[piece] = Place(document_id, places[start][0], places[start + len(piece) - 1][1])
                wanted[len(piece)].remove(piece)
            for length in {len(piece) for piece in new}:
                if not wanted[length]:
                    del tables[length]
                elif 2 * len(wanted[length]) <= len(tables[length]):
                    tables[length] = _table(wanted[length], numbers)
    return found


def _word(chunk: str) -> str:
    return _letters_only(unicodedata.normalize("NFC", chunk).lower())


def _letters_only(text: str) -> str:
    """Return the letters, digits and combining marks, such as the vowel signs of Hindi, without variation selectors."""
    return text if text.isalnum() else _others().sub("", text)


@cache
def _others() -> re.Pattern[str]:
    """Return a pattern of the characters that normalization removes."""
    marks = (character for character in map(chr, range(sys.maxunicode + 1)) if _is_mark(character))
    return re.compile(f"(?:(?![{''.join(marks)}])[\\W_])+")


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "M" and character not in _VARIATION_SELECTORS


def _may_join(character: str) -> bool:
    """Return whether NFC may join the character to the one before: marks, and later letters of a Hangul syllable."""
    return unicodedata.category(character)[0] == "M" or "\u1160" <= character <= "\u11ff"


def _by_length(pieces: Iterable[Piece]) -> Mapping[int, set[Piece]]:
    wanted: dict[int, set[Piece]] = {}
    for piece in pieces:
        wanted.setdefault(len(piece), set()).add(piece)
    return wanted


def _table(pieces: Iterable[Piece], numbers: Mapping[str, int]) -> _Hashes:
    """Return the hashes of pieces of one length, ascending."""
    ids = np.array([[numbers[each] for each in piece] for piece in pieces], dtype=np.int64)
    return np.unique(_sums(_mixed(ids.T), len(ids)))


def _members(hashes: _Hashes, table: _Hashes) -> list[int]:
    """Return the positions of the hashes that are in the table, which is ascending and not empty."""
    nearest = np.minimum(np.searchsorted(table, hashes), len(table) - 1)
    positions: list[int] = np.flatnonzero(table[nearest] == hashes).tolist()
    return positions


def _hashes(ids: Int64Array, length: int) -> _Hashes:
    """Return the hash of each run of `length` ids."""
    n = len(ids) - length + 1
    if n <= 0:
        return np.empty(0, dtype=np.uint64)
    mixed = _mixed(ids)
    return _sums([mixed[k : k + n] for k in range(length)], n)


def _mixed(ids: Int64Array) -> _Hashes:
    """Return the ids with their bits mixed."""
    mixed: _Hashes = (ids.astype(np.uint64) + np.uint64(1)) * _FACTOR
    mixed ^= mixed >> np.uint64(29)
    return mixed


def _sums(columns: Iterable[_Hashes], n: int) -> _Hashes:
    """Return the polynomial hash modulo 2^64 of each of `n` rows, which are given by columns."""
    sums = np.zeros(n, dtype=np.uint64)
    for column in columns:
        sums *= _FACTOR
        sums += column
    return sums
