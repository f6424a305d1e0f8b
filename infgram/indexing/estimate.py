"""Estimate the resources of a build from a sample of its input."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from infgram.corpus import Corpus, SourceDocument, TokenCorpus
from infgram.corpus.sampling import SpreadSample
from infgram.files.sizes import Sources
from infgram.indexing.disk_space import index_bytes
from infgram.indexing.memory import used_bytes
from infgram.indexing.tokenize import stored_metadata, tokenize
from infgram.indexing.tokenizer_choice import SAMPLE_BYTES, TokenizerChoice
from infgram.tokenizers import Tokenizer
from infgram.types import BuildEstimate

READ_BYTES: Final = 64 << 20  # of the input, as stored
_ENCODED_BYTES: Final = 8 << 20  # of the texts that are read
_SEED: Final = 1  # the encoded texts are sampled independently of the texts that train a tokenizer
_SORT_NS: Final = 100  # per token and thread, for ordinary text
_SORT_BYTES: Final = 5  # per token, in addition to the token
_CONFIDENCE: Final = 2.04  # standard errors for 95%, with the 32 looks of a large corpus
_SMALL_ERROR: Final = 0.001  # of the tokens, for tokens at the ends of pieces and unreadable files


@dataclass
class Look:
    """The totals of adjacent documents at one sampled place of the input.

    Attributes:
        input_bytes: bytes of the input, as stored.
        text_bytes: bytes of the texts in UTF-8.
        n_documents: documents.
        metadata_bytes: bytes of the metadata.
        n_runs: runs of documents on consecutive lines of one file.
        name_bytes: bytes of the names of their files.
    """

    input_bytes: float = 0.0
    text_bytes: int = 0
    n_documents: int = 0
    metadata_bytes: int = 0
    n_runs: int = 0
    name_bytes: int = 0


@dataclass
class Ratio:
    """A ratio of totals, estimated from a sample.

    Attributes:
        value: the sum of the numerators divided by the sum of the denominators.
        error: the relative standard error of the value.
    """

    value: float = 0.0
    error: float = 0.0

    @classmethod
    def of(cls, numerators: Sequence[float], denominators: Sequence[float], whole: float) -> Ratio:
        """Estimate the ratio from sampled numerators and denominators; `whole` is the total of all denominators."""
        numerator, denominator = np.array(numerators, dtype=np.float64), np.array(denominators, dtype=np.float64)
        if denominator.sum() <= 0 or numerator.sum() <= 0:
            return cls()
        value = float(numerator.sum() / denominator.sum())
        unseen = max(0.0, 1 - float(denominator.sum()) / whole)
        n = len(numerator)
        if n < 2 or unseen < _EPSILON:
            return cls(value, 0.0 if unseen < _EPSILON else 1.0)
        squares = float(((numerator - value * denominator) ** 2).sum())
        return cls(value, math.sqrt(unseen * n / (n - 1) * squares) / float(numerator.sum()))


_EPSILON: Final = 1e-9


@dataclass
class Sample:
    """A sample of the input, with the measured times.

    Attributes:
        input_bytes: the size of the whole input, as stored.
        looks: the sampled places.
        tokens: tokens per byte of text.
        read_s: the time of reading the sample, in seconds.
        encode_s_per_byte: the time of encoding a byte of text, in seconds.
        once_s: the time that does not depend on the size of the input, in seconds.
    """

    input_bytes: int
    looks: list[Look] = field(default_factory=list)
    tokens: Ratio = field(default_factory=Ratio)
    read_s: float = 0.0
    encode_s_per_byte: float = 0.0
    once_s: float = 0.0

    @property
    def sampled_bytes(self) -> int:
        """The size of the sampled part of the input, as stored."""
        return min(self.input_bytes, round(sum(look.input_bytes for look in self.looks)))

    @property
    def text(self) -> Ratio:
        """Bytes of text per byte of the input."""
        sizes = [look.input_bytes for look in self.looks]
        return Ratio.of([look.text_bytes for look in self.looks], sizes, self.input_bytes)

    def scaled(self, vocab_size: int, width_bits: int, shard_tokens: int, threads: int) -> BuildEstimate:
        """Extrapolate to the whole input."""
        seen = sum(look.input_bytes for look in self.looks)
        times = self.input_bytes / seen if seen else 1.0
        text = self.text
        text_bytes = text.value * self.input_bytes
        n_tokens = round(text_bytes * self.tokens.value)
        error = _CONFIDENCE * math.hypot(text.error, self.tokens.error)
        n_documents = round(times * sum(look.n_documents for look in self.looks))
        metadata_bytes = round(times * sum(look.metadata_bytes for look in self.looks))
        sources = Sources(
            max(1, round(times * sum(look.n_runs for look in self.looks))),
            max(1, round(times * sum(look.name_bytes for look in self.looks))),
        )
        return BuildEstimate(
            n_documents=n_documents,
            n_tokens=n_tokens,
            n_tokens_interval=(math.floor(n_tokens * max(0.0, 1 - error)), math.ceil(n_tokens * (1 + error))),
            disk_bytes=index_bytes(
                n_tokens, n_documents, metadata_bytes, vocab_size, width_bits, shard_tokens, sources
            ),
            memory_bytes=used_bytes() + min(n_tokens, shard_tokens) * (width_bits // 8 + _SORT_BYTES),
            elapsed_s=self.once_s
            + times * self.read_s
            + text_bytes * self.encode_s_per_byte
            + n_tokens * _SORT_NS / 1e9 / threads,
            input_bytes=self.input_bytes,
            sampled_bytes=self.sampled_bytes,
        )


def sample_corpus(
    corpus: Corpus, choice: TokenizerChoice, threads: int, n_bytes: int = READ_BYTES
) -> tuple[Sample, Tokenizer]:
    """Read about `n_bytes` (as stored) of a corpus and encode a part of it; input that cannot be read is skipped.

    Returns:
        The sample, and the tokenizer that encoded it. A tokenizer to be trained is trained on the sample; it equals
        the tokenizer of the build if the sample is the whole corpus.

    Raises:
        TokenizerError: the tokenizer cannot be trained.
    """
    began = time.monotonic()
    looks: dict[int, Look] = defaultdict(Look)
    to_train_on, to_encode = SpreadSample(SAMPLE_BYTES), _ToEncode()
    for look, document in _sampled_documents(corpus, looks, n_bytes):
        if choice.given is None:
            to_train_on.add(document.text)
        to_encode.add(document.text, look)
    sample = Sample(corpus.n_bytes, list(looks.values()), read_s=time.monotonic() - began)
    began = time.monotonic()
    tokenizer = choice.of_texts(to_train_on.pieces())
    if choice.given is None:  # training reads the whole corpus, too
        sample.once_s = time.monotonic() - began
        sample.read_s *= 2
    texts, look_numbers, is_all = to_encode.texts()
    began = time.monotonic()
    sizes, lengths = _encoded(texts, tokenizer, threads)
    sample.encode_s_per_byte = (time.monotonic() - began) / max(1, int(sizes.sum()))
    whole = sample.text.value * corpus.n_bytes
    if sample.sampled_bytes < corpus.n_bytes:  # adjacent documents are similar: one observation per look
        sizes, lengths = (_sums(values, look_numbers) for values in (sizes, lengths))
    sample.tokens = Ratio.of(lengths.tolist(), sizes.tolist(), whole)
    if sample.sampled_bytes < corpus.n_bytes or (not is_all and not np.array_equal(lengths, sizes)):
        sample.tokens.error = math.hypot(sample.tokens.error, _SMALL_ERROR)
    return sample, tokenizer


def _sums(values: npt.NDArray[np.int64], groups: Sequence[int]) -> npt.NDArray[np.int64]:
    """Return the sum of the values of each group."""
    _, group_numbers = np.unique(np.array(groups, np.int64), return_inverse=True)
    return np.bincount(group_numbers, weights=values).astype(np.int64)


def _sampled_documents(corpus: Corpus, looks: dict[int, Look], n_bytes: int) -> Iterator[tuple[int, SourceDocument]]:
    """Yield the documents of a peek, each with its look, and add their sizes to the looks."""
    source, line = "", 0
    for seen in corpus.peek(n_bytes):
        look, document = looks[seen.look], seen.document
        look.input_bytes += seen.size_bytes
        if document is None:
            continue
        look.text_bytes += utf8_length(document.text)
        look.n_documents += 1
        look.metadata_bytes += len(stored_metadata(document.metadata))
        if document.line is not None:
            look.n_runs += document.source != source or document.line != line + 1
            look.name_bytes += len(document.source) + 1 if document.source != source else 0
        source, line = document.source, document.line or 0
        yield seen.look, document


class _ToEncode:
    """The texts to encode: whole documents if they are few, else pieces of them."""

    def __init__(self) -> None:
        self._pieces = SpreadSample(_ENCODED_BYTES, _SEED)
        self._whole: list[tuple[str, int]] | None = []
        self._n_bytes = 0

    def add(self, text: str, look: int) -> None:
        """Add the next document."""
        self._pieces.add(text, look)
        self._n_bytes += len(text)
        if self._n_bytes > _ENCODED_BYTES:
            self._whole = None
        elif self._whole is not None:
            self._whole.append((text, look))

    def texts(self) -> tuple[list[str], list[int], bool]:
        """Return the texts, the look of each text, and whether the texts are all that was read."""
        if self._whole is None:
            return self._pieces.pieces(), self._pieces.groups(), False
        return [text for text, _ in self._whole], [look for _, look in self._whole], True


def _encoded(
    texts: Sequence[str], tokenizer: Tokenizer, threads: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Encode texts; return the bytes and the tokens of each text."""
    documents = (SourceDocument(text, {}, "", None) for text in texts)
    lengths = [batch.lengths for batch in tokenize(documents, tokenizer, threads)]
    sizes = np.fromiter(map(utf8_length, texts), np.int64, len(texts))
    return sizes, np.concatenate([np.zeros(0, np.int64), *lengths])


def utf8_length(text: str) -> int:
    """Return the length of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8"))


def sample_tokens(corpus: TokenCorpus, n_bytes: int = READ_BYTES) -> Sample:
    """Read about `n_bytes` from the beginning of a token corpus.

    Raises:
        InputError: the corpus cannot be read.
    """
    began = time.monotonic()
    sample = Sample(corpus.n_bytes, tokens=Ratio(1.0))
    before = 0
    for batch in corpus.batches():
        passed, before = corpus.bytes_read - before, corpus.bytes_read
        n_tokens, n_documents = len(batch.token_ids), len(batch.lengths) - batch.continues
        sample.looks.append(Look(passed, n_tokens, n_documents))
        if before >= n_bytes:
            break
    if before < n_bytes and sample.looks:
        sample.looks[-1].input_bytes += corpus.bytes_read - before
    sample.read_s = time.monotonic() - began
    return sample
