"""The input of a build: documents streamed from files in a fixed order, as text or as token ids."""

from __future__ import annotations

from infgram.corpus.corpus import Corpus
from infgram.corpus.documents import FormatName, Skipped, SourceDocument
from infgram.corpus.readers.token_arrays import TokenBatch, TokenType
from infgram.corpus.readers.token_lines import TokenLines
from infgram.corpus.reading import OnError
from infgram.corpus.sources.inputs import Inputs
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
