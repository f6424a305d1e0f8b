"""What a build will take, from a sample of its input."""

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
from infgram.indexing.disk_space import Sources, index_bytes
from infgram.indexing.memory import used_bytes
from infgram.indexing.tokenize import stored_metadata, tokenise
from infgram.indexing.tokenizer_choice import SAMPLE_BYTES, TokenizerChoice
from infgram.tokenizers import Tokenizer
from infgram.types import BuildEstimate

READ_BYTES: Final = 64 << 20  # of the input, as stored
_ENCODED_BYTES: Final = 8 << 20  # of the texts that are read
_SEED: Final = 1  # what is encoded is chosen otherwise than what a tokenizer is trained on
_SORT_NS: Final = 100  # a token and thread, for ordinary text
_SORT_BYTES: Final = 5  # a token, besides the token itself
_CONFIDENCE: Final = 2.04  # standard errors for 95%, with the 32 looks of a large corpus
_SMALL_ERROR: Final = 0.001  # of the tokens: those cut at the ends of pieces, files that cannot be read


@dataclass
class Look:
    """What lies at one place of the input: neighbouring documents.

    Attributes:
        input_bytes: that they take, as stored.
        text_bytes: of their texts, in UTF-8.
        n_runs: runs of them on consecutive lines of one file.
        name_bytes: of the names of their files.
    """

    input_bytes: float = 0.0
    text_bytes: int = 0
    n_documents: int = 0
    metadata_bytes: int = 0
    n_runs: int = 0
    name_bytes: int = 0


@dataclass
class Ratio:
    """How much of one thing there is for another, from parts of both, and how sure that is.

    Attributes:
        value: the sum of the one over that of the other.
        error: the standard error of the value, as a share of it.
    """

    value: float = 0.0
    error: float = 0.0

    @classmethod
    def of(cls, ones: Sequence[float], others: Sequence[float], whole: float) -> Ratio:
        """From the parts that were looked at; `whole` is all that there is of the other."""
        one, other = np.array(ones, dtype=np.float64), np.array(others, dtype=np.float64)
        if other.sum() <= 0 or one.sum() <= 0:
            return cls()
        value = float(one.sum() / other.sum())
        unseen = max(0.0, 1 - float(other.sum()) / whole)
        n = len(one)
        if n < 2 or unseen < _NOTHING:
            return cls(value, 0.0 if unseen < _NOTHING else 1.0)
        squares = float(((one - value * other) ** 2).sum())
        return cls(value, math.sqrt(unseen * n / (n - 1) * squares) / float(one.sum()))


_NOTHING: Final = 1e-9


@dataclass
class Sample:
    """What some of the input became.

    Attributes:
        input_bytes: of the whole input, as stored.
        looks: at places of it.
        tokens: of a byte of text.
        read_s: how long reading took.
        encode_s_per_byte: how long encoding takes, a byte of text.
        once_s: what takes as long for any input.
    """

    input_bytes: int
    looks: list[Look] = field(default_factory=list)
    tokens: Ratio = field(default_factory=Ratio)
    read_s: float = 0.0
    encode_s_per_byte: float = 0.0
    once_s: float = 0.0

    @property
    def sampled_bytes(self) -> int:
        """Of the input, as stored, what was looked at."""
        return min(self.input_bytes, round(sum(look.input_bytes for look in self.looks)))

    @property
    def text(self) -> Ratio:
        """The bytes of text of a byte of the input."""
        sizes = [look.input_bytes for look in self.looks]
        return Ratio.of([look.text_bytes for look in self.looks], sizes, self.input_bytes)

    def scaled(self, vocab_size: int, width_bits: int, shard_tokens: int, threads: int) -> BuildEstimate:
        """The same for the whole input."""
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
    """Read about `n_bytes`, as stored, of a corpus and encode some of that; what cannot be read is passed over.

    Returns:
        The sample, and the tokenizer that encoded it: if one is to be trained, one trained on what was read, which is
        the one of the build where all of the corpus was.

    Raises:
        TokenizerError: it cannot be trained.
    """
    began = time.monotonic()
    looks: dict[int, Look] = defaultdict(Look)
    to_train_on, to_encode = SpreadSample(SAMPLE_BYTES), _ToEncode()
    for look, document in _looked_at(corpus, looks, n_bytes):
        if choice.given is None:
            to_train_on.add(document.text)
        to_encode.add(document.text, look)
    sample = Sample(corpus.n_bytes, list(looks.values()), read_s=time.monotonic() - began)
    began = time.monotonic()
    tokenizer = choice.of_texts(to_train_on.pieces())
    if choice.given is None:  # the whole corpus is read for that, too
        sample.once_s = time.monotonic() - began
        sample.read_s *= 2
    texts, places, is_all = to_encode.texts()
    began = time.monotonic()
    sizes, lengths = _encoded(texts, tokenizer, threads)
    sample.encode_s_per_byte = (time.monotonic() - began) / max(1, int(sizes.sum()))
    whole = sample.text.value * corpus.n_bytes
    if sample.sampled_bytes < corpus.n_bytes:  # neighbours are alike
        sizes, lengths = (_sums(values, places) for values in (sizes, lengths))
    sample.tokens = Ratio.of(lengths.tolist(), sizes.tolist(), whole)
    if sample.sampled_bytes < corpus.n_bytes or (not is_all and not np.array_equal(lengths, sizes)):
        sample.tokens.error = math.hypot(sample.tokens.error, _SMALL_ERROR)
    return sample, tokenizer


def _sums(values: npt.NDArray[np.int64], groups: Sequence[int]) -> npt.NDArray[np.int64]:
    """The sum of the values of each group."""
    _, places = np.unique(np.array(groups, np.int64), return_inverse=True)
    return np.bincount(places, weights=values).astype(np.int64)


def _looked_at(corpus: Corpus, looks: dict[int, Look], n_bytes: int) -> Iterator[tuple[int, SourceDocument]]:
    """The documents of a peek, each with its look; what they are is added up in the looks."""
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
    """Whole documents while they are few, else pieces of them."""

    def __init__(self) -> None:
        self._pieces = SpreadSample(_ENCODED_BYTES, _SEED)
        self._whole: list[tuple[str, int]] | None = []
        self._n_bytes = 0

    def add(self, text: str, look: int) -> None:
        """Look at the next document."""
        self._pieces.add(text, look)
        self._n_bytes += len(text)
        if self._n_bytes > _ENCODED_BYTES:
            self._whole = None
        elif self._whole is not None:
            self._whole.append((text, look))

    def texts(self) -> tuple[list[str], list[int], bool]:
        """What to encode, the look of each text, and whether that is all that was read."""
        if self._whole is None:
            return self._pieces.pieces(), self._pieces.groups(), False
        return [text for text, _ in self._whole], [look for _, look in self._whole], True


def _encoded(
    texts: Sequence[str], tokenizer: Tokenizer, threads: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The bytes and the tokens of each text."""
    documents = (SourceDocument(text, {}, "", None) for text in texts)
    lengths = [batch.lengths for batch in tokenise(documents, tokenizer, threads)]
    sizes = np.fromiter(map(utf8_length, texts), np.int64, len(texts))
    return sizes, np.concatenate([np.zeros(0, np.int64), *lengths])


def utf8_length(text: str) -> int:
    """The bytes of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8"))


def sample_tokens(corpus: TokenCorpus, n_bytes: int = READ_BYTES) -> Sample:
    """Read about `n_bytes` from the beginning of a corpus of tokens.

    Raises:
        InputError: it cannot be read.
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
