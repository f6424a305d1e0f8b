"""Whether a tokenizer is the one that made the tokens of an index that does not say so."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

import numpy as np

from infgram.engine import Engine
from infgram.errors import InputError, TokenizerError
from infgram.tokenizers import Tokenizer
from infgram.types import Int64Array

_DOCUMENTS_READ: Final = 64
_TOKENS_READ: Final = 256  # of each document
_FEW: Final = 4
"""Tokens that may always differ: a cut text ends with other tokens."""
_ALIKE: Final = 0.98
"""The share of tokens that encoding gives back, at least: close to 1 with the right tokenizer, about 0.96 for reversed
documents, and below 0.94 for any other tokenizer (measured on English prose, law and technical text)."""


def check_tokenizer(core: Engine, tokenizer: Tokenizer, folder: Path) -> None:
    """Decode the beginnings of some documents, encode them again and compare the tokens.

    Raises:
        TokenizerError: the tokens differ.
        InputError: they differ, but not if the documents are read backwards.
    """
    documents = np.unique(np.linspace(0, core.n_documents - 1, min(core.n_documents, _DOCUMENTS_READ)).astype(np.int64))
    samples = [core.read_window(document, 0, _TOKENS_READ) for document in documents.tolist()]
    share = _share_given_back(tokenizer, samples)
    if share >= _ALIKE:
        return
    if _share_given_back(tokenizer, [sample[::-1] for sample in samples]) > max(share, _ALIKE):
        raise InputError(
            f"{folder} holds documents with their tokens in reverse order (an index of infini-gram's version 5, or "
            "built with --reversed); infgram reads only forward indexes: build it with --version 4, or without "
            "--reversed"
        )
    raise TokenizerError(
        f"{folder}: the given tokenizer is not the one that the index was built with: of the tokens of its documents, "
        f"encoding their text gives only {share:.0%}; give the right one, or none to query with token ids"
    )


def _share_given_back(tokenizer: Tokenizer, samples: list[Int64Array]) -> float:
    n_tokens = n_different = 0
    for sample in samples:
        again = Counter(tokenizer.encode(tokenizer.decode(sample)).tolist())
        n_same = sum((Counter(sample.tolist()) & again).values())
        n_all = max(len(sample), again.total())
        n_tokens += n_all
        n_different += n_all - n_same
    return 1.0 if n_different <= _FEW else 1 - n_different / n_tokens
