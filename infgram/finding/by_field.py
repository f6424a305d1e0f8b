"""Counts by the value of a metadata field."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from infgram.finding.where import MISSING, field_of
from infgram.types import FieldCount, Int64Array, JsonScalar


def counts_by_field(
    document_ids: Int64Array, counts: Int64Array, metadata_of: Callable[[int], Mapping[str, Any]], field: str
) -> list[FieldCount]:
    """Group documents and their occurrences by the value of a field. Cost: the metadata of each document are read.

    Args:
        document_ids: documents with an occurrence.
        counts: how many each has.
        metadata_of: the metadata of a document.
        field: a name; dots reach into nested objects.

    Returns:
        A row for each value, the largest count first.
    """
    found: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for document_id, count in zip(document_ids.tolist(), counts.tolist(), strict=True):
        value = field_of(metadata_of(document_id), field)
        row = found[json.dumps(None if value is MISSING else value, sort_keys=True)]
        row[0] += count
        row[1] += 1
    rows = [FieldCount(_scalar(text), *row) for text, row in found.items()]
    return sorted(rows, key=lambda row: (-row.count, str(row.value)))


def _scalar(text: str) -> JsonScalar:
    """A value from its JSON; a list or an object stays JSON."""
    value = json.loads(text)
    return text if isinstance(value, list | dict) else value
