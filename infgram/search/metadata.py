"""Filters and counts by the metadata of documents."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
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
_AT_ONCE: Final = 256  # documents whose metadata are asked for together


def checked(where: Mapping[str, JsonScalar]) -> dict[str, JsonScalar]:
    """The filters as asked.

    Raises:
        QueryError: it is no mapping, a name is no text, or a value no text, number, truth value or None.
    """
    for name, value in mapping(where, "where", "metadata fields to the values that they must have").items():
        if not (value is None or isinstance(value, str | int | float)) or value != value:
            raise QueryError(
                f"where holds {cut(name, 80)!r}: {cut(repr(value), 80)}; expected names of metadata fields with texts, "
                "numbers, truth values or None"
            )
    return dict(where)


def holds(metadata: Mapping[str, Any], where: Mapping[str, JsonScalar]) -> bool:
    """Whether every field is there and has its value. A name with dots reaches into nested objects."""
    return all(_equal(field_of(metadata, name), value) for name, value in where.items())


def fulfilling(
    core: Engine, document_ids: Int64Array, where: Mapping[str, JsonScalar], watch: Watch
) -> npt.NDArray[np.bool_]:
    """For each document whether its metadata, source and line fulfil the filters. Cost: all their metadata are read."""
    fulfils = np.zeros(len(document_ids), dtype=np.bool_)
    for place, fields in enumerate(fields_of_documents(core, document_ids, watch, stage="filter")):
        fulfils[place] = holds(fields, where)
    return fulfils


def fields_of_documents(
    core: Engine, document_ids: Int64Array, watch: Watch, *, stage: str
) -> Iterator[dict[str, Any]]:
    """All that a filter can name of each document; many documents are read together."""
    for begin in range(0, len(document_ids), _AT_ONCE):
        some = document_ids[begin : begin + _AT_ONCE].tolist()
        for place, stored in enumerate(core.document_metadata(some), begin):
            watch.report(stage, place, len(document_ids), "documents")
            yield Provenance.of(stored).fields()


def field_of(value: Any, name: str) -> Any:
    """The field of that very name, or else through each part before a dot; `MISSING` if there is none."""
    if not isinstance(value, dict):
        return MISSING
    if name in value:
        return value[name]
    for place, character in enumerate(name):
        if character == "." and name[:place] in value:
            found = field_of(value[name[:place]], name[place + 1 :])
            if found is not MISSING:
                return found
    return MISSING


def _equal(found: Any, value: JsonScalar) -> bool:
    """As JSON values: 1 is 1.0, but neither is true."""
    return isinstance(found, bool) == isinstance(value, bool) and bool(found == value)


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
