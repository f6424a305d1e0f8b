"""Finding documents: the search behind `Index.search`."""

from __future__ import annotations

from infgram.finding.by_field import counts_by_field
from infgram.finding.pages import order_of
from infgram.finding.search import Source, find_documents
from infgram.finding.text import find_text

__all__ = ["Source", "counts_by_field", "find_documents", "find_text", "order_of"]
