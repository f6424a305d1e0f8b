"""The tokenizer of an index behind a service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from infgram.client import calls
from infgram.client.calls import Call
from infgram.errors import TokenizerError
from infgram.reprs import ShortRepr
from infgram.types import Int64Array


class RemoteTokenizer(ShortRepr):
    """A tokenizer that runs in the service; each method call is a request.

    Attributes:
        kind: `"bytes"` or `"huggingface"`.
        fingerprint: the SHA-256 of everything that determines the token ids of a text.
        vocab_size: the size of the vocabulary; token ids are 0 to `vocab_size - 1`.
    """

    _repr_fields = ("kind", "vocab_size", "fingerprint")

    def __init__(self, ask: Callable[[Call[Any]], Any], info: Mapping[str, Any]) -> None:
        """Use `Client.tokenizer`.

        Raises:
            TokenizerError: the index has no tokenizer.
        """
        if info["tokenizer"] is None:
            raise TokenizerError(
                f"{info['name']} was built from token ids and has no tokenizer; use token ids in queries"
            )
        self._ask = ask
        self.kind, self.fingerprint = str(info["tokenizer"]["kind"]), str(info["tokenizer"]["fingerprint"])
        self.vocab_size = int(info["vocab_size"])

    def encode(self, text: str) -> Int64Array:
        """Encode a text."""
        token_ids: Int64Array = self._ask(calls.tokenize(text))
        return token_ids

    def decode(self, token_ids: Sequence[int] | npt.NDArray[np.integer[Any]]) -> str:
        """Decode token ids."""
        text: str = self._ask(calls.detokenize(token_ids))
        return text

    def tokens(self, token_ids: Sequence[int] | npt.NDArray[np.integer[Any]]) -> list[str]:
        """Return the text of each token, for display."""
        shown: list[str] = self._ask(calls.tokens(token_ids))
        return shown
