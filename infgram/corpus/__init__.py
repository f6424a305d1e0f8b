"""Text to documents: one reader a file format, and the corpus that streams them in a fixed order."""

from __future__ import annotations

from infgram.corpus.corpus import Corpus
from infgram.corpus.documents import Skipped, SourceDocument
from infgram.corpus.options import FormatName
from infgram.corpus.readers.token_arrays import TokenType
from infgram.corpus.readers.token_lines import TokenLines
from infgram.corpus.reading import OnError
from infgram.corpus.sources.inputs import Inputs
from infgram.corpus.token_batches import TokenBatch
from infgram.corpus.token_corpus import TokenCorpus

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
