"""The interface of tokenizers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from infgram.tokenizers.segments import Segments
from infgram.tokenizers.token_bytes import TokenBytes
from infgram.types import Int64Array


@runtime_checkable
class Tokenizer(Protocol):
    """Converts text to token ids and back.

    A text is encoded exactly as given: no special token is added, text that looks like a special token is plain text,
    and documents and queries are encoded in the same way. Tokenizers are immutable and thread-safe.
    """

    @property
    def kind(self) -> str:
        """`"bytes"` or `"huggingface"`: the argument of `load_saved`."""

    @property
    def vocab_size(self) -> int:
        """The size of the vocabulary; valid token ids are 0 to `vocab_size - 1`."""

    @property
    def fingerprint(self) -> str:
        """The SHA-256 in hexadecimal of the parts of the definition that determine the ids of a text.

        Tokenizers with equal fingerprints give the same ids. They may differ in decoding, and in the ids of special
        tokens, which encoding never returns.
        """

    @property
    def digest(self) -> str:
        """The SHA-256 in hexadecimal of the whole definition that `save` writes."""

    @property
    def is_lossless(self) -> bool:
        """Whether `decode(encode(text)) == text` is known to hold for every text."""

    @property
    def end_of_text_id(self) -> int | None:
        """The id of the special token that ends a text, such as `<|endoftext|>` or `</s>`; None if there is none."""

    def encode(self, text: str) -> Int64Array:
        """Return the token ids of a text.

        Raises:
            QueryError: `text` is not a string, or contains a lone surrogate, which UTF-8 cannot encode.
        """

    def encode_batch(self, texts: Sequence[str]) -> tuple[npt.NDArray[np.uint32], Int64Array]:
        """Return the concatenated token ids of all texts, and the number of tokens of each text.

        The ids of each text are those of `encode`.

        Raises:
            QueryError: as for `encode`; the message includes the number of the text in the batch.
        """

    def encode_with_offsets(self, text: str) -> tuple[Int64Array, Int64Array]:
        """Return the token ids of a text as `encode` does, and the range of characters of each token.

        Returns:
            The ids, and int64 of shape (n, 2): token i represents `text[start:end]`. Both columns are ascending. If a
            character is split, the range of each token with a part of it includes the character.

        Raises:
            QueryError: as for `encode`.
        """

    def decode(self, token_ids: Sequence[int] | npt.NDArray[np.integer]) -> str:
        """Return the text of token ids; bytes that are not valid UTF-8 (a part of a character) become U+FFFD.

        Raises:
            QueryError: an id is not in the vocabulary.
        """

    def tokens(self, token_ids: Sequence[int] | npt.NDArray[np.integer]) -> list[str]:
        r"""Return each token for display; bytes that are not a complete character are written like `\xe2`.

        Raises:
            QueryError: an id is not in the vocabulary.
        """

    def token_bytes(self) -> TokenBytes | None:
        """Return the bytes of each vocabulary entry, if every decoded text is the concatenated bytes of its tokens.

        An unassigned id below `vocab_size` has no bytes. The result is None for other tokenizers, such as WordPiece and
        sentencepiece, which insert or remove spaces between tokens.
        """

    def segments(self) -> Segments | None:
        """Return the decoder of segments of a sequence; None if the text of a token may depend on any other token."""

    def save(self, folder: Path) -> None:
        """Write the files that `load_saved` needs into `folder`."""
