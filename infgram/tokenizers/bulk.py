"""How the texts of a whole corpus are encoded: quickly where that is proven equal, else by the reference."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import numpy.typing as npt

from infgram.errors import QueryError
from infgram.tokenizers.fast import Engine, EngineError, FastEngine
from infgram.tokenizers.hard_texts import hard_texts
from infgram.tokenizers.huggingface import HuggingFaceTokenizer
from infgram.tokenizers.limited import EncodeBatch, Encoded
from infgram.tokenizers.protocol import Tokenizer

_PART_CHARACTERS: Final = 1 << 16
_MOST_COMPARE: Final = 4  # threads, each of which takes some 15 MB; the comparison is short
_SHOWN_CHARACTERS: Final = 40  # of a text in a message

_logger = logging.getLogger("infgram.tokenizers")


class BulkEncoder:
    """Encodes batches with a fast engine, and with the reference what the engine may not have or fails on."""

    def __init__(self, reference: HuggingFaceTokenizer, engine: Engine, slow: EncodeBatch | None = None) -> None:
        """Combine them; `slow` is how the reference encodes, if not simply by itself."""
        self._slow = slow or reference.encode_batch
        self._engine = engine
        self._texts = reference.fast_texts

    def encode_batch(self, texts: Sequence[str]) -> Encoded:
        """As `Tokenizer.encode_batch`, with the same ids; any number of threads may call it."""
        slow = [place for place, text in enumerate(texts) if not (isinstance(text, str) and self._texts.takes(text))]
        try:
            if not slow:
                return self._engine.encode_batch(texts)
            if len(slow) < len(texts):
                return self._mixed(texts, slow)
        except QueryError:
            pass  # the reference refuses one of them, and names its place when it is given all
        except EngineError as error:
            encoded = self._slow(texts)  # raises if the texts are to blame
            _logger.warning("%s failed on %d texts, which tokenizers encoded: %s", self._engine.name, len(texts), error)
            return encoded
        return self._slow(texts)

    def _mixed(self, texts: Sequence[str], slow: list[int]) -> Encoded:
        left_out = set(slow)
        fast = [place for place in range(len(texts)) if place not in left_out]
        parts: list[npt.NDArray[np.uint32]] = [np.empty(0, dtype=np.uint32)] * len(texts)
        for encode, places in ((self._engine.encode_batch, fast), (self._slow, slow)):
            token_ids, lengths = encode([texts[place] for place in places])
            for place, part in zip(places, np.split(token_ids, np.cumsum(lengths)[:-1]), strict=True):
                parts[place] = part
        return np.concatenate(parts), np.array([part.size for part in parts], dtype=np.int64)


def bulk_encoder(
    tokenizer: Tokenizer,
    sample: Sequence[str],
    threads: int,
    slow: EncodeBatch | None = None,
    make_engine: Callable[[str], Engine] = FastEngine,
) -> EncodeBatch:
    """The quickest way to encode many texts that gives exactly the ids of `tokenizer.encode_batch`.

    Compares both on the sample and on hard texts, at the speed of the slower: half a second for half a megabyte.
    Where they differ, the tokenizer itself is used, and a warning names the first difference.

    Args:
        tokenizer: the reference.
        sample: texts like those that will be encoded.
        threads: at most so many cores are used.
        slow: how the tokenizer is to encode what the fast encoder cannot; None for its `encode_batch`.
        make_engine: makes the fast encoder from the text of a `tokenizer.json`; raises `EngineError` if it cannot.
    """
    slow = slow or tokenizer.encode_batch
    if not isinstance(tokenizer, HuggingFaceTokenizer):
        return slow
    if not tokenizer.fast_texts.is_any:
        _logger.debug("tokenizers encodes the corpus: its definition holds more than the fast encoder is trusted with")
        return slow
    try:
        engine = make_engine(tokenizer.definition)
        added_tokens = [token["content"] for token in tokenizer.added_tokens]
        difference = first_difference(tokenizer, engine, [*hard_texts(added_tokens), *sample], threads)
    except EngineError as error:
        _logger.debug("tokenizers encodes the corpus: %s", error)
        return slow
    if difference is not None:
        _logger.warning("tokenizers encodes the corpus, slowly: %s differs from it %s", engine.name, difference)
        return slow
    _logger.debug("%s encodes the corpus", engine.name)
    return BulkEncoder(tokenizer, engine, slow).encode_batch


def first_difference(
    reference: HuggingFaceTokenizer, engine: Engine, sample: Sequence[str], threads: int
) -> str | None:
    """Where the engine's ids first differ from the reference's, in words; None if nowhere.

    Only texts that the engine will be given count.

    Raises:
        EngineError: the engine failed.
    """

    def difference(part: list[str]) -> str | None:
        return _difference(reference, engine, part)

    parts = _parts([text for text in sample if reference.fast_texts.takes(text)])
    if threads == 1:
        return next(filter(None, map(difference, parts)), None)
    with ThreadPoolExecutor(min(threads, _MOST_COMPARE), thread_name_prefix="infgram-compare") as pool:
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
    expected, found = reference.encode_batch(texts), engine.encode_batch(texts)
    if np.array_equal(expected[0], found[0]) and np.array_equal(expected[1], found[1]):
        return None
    rows = zip(texts, _rows(expected), _rows(found), strict=True)
    text, right, wrong = next(row for row in rows if not np.array_equal(row[1], row[2]))
    n_same = int(np.argmin([*(right[: len(wrong)] == wrong[: len(right)]), False]))
    place = len(reference.decode(right[:n_same]))
    return (
        f"at character {place} of a text, {text[place : place + _SHOWN_CHARACTERS]!a}: token {n_same} of it is "
        f"{_shown(wrong, n_same)}, expected {_shown(right, n_same)}"
    )


def _rows(encoded: Encoded) -> list[npt.NDArray[np.uint32]]:
    token_ids, lengths = encoded
    return np.split(token_ids, np.cumsum(lengths)[:-1])


def _shown(token_ids: npt.NDArray[np.uint32], place: int) -> str:
    return str(token_ids[place]) if place < len(token_ids) else "missing"
