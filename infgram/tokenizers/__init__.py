"""Tokenizers: raw bytes, any Hugging Face tokenizer, or a BPE trained on the corpus.

The package `tokenizers` is imported only when a tokenizer of that kind is created.
"""

from __future__ import annotations

import os

from infgram.errors import TokenizerError
from infgram.tokenizers.bulk import bulk_encoder
from infgram.tokenizers.huggingface import HuggingFaceTokenizer
from infgram.tokenizers.limited import EncodeBatch, limited
from infgram.tokenizers.loading import load
from infgram.tokenizers.protocol import Tokenizer
from infgram.tokenizers.saved import SavedTokenizer, load_saved
from infgram.tokenizers.segments import Segments
from infgram.tokenizers.token_bytes import TokenBytes
from infgram.tokenizers.training import train_bpe
from infgram.tokenizers.utf8_bytes import BytesTokenizer

__all__ = [
    "BytesTokenizer",
    "EncodeBatch",
    "HuggingFaceTokenizer",
    "SavedTokenizer",
    "Segments",
    "TokenBytes",
    "Tokenizer",
    "bulk_encoder",
    "limited",
    "load_saved",
    "resolve",
    "train_bpe",
]


def resolve(spec: str | os.PathLike[str]) -> Tokenizer:
    """Return the tokenizer with a name or path.

    Args:
        spec: `"bytes"`; the path of a `tokenizer.json`, or of a folder with a `tokenizer.json` or with the `vocab.json`
            and `merges.txt` of a GPT-2 tokenizer; or a name on the Hugging Face hub. Pass `./bytes` for a folder named
            `bytes`.

    Raises:
        TokenizerError: there is no such tokenizer, it cannot be read, or `spec` is `"bpe"`, which requires a corpus.
    """
    name = os.fspath(spec)
    if not name:
        raise TokenizerError("the tokenizer's name is empty; expected 'bytes', 'bpe', a path or a hub name")
    if name == BytesTokenizer.kind:
        return BytesTokenizer()
    if name == "bpe" or name.startswith("bpe:"):
        raise TokenizerError(f"{name!r} is trained on a corpus, and cannot be loaded; use train_bpe(texts)")
    return load(name)
