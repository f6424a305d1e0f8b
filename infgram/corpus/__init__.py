"""Text to documents: one reader a file format, and the corpus that streams them in a fixed order."""

from __future__ import annotations

from infgram.corpus.corpus import Corpus
from infgram.corpus.documents import Skipped, SourceDocument
from infgram.corpus.reading import OnError

__all__ = ["Corpus", "OnError", "Skipped", "SourceDocument"]
