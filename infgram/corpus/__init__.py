"""Text to documents: one reader a file format, and the corpus that streams them in a fixed order."""

from __future__ import annotations

from infgram.corpus.corpus import Corpus
from infgram.corpus.documents import Skipped, SourceDocument
from infgram.corpus.inputs import Inputs
from infgram.corpus.options import FormatName
from infgram.corpus.reading import OnError
from infgram.corpus.token_arrays import TokenType
from infgram.corpus.token_batches import TokenBatch
from infgram.corpus.token_corpus import TokenCorpus
from infgram.corpus.token_lines import TokenLines

__all__ = [
    "Corpus",
    "FormatName",
    "Inputs",
    "OnError",
    "Skipped",
    "SourceDocument",
    "TokenBatch",
    "TokenCorpus",
    "TokenLines",
    "TokenType",
]
