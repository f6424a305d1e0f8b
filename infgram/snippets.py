"""The text of a document, read in parts, and snippets: matches located in it, with the text around them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from operator import itemgetter
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from infgram.caching import cached_property
from infgram.engine import Engine
from infgram.tokenizers import Tokenizer
from infgram.types import Int64Array, SearchMatch

_FIRST_STEP: Final = 64
"""The number of tokens that are read first to find a place at which the document can be cut."""

_CHARACTERS_PER_TOKEN: Final = 4
"""Fewer than most texts have, so that not much more is decoded than asked for."""

_PIECE: Final = 1 << 14
"""The number of tokens that are decoded at once, so that other threads can run in between."""


class Part(NamedTuple):
    """A part of a document between two cuts.

    Attributes:
        begin: the offset of its first token.
        end: the offset after its last token.
        text: its text, a slice of the text of the document.
        characters: the characters of the part before each of the requested offsets; a character that is split is not
            counted.
    """

    begin: int
    end: int
    text: str
    characters: dict[int, int]


class DocumentText:
    """The text of a document, of which only what is needed is read and decoded.

    Every part is the slice of the text that decoding the whole document would give. With a tokenizer that has no
    `segments` the only part is the whole document.

    Attributes:
        n_tokens: the length of the document.
    """

    def __init__(self, core: Engine, document_id: int, tokenizer: Tokenizer | None) -> None:
        self._read_window = partial(core.read_window, document_id)
        self._beginning = self._read_window(0, _PIECE)  # most documents are shorter
        is_short = len(self._beginning) < _PIECE
        self.n_tokens = len(self._beginning) if is_short else core.document_length(document_id)
        self._tokenizer = tokenizer
        self._segments = None if tokenizer is None else tokenizer.segments()
        self._known = (0, 0)  # a cut, and the number of characters before it

    def head(self, n_characters: int | None = None) -> str:
        """Return the first characters; None for the whole text."""
        if n_characters is None or self._segments is None:
            return self._whole[1][:n_characters]
        pieces: list[str] = []
        missing, begin = n_characters, 0
        while missing > 0 and begin < self.n_tokens:
            n_tokens = min(max(missing // _CHARACTERS_PER_TOKEN, _FIRST_STEP), _PIECE)
            end = self.cut_after(begin + n_tokens)
            pieces.append(self._decode(self.tokens(begin, end), begin))
            missing, begin = missing - len(pieces[-1]), end
        return "".join(pieces)[:n_characters]

    def part(self, offsets: Iterable[int]) -> Part:
        """Return the smallest part that contains all offsets; those outside the document are moved to its ends."""
        places = {offset: min(max(0, offset), self.n_tokens) for offset in offsets}
        if self._tokenizer is None:
            return Part(0, 0, "", dict.fromkeys(places, 0))
        if self._segments is None:
            (token_ids, text), begin, end, cuts = self._whole, 0, self.n_tokens, {0}
        else:
            begin, end = self.cut_before(min(places.values())), self.cut_after(max(places.values()))
            token_ids = self.tokens(begin, end)
            text, cuts = self._decode(token_ids, begin), {0, *self._segments.cuts(token_ids).tolist()}
        n_before, cut, start = {}, 0, 0
        for place in sorted(set(places.values())):
            piece = self._decode(token_ids[cut : place - begin], begin + cut)
            while not text.startswith(piece, start):
                piece = piece[:-1]
            n_before[place] = start + len(piece)
            if place - begin in cuts:
                cut, start = place - begin, n_before[place]
        return Part(begin, end, text, {offset: n_before[place] for offset, place in places.items()})

    def n_characters(self, cut: int) -> int:
        """Return the number of characters before a cut, such as the begin of a part. Cost: from the last such cut."""
        if self._segments is None:
            return len(self._whole[1]) if cut else 0
        begin, n = self._known if self._known[0] <= cut else (0, 0)
        while begin < cut:
            end = cut if cut - begin <= _PIECE else self.cut_before(begin + _PIECE)
            end = end if end > begin else self.cut_after(begin + _PIECE)
            n += self._segments.n_characters(self.tokens(begin, end), is_first=begin == 0)
            begin = end
        self._known = (cut, n)
        return n

    def tokens(self, begin: int, end: int) -> Int64Array:
        """Return the token ids between two offsets."""
        if end <= len(self._beginning) or len(self._beginning) == self.n_tokens:
            return self._beginning[begin:end]
        return self._read_window(begin, end)

    @cached_property
    def _whole(self) -> tuple[Int64Array, str]:
        if self._tokenizer is None:
            return np.empty(0, dtype=np.int64), ""
        token_ids = self.tokens(0, self.n_tokens)
        return token_ids, self._tokenizer.decode(token_ids)

    def _decode(self, token_ids: Int64Array, begin: int) -> str:
        """Return the text of tokens that begin at a cut."""
        if self._segments is None:
            return "" if self._tokenizer is None else self._tokenizer.decode(token_ids)
        return self._segments.decode(token_ids, is_first=begin == 0)

    def cut_before(self, offset: int) -> int:
        """Return the last cut up to an offset. REQUIRES segments, as `cut_after`."""
        if offset >= self.n_tokens:
            return self.n_tokens
        step = _FIRST_STEP
        while (first := max(0, offset - step)) < offset:
            if len(cuts := self._cuts(first, offset + 1)):
                return int(cuts[-1])
            if first == 0:
                break
            step *= 2
        return 0

    def cut_after(self, offset: int) -> int:
        """Return the first cut from an offset on."""
        step = _FIRST_STEP
        while 0 < offset < self.n_tokens:
            if len(cuts := self._cuts(offset - 1, offset + step)):
                return int(cuts[0])
            offset, step = offset + step, 2 * step
        return min(offset, self.n_tokens)

    def _cuts(self, begin: int, end: int) -> Int64Array:
        """Return the cuts inside `[begin, end)`, without its begin."""
        assert self._segments is not None
        return self._segments.cuts(self.tokens(begin, end)) + begin


def matches_in(
    text: DocumentText, places: Sequence[tuple[int, int, int]], snippet_tokens: int
) -> tuple[SearchMatch, ...]:
    """Return the match at each place (clause, offset and length in tokens) with `snippet_tokens` around it.

    Without a tokenizer there is no text: snippets are empty, and all positions in characters are 0. Cost: reading and
    decoding the snippets, and counting the characters before the last one.
    """
    before = snippet_tokens // 2
    bounds = {
        (offset, length): (offset - before, offset, offset + length, offset + length + snippet_tokens - before)
        for _, offset, length in places
    }
    parts: dict[tuple[int, int], tuple[Part, int]] = {}
    for group in _overlapping(sorted(bounds.items(), key=itemgetter(1))):
        part = text.part(token for _, tokens in group for token in tokens)
        n_before = text.n_characters(part.begin)
        parts.update((place, (part, n_before)) for place, _ in group)

    def match_at(clause: int, offset: int, length: int) -> SearchMatch:
        part, n_before = parts[offset, length]
        start, match_start, match_end, end = (part.characters[token] for token in bounds[offset, length])
        return SearchMatch(
            clause=clause,
            offset=offset,
            length=length,
            match_start=n_before + match_start,
            match_end=n_before + match_end,
            snippet=part.text[start:end],
            snippet_match_start=match_start - start,
            snippet_match_end=match_end - start,
        )

    return tuple(match_at(*place) for place in places)


_Bounds: TypeAlias = tuple[tuple[int, int], tuple[int, int, int, int]]


def _overlapping(bounds: Iterable[_Bounds]) -> Iterator[list[_Bounds]]:
    """Yield groups of bounds whose snippets overlap, from ascending bounds."""
    group: list[_Bounds] = []
    end = 0
    for each in bounds:
        if group and each[1][0] > end:
            yield group
            group = []
        group.append(each)
        end = max(end, each[1][3])
    if group:
        yield group


def first_bytes(characters: str) -> Int64Array:
    """Return the byte offset of each character of a text, and the length in bytes."""
    codes = np.frombuffer(characters.encode("utf-32-le", errors="surrogatepass"), dtype="<u4")
    lengths = 1 + (codes >= 0x80) + (codes >= 0x800) + (codes >= 0x10000)
    lengths[(codes >= 0xDC80) & (codes <= 0xDCFF)] = 1  # an invalid byte
    return np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(lengths, dtype=np.int64)))
