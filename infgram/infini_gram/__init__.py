"""Indexes that the package infini-gram made: opened in place, or converted (docs/guides/infini-gram.md)."""

from __future__ import annotations

from infgram.infini_gram.index import InfiniGramIndex as InfiniGramIndex
from infgram.infini_gram.layout import is_infini_gram as is_infini_gram

__all__ = ["InfiniGramIndex", "is_infini_gram"]
