"""Encode the texts of a whole corpus: with a fast encoder if its ids equal the reference's, else with the reference."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import numpy.typing as npt

from infgram.errors import QueryError, TokenizerError
from infgram.tokenizers.fast import Engine, EngineError, FastEngine
from infgram.tokenizers.hard_texts import hard_texts
from infgram.tokenizers.huggingface import HuggingFaceTokenizer
from infgram.tokenizers.limited import EncodeBatch, Encoded
from infgram.tokenizers.protocol import Tokenizer

_PART_CHARACTERS: Final = 1 << 16
_MAX_COMPARISON_THREADS: Final = 4  # each takes about 15 MB, and the comparison is short
_SHOWN_CHARACTERS: Final = 40  # of a text in a message

_logger = logging.getLogger("infgram.tokenizers")


class BulkEncoder:
    """Encodes batches with a fast engine; the reference encodes texts that the engine must not encode or fails on."""

    def __init__(self, reference: HuggingFaceTokenizer, engine: Engine, slow: EncodeBatch | None = None) -> None:
        """Combine a reference with an engine; `slow` replaces the reference's `encode_batch`."""
        self._slow = slow or reference.encode_batch
        self._engine = engine
        self._texts = reference.fast_texts

    def encode_batch(self, texts: Sequence[str]) -> Encoded:
        """Return the same ids as `Tokenizer.encode_batch`; thread-safe."""
        slow = [number for number, text in enumerate(texts) if not (isinstance(text, str) and self._texts.takes(text))]
        try:
            if not slow:
                return self._engine.encode_batch(texts)
            if len(slow) < len(texts):
                return self._mixed(texts, slow)
        except QueryError:
            pass  # a text is invalid; given all texts, the reference raises an error with the number of the text
        except EngineError as error:
            encoded = self._slow(texts)  # raises if a text is invalid
            _logger.warning(
                "%s failed on %d texts, which tokenizers encoded instead: %s", self._engine.name, len(texts), error
            )
            return encoded
        return self._slow(texts)

    def _mixed(self, texts: Sequence[str], slow: list[int]) -> Encoded:
        excluded = set(slow)
        fast = [number for number in range(len(texts)) if number not in excluded]
        parts: list[npt.NDArray[np.uint32]] = [np.empty(0, dtype=np.uint32)] * len(texts)
        for encode, numbers in ((self._engine.encode_batch, fast), (self._slow, slow)):
            token_ids, lengths = encode([texts[number] for number in numbers])
            for number, part in zip(numbers, np.split(token_ids, np.cumsum(lengths)[:-1]), strict=True):
                parts[number] = part
        return np.concatenate(parts), np.array([part.size for part in parts], dtype=np.int64)


def bulk_encoder(
    tokenizer: Tokenizer,
    sample: Sequence[str],
    threads: int,
    slow: EncodeBatch | None = None,
    make_engine: Callable[[str], Engine] = FastEngine,
) -> EncodeBatch:
    """Return the fastest function that gives exactly the ids of `tokenizer.encode_batch`.

    The fast encoder and the tokenizer are compared on the sample and on hard texts, at the speed of the tokenizer: half
    a second for half a megabyte. If the ids differ, the tokenizer is used, and the first difference is logged as a
    warning.

    Args:
        tokenizer: the reference.
        sample: texts similar to those that will be encoded.
        threads: the maximum number of threads.
        slow: encodes the texts that the fast encoder cannot; None for `tokenizer.encode_batch`.
        make_engine: creates the fast encoder from the text of a `tokenizer.json`, or raises `EngineError`.
    """
    slow = slow or tokenizer.encode_batch
    if not isinstance(tokenizer, HuggingFaceTokenizer):
        return slow
    if not tokenizer.fast_texts.is_any:
        _logger.debug("tokenizers encodes the corpus: the fast encoder is not used for this kind of tokenizer")
        return slow
    try:
        engine = make_engine(tokenizer.definition)
        added_tokens = [token["content"] for token in tokenizer.added_tokens]
        difference = first_difference(tokenizer, engine, [*hard_texts(added_tokens), *sample], threads)
    except (EngineError, TokenizerError) as error:
        _logger.debug("tokenizers encodes the corpus: %s", error)
        return slow
    if difference is not None:
        _logger.warning(
            "tokenizers encodes the corpus, which is slower: %s differs from it %s", engine.name, difference
        )
        return slow
    _logger.debug("%s encodes the corpus", engine.name)
    return BulkEncoder(tokenizer, engine, slow).encode_batch


def first_difference(
    reference: HuggingFaceTokenizer, engine: Engine, sample: Sequence[str], threads: int
) -> str | None:
    """Describe the first difference of the engine's ids from the reference's; return None if there is none.

    Texts that the engine must not encode are skipped.

    Raises:
        EngineError: the engine failed.
    """

    def difference(part: list[str]) -> str | None:
        return _difference(reference, engine, part)

    parts = _parts([text for text in sample if reference.fast_texts.takes(text)])
    if threads == 1:
        return next(filter(None, map(difference, parts)), None)
    with ThreadPoolExecutor(min(threads, _MAX_COMPARISON_THREADS), thread_name_prefix="infgram-compare") as pool:
        return next(filter(None, list(pool.map(difference, parts))), None)


def _parts(texts: list[str]) -> Iterator[list[str]]:
    part, n_characters = [], 0
    for text in texts:
        part.append(text)
        n_characters += len(text)
        if n_characters >= _PART_CHARACTERS:
            yield part
            part, n_characters = [], 0
    yield part


def _difference(reference: HuggingFaceTokenizer, engine: Engine, texts: list[str]) -> str | None:
    expected, actual = reference.encode_batch(texts), engine.encode_batch(texts)
    if np.array_equal(expected[0], actual[0]) and np.array_equal(expected[1], actual[1]):
        return None
    rows = zip(texts, _rows(expected), _rows(actual), strict=True)
    text, right, wrong = next(row for row in rows if not np.array_equal(row[1], row[2]))
    n_same = int(np.argmin([*(right[: len(wrong)] == wrong[: len(right)]), False]))
    offset = len(reference.decode(right[:n_same]))
    return (
        f"at character {offset} of a text, {text[offset : offset + _SHOWN_CHARACTERS]!a}: token {n_same} is "
        f"{_shown(wrong, n_same)}, expected {_shown(right, n_same)}"
    )


def _rows(encoded: Encoded) -> list[npt.NDArray[np.uint32]]:
    token_ids, lengths = encoded
    return np.split(token_ids, np.cumsum(lengths)[:-1])


def _shown(token_ids: npt.NDArray[np.uint32], position: int) -> str:
    return str(token_ids[position]) if position < len(token_ids) else "missing"
