"""Documents to tokens: raw bytes, any Hugging Face tokenizer, or a BPE trained on the corpus.

The package `tokenizers` is imported only when a tokenizer of that kind is made.
"""

from __future__ import annotations

import os
from pathlib import Path

from infgram.errors import IndexDamagedError, TokenizerError
from infgram.tokenizers.bulk import bulk_encoder
from infgram.tokenizers.huggingface import FILE_NAME, HuggingFaceTokenizer
from infgram.tokenizers.limited import EncodeBatch, limited
from infgram.tokenizers.loading import load
from infgram.tokenizers.protocol import Tokenizer
from infgram.tokenizers.token_bytes import TokenBytes
from infgram.tokenizers.training import train_bpe
from infgram.tokenizers.utf8_bytes import BytesTokenizer

__all__ = [
    "BytesTokenizer",
    "EncodeBatch",
    "HuggingFaceTokenizer",
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


def load_saved(kind: str, folder: Path) -> Tokenizer:
    """The tokenizer that `Tokenizer.save` wrote into `folder`.

    Args:
        kind: the saved tokenizer's `kind`.
        folder: where it was saved.

    Raises:
        IndexDamagedError: its file is missing or is no text.
        TokenizerError: this version knows no such kind, or cannot read the definition.
    """
    if kind == BytesTokenizer.kind:
        return BytesTokenizer()
    if kind != HuggingFaceTokenizer.kind:
        raise TokenizerError(f"the index holds a tokenizer of kind {kind!r}; this version knows 'bytes', 'huggingface'")
    path = folder / FILE_NAME
    try:
        definition = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise IndexDamagedError(f"{path}: the saved tokenizer cannot be read: {error}") from error
    try:
        return HuggingFaceTokenizer(definition)
    except TokenizerError as error:
        raise TokenizerError(f"{path}: {error}") from error
