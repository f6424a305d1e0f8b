"""Train a byte-level BPE on the corpus."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from infgram.errors import TokenizerError
from infgram.tokenizers.checks import utf8
from infgram.tokenizers.huggingface import HuggingFaceTokenizer
from infgram.tokenizers.protocol import Tokenizer

SMALLEST_VOCABULARY: Final = 256
_LARGEST_VOCABULARY: Final = 1 << 24  # far above any in use
_LONG_RUN = re.compile(r"\S{65,}|\s{65,}")
_PIECE_CHARACTERS: Final = 32


def train_bpe(texts: Iterable[str], vocab_size: int = 32000) -> Tokenizer:
    """Train a byte-level BPE; the result does not depend on the number of cores.

    Every byte is a token (ids 0 to 255), so the tokenizer is lossless for every text. There are no special tokens. A
    pair must occur twice to be merged, so the vocabulary can be smaller than `vocab_size` if the sample is small.

    Args:
        texts: the sample, which may be empty; consumed one by one. Its distinct words are kept in memory.
        vocab_size: the maximum number of tokens, at least 256.

    Raises:
        TokenizerError: `vocab_size` is out of range.
        QueryError: a text is not a string or contains a lone surrogate.
    """
    from tokenizers import Tokenizer as HubTokenizer, decoders, models, pre_tokenizers, trainers

    if not SMALLEST_VOCABULARY <= vocab_size <= _LARGEST_VOCABULARY:
        expected = f"{SMALLEST_VOCABULARY} (one token per byte) to {_LARGEST_VOCABULARY}"
        raise TokenizerError(f"invalid vocabulary size {vocab_size}; expected {expected}")
    tokenizer = HubTokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=2,
        special_tokens=[],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_pieces(texts), trainer=trainer)
    return HuggingFaceTokenizer.wrap(tokenizer)


def _pieces(texts: Iterable[str]) -> Iterator[str]:
    """Yield the texts, splitting long runs of white space, and long runs without any, into pieces.

    A word of a million letters would cost a million steps for every merge; words of ordinary length are never split.
    """
    for number, text in enumerate(texts):
        utf8(text, f"text {number} of the sample")
        start = 0
        for run in _LONG_RUN.finditer(text):
            yield text[start : run.start()]
            yield from (
                text[cut : min(cut + _PIECE_CHARACTERS, run.end())]
                for cut in range(run.start(), run.end(), _PIECE_CHARACTERS)
            )
            start = run.end()
        yield text[start:]
