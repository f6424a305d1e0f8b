"""Filters and counts by the metadata of documents."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from infgram.arguments import mapping
from infgram.engine import Engine
from infgram.errors import QueryError
from infgram.provenance import Provenance
from infgram.reprs import cut
from infgram.types import FieldCount, Int64Array, JsonScalar
from infgram.watch import Watch

MISSING: Final = object()
_BATCH: Final = 256  # documents whose metadata are read together


def checked(where: Mapping[str, JsonScalar]) -> dict[str, JsonScalar]:
    """Check and copy the filters.

    Raises:
        QueryError: the argument is not a mapping, a name is not a string, or a value is not a string, number, boolean
            or None.
    """
    for name, value in mapping(where, "where", "metadata fields to the values that they must have").items():
        if not (value is None or isinstance(value, str | int | float)) or value != value:
            raise QueryError(
                f"where holds {cut(name, 80)!r}: {cut(repr(value), 80)}; expected names of metadata fields with texts, "
                "numbers, booleans or None"
            )
    return dict(where)


def satisfies(metadata: Mapping[str, Any], where: Mapping[str, JsonScalar]) -> bool:
    """Return whether every field exists and has the required value. Dots in a name reach into nested objects."""
    return all(_equal(field_of(metadata, name), value) for name, value in where.items())


def matching(
    core: Engine, document_ids: Int64Array, where: Mapping[str, JsonScalar], watch: Watch
) -> npt.NDArray[np.bool_]:
    """Return for each document whether its metadata, source and line satisfy the filters. Cost: reads all metadata."""
    matches = np.zeros(len(document_ids), dtype=np.bool_)
    for number, fields in enumerate(fields_of_documents(core, document_ids, watch, stage="filter")):
        matches[number] = satisfies(fields, where)
    return matches


def fields_of_documents(
    core: Engine, document_ids: Int64Array, watch: Watch, *, stage: str
) -> Iterator[dict[str, Any]]:
    """Yield the fields of each document that filters can use, reading documents in batches."""
    for begin in range(0, len(document_ids), _BATCH):
        batch = document_ids[begin : begin + _BATCH].tolist()
        for number, (document_id, stored) in enumerate(zip(batch, core.document_metadata(batch), strict=True), begin):
            watch.report(stage, number, len(document_ids), "documents")
            yield Provenance.of(stored, document_id).fields()


def field_of(value: Any, name: str) -> Any:
    """Return the field with the whole name, or else by its parts between dots; `MISSING` if there is none."""
    if not isinstance(value, dict):
        return MISSING
    if name in value:
        return value[name]
    for dot, character in enumerate(name):
        if character == "." and name[:dot] in value:
            inner = field_of(value[name[:dot]], name[dot + 1 :])
            if inner is not MISSING:
                return inner
    return MISSING


def _equal(found: Any, value: JsonScalar) -> bool:
    """Compare JSON values: 1 equals 1.0, but not true."""
    return isinstance(found, bool) == isinstance(value, bool) and bool(found == value)


def counts_by_field(core: Engine, token_ids: Any, field: str, watch: Watch) -> list[FieldCount]:
    """Group the occurrences of a query, and their documents, by the value of a field that filters can use.

    Cost: the metadata of each document are read.

    Returns:
        One row per value, in descending order of counts.
    """
    document_ids, counts, _ = core.conjunction([[token_ids]], None).documents(watch.poll("search", "occurrences"))
    rows: dict[str, FieldCount] = {}
    all_fields = fields_of_documents(core, document_ids, watch, stage="group")
    for fields, count in zip(all_fields, counts.tolist(), strict=True):
        value = field_of(fields, field)
        value = None if value is MISSING else value
        key = json.dumps(_same_number(value), sort_keys=True)
        row = rows.get(key) or FieldCount(value, 0, 0)
        rows[key] = FieldCount(row.value, row.count + count, row.document_count + 1)
    return sorted(rows.values(), key=lambda row: (-row.count, str(row.value)))


def _same_number(value: Any) -> Any:
    """Return whole floats as integers, so that 1.0 and 1 are one value, as in filters."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
