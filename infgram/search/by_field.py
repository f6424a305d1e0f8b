"""Counts by the value of a metadata field."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from infgram.engine import Engine
from infgram.search.where import MISSING, field_of, fields_of_documents
from infgram.types import FieldCount
from infgram.watch import Watch


def counts_by_field(core: Engine, token_ids: Any, field: str, watch: Watch) -> list[FieldCount]:
    """Group documents and their occurrences of a query by the value of a field, which may be all that filters know.

    Cost: the metadata of each document are read.

    Returns:
        A row for each value, the largest count first.
    """
    poll = partial(watch.report, "search", total=0, unit="places")
    document_ids, counts, _ = core.conjunction([[token_ids]], None).documents(poll)
    rows: dict[str, FieldCount] = {}
    all_fields = fields_of_documents(core, document_ids, watch, stage="group")
    for fields, count in zip(all_fields, counts.tolist(), strict=True):
        found = field_of(fields, field)
        value = None if found is MISSING else found
        key = json.dumps(_same_number(value), sort_keys=True)
        row = rows.get(key) or FieldCount(value, 0, 0)
        rows[key] = FieldCount(row.value, row.count + count, row.document_count + 1)
    return sorted(rows.values(), key=lambda row: (-row.count, str(row.value)))


def _same_number(value: Any) -> Any:
    """The value, as an integer if it is a whole number, so that 1.0 is 1, as in a filter."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
