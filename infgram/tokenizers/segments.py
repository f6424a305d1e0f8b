"""Decode segments of a token sequence to the same text as in the whole sequence."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from infgram.tokenizers.byte_level import steps_of
from infgram.tokenizers.token_bytes import TokenBytes
from infgram.types import Int64Array

_OF_TOKENS: Final = frozenset({"ByteFallback", "Metaspace", "Replace", "Strip", "WordPiece"})
"""Decoders that change each token, or each run of byte tokens, by itself; some treat the first token differently."""

_BYTE_TOKEN: Final = re.compile(r"<0x..>", re.DOTALL)
"""A token that the decoder `ByteFallback` may take for a byte, together with the byte tokens beside it."""

_OF_THE_START: Final = frozenset({"Metaspace", "WordPiece"})

BoolArray = npt.NDArray[np.bool_]


class Segments:
    """Decodes a segment of a token sequence, and says where a sequence can be cut.

    A sequence can be cut where the text on either side does not depend on the tokens of the other side: not inside a
    character, nor inside a run of byte tokens.
    """

    def __init__(
        self, decode: Callable[[Int64Array], str], lengths: Int64Array, begins: BoolArray, *, anchor: int | None
    ) -> None:
        """Describe the tokens of a vocabulary.

        Args:
            decode: decodes a sequence.
            lengths: the number of characters of each token inside a sequence; 0 if it depends on other tokens. A
                sequence can be cut after each token with a length.
            begins: whether a sequence can be cut before each token.
            anchor: a token with a length, decoded in front of each segment that does not begin the sequence; None if
                the first token is decoded like any other.
        """
        self._decode, self._lengths, self._begins = decode, lengths, begins
        self._anchor: Int64Array = np.array([] if anchor is None else [anchor], dtype=np.int64)
        self._n_dropped = len(decode(self._anchor))

    @classmethod
    def of_bytes(cls, vocabulary: TokenBytes, decode: Callable[[Int64Array], str]) -> Segments:
        """Return the segments of a tokenizer whose text is the concatenated bytes of its tokens.

        A byte that does not continue a character begins one, also in bytes that are not valid UTF-8.
        """
        begins = vocabulary.lengths > 0
        first = vocabulary.data[vocabulary.starts[:-1][begins]]
        begins[begins] = first & 0xC0 != 0x80
        return cls(decode, np.array([*map(_n_characters, vocabulary.entries)], dtype=np.int64), begins, anchor=None)

    @classmethod
    def of_decoder(
        cls,
        decoder: Mapping[str, Any] | None,
        decode_batch: Callable[[Sequence[Sequence[int]]], list[str]],
        vocabulary: Mapping[str, int],
    ) -> Segments | None:
        """Return the segments of a tokenizer of the package `tokenizers`; None if its decoder looks at other tokens."""
        if not _is_of_tokens(decoder):
            return None
        size = 1 + max(vocabulary.values())
        twice = [*map(len, decode_batch([[token_id] * 2 for token_id in range(size)]))]
        byte_tokens = [token_id for token, token_id in vocabulary.items() if _BYTE_TOKEN.fullmatch(token)]
        anchor = next((token_id for token_id in set(range(size)) - set(byte_tokens) if twice[token_id] > 1), None)
        if anchor is None:
            return None
        pairs = decode_batch([[anchor, token_id] for token_id in range(size)])
        lengths = np.array([*map(len, pairs)], dtype=np.int64) - len(decode_batch([[anchor]])[0])
        lengths[byte_tokens] = 0

        def decode(token_ids: Int64Array) -> str:
            return decode_batch([token_ids.tolist()])[0]

        return cls(decode, lengths, np.zeros(size, dtype=np.bool_), anchor=anchor)

    def decode(self, token_ids: Int64Array, *, is_first: bool) -> str:
        """Return the text of a segment; `is_first` if it begins the sequence. REQUIRES cuts at both ends."""
        if is_first:
            return self._decode(token_ids)
        return self._decode(np.concatenate((self._anchor, token_ids)))[self._n_dropped :]

    def n_characters(self, token_ids: Int64Array, *, is_first: bool) -> int:
        """Return the length of `decode`, without decoding if no token depends on others."""
        lengths = self._lengths[token_ids]
        if (lengths == 0).any() or (is_first and len(self._anchor)):
            return len(self.decode(token_ids, is_first=is_first))
        return int(lengths.sum())

    def cuts(self, token_ids: Int64Array) -> Int64Array:
        """Return the offsets, from 1 to n − 1 and ascending, before which a part of a sequence can be cut."""
        can_be_cut = (self._lengths[token_ids[:-1]] > 0) | self._begins[token_ids[1:]]
        return np.flatnonzero(can_be_cut).astype(np.int64) + 1


def _n_characters(entry: bytes) -> int:
    """Return the number of characters in bytes; 0 unless they are whole characters."""
    try:
        return len(entry.decode("utf-8"))
    except UnicodeDecodeError:
        return 0


def _is_of_tokens(decoder: Mapping[str, Any] | None) -> bool:
    """Return whether a decoder changes each token by itself, or the beginning of the text by one character at most."""
    steps = steps_of(decoder)
    types = [str(step.get("type")) for step in steps]
    n_before = types.index("Fuse") if "Fuse" in types else len(steps)
    after = steps[n_before + 1 :]
    strips_one = len(after) <= 1 and all(
        step.get("type") == "Strip" and step.get("start", 0) <= 1 and step.get("stop", 0) == 0 for step in after
    )
    return _OF_TOKENS.issuperset(types[:n_before]) and strips_one and not (after and _OF_THE_START.intersection(types))
