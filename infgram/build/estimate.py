"""What a build will take, from a sample of its input."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Final

from infgram.build.choosing import SAMPLE_BYTES, TokenizerChoice
from infgram.build.memory import used_bytes
from infgram.build.room import index_bytes
from infgram.build.tokenise import tokenise
from infgram.corpus import Corpus, TokenCorpus
from infgram.corpus.sampling import spread_sample
from infgram.tokenizers import Tokenizer
from infgram.types import BuildEstimate

_TRAINING_BYTES: Final = 4 << 20
_SORT_NS: Final = 100  # a token and thread, for ordinary text
_SORT_BYTES: Final = 5  # a token, besides the token itself


@dataclass
class Sample:
    """What some of the input became.

    Attributes:
        input_bytes: of the whole input, as stored.
        sampled_bytes: of the part that was looked at.
        elapsed_s: how long that took.
        once_s: what takes as long for any input.
    """

    input_bytes: int
    sampled_bytes: int = 0
    n_documents: int = 0
    n_tokens: int = 0
    metadata_bytes: int = 0
    elapsed_s: float = 0.0
    once_s: float = 0.0

    def scaled(self, vocab_size: int, width_bits: int, shard_tokens: int, threads: int) -> BuildEstimate:
        """The same for the whole input."""
        times = self.input_bytes / self.sampled_bytes if self.sampled_bytes else 1.0
        n_documents, n_tokens = math.ceil(times * self.n_documents), math.ceil(times * self.n_tokens)
        metadata_bytes = math.ceil(times * self.metadata_bytes)
        return BuildEstimate(
            n_documents=n_documents,
            n_tokens=n_tokens,
            disk_bytes=index_bytes(n_tokens, n_documents, metadata_bytes, vocab_size, width_bits, shard_tokens),
            memory_bytes=used_bytes() + min(n_tokens, shard_tokens) * (width_bits // 8 + _SORT_BYTES),
            elapsed_s=self.once_s + times * self.elapsed_s + n_tokens * _SORT_NS / 1e9 / threads,
            input_bytes=self.input_bytes,
            sampled_bytes=self.sampled_bytes,
        )


def sample_corpus(corpus: Corpus, choice: TokenizerChoice, threads: int, n_bytes: int) -> tuple[Sample, Tokenizer]:
    """Read and encode about `n_bytes`, as stored, of a corpus; what cannot be read is passed over.

    Returns:
        The sample, and the tokenizer that encoded it: if one is to be trained, one trained on this sample.

    Raises:
        TokenizerError: it cannot be trained.
    """
    began = time.monotonic()
    documents, n_read = corpus.peek(n_bytes)
    sample = Sample(corpus.n_bytes, min(n_read, corpus.n_bytes), elapsed_s=time.monotonic() - began)
    began = time.monotonic()
    tokenizer = choice.of_texts(spread_sample((document.text for document in documents), _TRAINING_BYTES))
    if choice.given is None:  # the whole corpus is read for that, and the sample is larger
        sample.elapsed_s *= 2
        sample.once_s = (time.monotonic() - began) * SAMPLE_BYTES / _TRAINING_BYTES
    began = time.monotonic()
    for batch in tokenise(documents, tokenizer, threads):
        sample.n_documents += len(batch.lengths)
        sample.n_tokens += len(batch.token_ids)
        sample.metadata_bytes += sum(map(len, batch.metadata))
    sample.elapsed_s += time.monotonic() - began
    return sample, tokenizer


def sample_tokens(corpus: TokenCorpus, n_bytes: int) -> Sample:
    """Read about `n_bytes` from the beginning of a corpus of tokens.

    Raises:
        InputError: it cannot be read.
    """
    began = time.monotonic()
    sample = Sample(corpus.n_bytes)
    for batch in corpus.batches():
        sample.n_documents += len(batch.lengths) - batch.continues
        sample.n_tokens += len(batch.token_ids)
        if corpus.bytes_read >= n_bytes:
            break
    sample.sampled_bytes = corpus.bytes_read
    sample.elapsed_s = time.monotonic() - began
    return sample
