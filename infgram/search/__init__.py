"""The implementation of `Index.search` and `Index.count_by`."""

from __future__ import annotations

from infgram.search.metadata import checked as checked_where, counts_by_field, satisfies
from infgram.search.pages import order_of
from infgram.search.search import find_documents
from infgram.search.source import Source
from infgram.search.text import StringMatcher

__all__ = ["Source", "StringMatcher", "checked_where", "counts_by_field", "find_documents", "order_of", "satisfies"]
