"""The tokenizer of an index that a service has opened."""

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
    """A tokenizer that the service runs; each method sends a request.

    Attributes:
        kind: `"bytes"` or `"huggingface"`.
        fingerprint: SHA-256 of what decides the ids of a text; equal ones encode alike.
        vocab_size: token ids go from 0 to `vocab_size - 1`.
    """

    _repr_fields = ("kind", "vocab_size", "fingerprint")

    def __init__(self, ask: Callable[[Call[Any]], Any], info: Mapping[str, Any]) -> None:
        """Use `Client.tokenizer`.

        Raises:
            TokenizerError: the index holds none.
        """
        if info["tokenizer"] is None:
            raise TokenizerError(f"{info['name']} was built from token ids and holds no tokenizer; ask with token ids")
        self._ask = ask
        self.kind, self.fingerprint = str(info["tokenizer"]["kind"]), str(info["tokenizer"]["fingerprint"])
        self.vocab_size = int(info["vocab_size"])

    def encode(self, text: str) -> Int64Array:
        """The token ids of a text."""
        token_ids: Int64Array = self._ask(calls.tokenize(text))
        return token_ids

    def decode(self, token_ids: Sequence[int] | npt.NDArray[np.integer[Any]]) -> str:
        """The text of token ids."""
        text: str = self._ask(calls.detokenize(token_ids))
        return text

    def tokens(self, token_ids: Sequence[int] | npt.NDArray[np.integer[Any]]) -> list[str]:
        """Each token alone, for people to read."""
        shown: list[str] = self._ask(calls.tokens(token_ids))
        return shown
