"""Finding documents: the search behind `Index.search`."""

from __future__ import annotations

from infgram.finding.by_field import counts_by_field
from infgram.finding.pages import order_of
from infgram.finding.search import find_documents
from infgram.finding.source import Source
from infgram.finding.text import Spell

__all__ = ["Source", "Spell", "counts_by_field", "find_documents", "order_of"]
