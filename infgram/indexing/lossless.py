"""Whether the documents of a corpus come back from their tokens as they were."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from infgram.corpus import SourceDocument
from infgram.tokenizers import HuggingFaceTokenizer, Tokenizer
from infgram.types import Int64Array

_logger = logging.getLogger("infgram.indexing")


class LosslessCheck:
    """Decodes every document that is not known to come back, until one differs; warns of that one."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._keeps = tokenizer.keeps if isinstance(tokenizer, HuggingFaceTokenizer) else _not_known
        self._is_over = tokenizer.is_lossless

    def check(
        self, documents: Sequence[SourceDocument], token_ids: npt.NDArray[np.uint32], lengths: Int64Array
    ) -> None:
        """Look at the next documents: their ids end to end, and the length of each."""
        begin = 0
        for document, length in zip(documents, lengths.tolist(), strict=True):
            if self._is_over:
                return
            end = begin + length
            if not self._keeps(document.text) and self._tokenizer.decode(token_ids[begin:end]) != document.text:
                self._is_over = True
                place = document.source if document.line is None else f"{document.source}, line {document.line}"
                _logger.warning(
                    "the tokenizer does not give back every text as it was: the first document that differs is %s; "
                    "texts shown from this index are as the tokenizer decodes them",
                    place,
                )
            begin = end


def _not_known(text: str) -> bool:
    return False
