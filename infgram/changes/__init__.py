"""Changing an index: add and delete documents, and compact. Each change publishes a new state atomically."""

from __future__ import annotations

from infgram.changes.add import add, add_from_tokens
from infgram.changes.compact import compact
from infgram.changes.delete import delete

__all__ = ["add", "add_from_tokens", "compact", "delete"]
