"""What every tokenizer can do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from infgram.tokenizers.token_bytes import TokenBytes
from infgram.types import Int64Array


@runtime_checkable
class Tokenizer(Protocol):
    """Text to token ids and back.

    Text is encoded exactly as it stands: no special token is added, text that looks like a special token
    is plain text, and documents and queries are encoded alike.
    A tokenizer never changes after it is made and may be used by any number of threads.
    """

    @property
    def kind(self) -> str:
        """`"bytes"` or `"huggingface"`: the name under which `load_saved` finds it again."""

    @property
    def vocab_size(self) -> int:
        """Valid token ids are 0 .. vocab_size - 1."""

    @property
    def fingerprint(self) -> str:
        """SHA-256, in hexadecimal, of what decides the ids of a text: tokenizers with equal ones encode alike.

        The numbers of special tokens, which no text has, and how ids are decoded, may differ.
        """

    @property
    def digest(self) -> str:
        """SHA-256, in hexadecimal, of the whole definition that `save` writes."""

    @property
    def is_lossless(self) -> bool:
        """Whether `decode(encode(text)) == text` is certain for every text; False where it is not known."""

    def encode(self, text: str) -> Int64Array:
        """The token ids of a text.

        Raises:
            QueryError: `text` is not a string or holds a lone surrogate, which UTF-8 cannot carry.
        """

    def encode_batch(self, texts: Sequence[str]) -> tuple[npt.NDArray[np.uint32], Int64Array]:
        """The token ids of all texts end to end, and the number of tokens of each text.

        The ids are those of `encode`, text by text.

        Raises:
            QueryError: as `encode`; the message gives the text's place in the batch.
        """

    def encode_with_offsets(self, text: str) -> tuple[Int64Array, Int64Array]:
        """The token ids of a text as `encode` gives them, and which characters each stands for.

        Returns:
            The ids, and int64 of shape (n, 2): token i stands for `text[start:end]`. Both columns ascend. Tokens
            that share a character, because it is cut in two, all cover it.

        Raises:
            QueryError: as `encode`.
        """

    def decode(self, token_ids: Sequence[int] | npt.NDArray[np.integer]) -> str:
        """The text of token ids; bytes that are no valid UTF-8 (a character cut in two) become U+FFFD.

        Raises:
            QueryError: an id is not in the vocabulary.
        """

    def tokens(self, token_ids: Sequence[int] | npt.NDArray[np.integer]) -> list[str]:
        r"""Each id alone, for people to read: bytes that are no whole character are written like `\xe2`.

        Raises:
            QueryError: an id is not in the vocabulary.
        """

    def token_bytes(self) -> TokenBytes | None:
        """The bytes of each vocabulary entry, if every decoded text is those of its tokens, end to end.

        A number below `vocab_size` that no token has stands for no bytes. None where texts are made otherwise: with
        spaces put between tokens or taken away, as WordPiece and sentencepiece do.
        """

    def save(self, folder: Path) -> None:
        """Write into `folder` what `load_saved` needs."""
