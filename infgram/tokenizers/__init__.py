"""Documents to tokens: raw bytes, any Hugging Face tokenizer, or a BPE trained on the corpus.

The package `tokenizers` is imported only when a tokenizer of that kind is made.
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
from infgram.tokenizers.token_bytes import TokenBytes
from infgram.tokenizers.training import train_bpe
from infgram.tokenizers.utf8_bytes import BytesTokenizer

__all__ = [
    "BytesTokenizer",
    "EncodeBatch",
    "HuggingFaceTokenizer",
    "SavedTokenizer",
    "TokenBytes",
    "Tokenizer",
    "bulk_encoder",
    "limited",
    "load_saved",
    "resolve",
    "train_bpe",
]


def resolve(spec: str | os.PathLike[str]) -> Tokenizer:
    """The tokenizer that a name or path stands for.

    Args:
        spec: `"bytes"`; the path of a `tokenizer.json` or of a folder that holds one (or `vocab.json` and
            `merges.txt` as GPT-2 has them); or a name on the Hugging Face hub. A folder called `bytes` is
            `./bytes`.

    Raises:
        TokenizerError: there is none, it cannot be read, or `spec` is `"bpe"`, which needs a corpus.
    """
    name = os.fspath(spec)
    if not name:
        raise TokenizerError("the tokenizer's name is empty; expected 'bytes', 'bpe', a path or a hub name")
    if name == BytesTokenizer.kind:
        return BytesTokenizer()
    if name == "bpe" or name.startswith("bpe:"):
        raise TokenizerError(f"{name!r} is trained on a corpus while an index is built; use train_bpe(texts)")
    return load(name)
