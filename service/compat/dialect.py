r"""Text and tokens as the public API writes them, for the tokenizers of our indexes.

It prepends a space to a query unless the tokenizer does so itself, shows tokens as written in the vocabulary (`Ġof`,
`▁of`), gives the end of a document the tokenizer's own id, and reads `\xNN` as a byte if the tokens are bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

import infgram

from ..indexes import ServedIndex
from .requests import PublicError


class Dialect(Protocol):
    """The operations of the public API on a tokenizer."""

    @property
    def end_of_text_id(self) -> int:
        """The token id of the end of a document."""

    def encode(self, text: str) -> list[int]:
        """Return the token ids of a query."""

    def decode(self, token_ids: Sequence[int]) -> str:
        """Return the text of a part of a document."""

    def tokens(self, token_ids: Iterable[int]) -> list[str]:
        """Return each token as written in the vocabulary."""


class BytesDialect:
    """Bytes are the tokens; the end of a document is the byte 0."""

    end_of_text_id: Final = 0

    def encode(self, text: str) -> list[int]:
        r"""Return the UTF-8 bytes; `\xNN` is one byte."""
        pieces = re.split(r"\\x([0-9a-fA-F]{2})", text)
        return [byte for n, piece in enumerate(pieces) for byte in ([int(piece, 16)] if n % 2 else piece.encode())]

    def decode(self, token_ids: Sequence[int]) -> str:
        r"""Decode UTF-8, with `\xNN` for invalid bytes and control characters."""
        text = bytes(token_ids).decode("utf-8", errors="backslashreplace")
        return re.sub(r"[\x00-\x08\x0b-\x1f]", lambda found: f"\\x{ord(found[0]):02x}", text)

    def tokens(self, token_ids: Iterable[int]) -> list[str]:
        """Return the character with the code of each byte."""
        return [chr(token_id) for token_id in token_ids]


class HuggingFaceDialect:
    """A tokenizer of the package `tokenizers`, by its definition."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._definition: dict[str, Any] = json.loads(tokenizer.definition)

    @property
    def end_of_text_id(self) -> int:
        """The id of the tokenizer's end-of-text token; −1 if there is none."""
        token_id: int | None = self._tokenizer.end_of_text_id
        return infgram.END_OF_DOCUMENT if token_id is None else token_id

    def encode(self, text: str) -> list[int]:
        """Encode the text after a space; a token of the space alone is removed."""
        written = f" {text}" if text and self._wants_space else text
        token_ids: list[int] = self._tokenizer.encode(written).tolist()
        return token_ids[1:] if token_ids and self._pieces.get(token_ids[0]) == "▁" else token_ids

    def decode(self, token_ids: Sequence[int]) -> str:
        """Decode with the tokenizer itself."""
        text: str = self._tokenizer.decode(token_ids)
        return text

    def tokens(self, token_ids: Iterable[int]) -> list[str]:
        """Return the entry of the vocabulary."""
        return [self._pieces.get(token_id, "") for token_id in token_ids]

    @cached_property
    def _wants_space(self) -> bool:
        """Whether it is a byte-level BPE that does not add the space itself."""
        is_byte_level = '"ByteLevel"' in json.dumps(self._definition.get("decoder"))
        return is_byte_level and '"add_prefix_space": true' not in json.dumps(self._definition.get("pre_tokenizer"))

    @cached_property
    def _pieces(self) -> dict[int, str]:
        vocabulary = self._definition["model"]["vocab"]
        if isinstance(vocabulary, dict):
            pieces = {token_id: piece for piece, token_id in vocabulary.items()}
        else:  # Unigram: pieces with their scores, in the order of their ids
            pieces = {token_id: piece for token_id, (piece, _) in enumerate(vocabulary)}
        return pieces | {token["id"]: token["content"] for token in self._definition.get("added_tokens") or []}


class IdsDialect:
    """An index of token ids, without text."""

    end_of_text_id: Final = infgram.END_OF_DOCUMENT

    def encode(self, text: str) -> list[int]:
        """Refuse text.

        Raises:
            PublicError: the text is not empty.
        """
        if text:
            raise PublicError("This index has no tokenizer; use query_ids!")
        return []

    def decode(self, token_ids: Sequence[int]) -> str:
        """Return an empty text."""
        return ""

    def tokens(self, token_ids: Iterable[int]) -> list[str]:
        """Return an empty text for each token."""
        return ["" for _ in token_ids]


_DIALECTS: WeakKeyDictionary[ServedIndex, Dialect] = WeakKeyDictionary()


def dialect_of(served: ServedIndex) -> Dialect:
    """Return the dialect of an index, created once."""
    if served not in _DIALECTS:
        _DIALECTS[served] = _create(served)
    return _DIALECTS[served]


def _create(served: ServedIndex) -> Dialect:
    if not served.has_tokenizer:
        return IdsDialect()
    tokenizer = served.index.tokenizer
    return BytesDialect() if tokenizer.kind == "bytes" else HuggingFaceDialect(tokenizer)
