"""Convert Arrow values to JSON values. The conversion depends on the type of the column alone.

| type | JSON |
|---|---|
| null, booleans, integers, strings, lists, structs | unchanged; dictionary-encoded values are decoded |
| floats | the number; null for NaN and infinities, which JSON does not have |
| decimals | a string with all digits: `"12.50"` |
| dates, times | a string: `"2024-01-31"`, `"23:59:59.125"` |
| timestamps | a string: `"2024-01-31T23:59:59.125"`; in UTC and with a final `Z` if the column has a time zone |
| durations | an integer in the unit of the column |
| bytes | a string in base 64 |
| maps | a list of pairs |
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from infgram.corpus.documents import BadRecordError, UnreadableError
from infgram.corpus.readers.extras import ARROW
from infgram.corpus.readers.text import not_utf8

_Convert = Callable[[Any], Any]
_PER_SECOND: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_EPOCH: Final = datetime(1970, 1, 1)


class JsonColumn:
    """The conversion of one column.

    Attributes:
        name: the name of the column.
    """

    def __init__(self, name: str, type_: Any, *, is_text: bool) -> None:
        """Choose the conversion.

        Raises:
            UnreadableError: the type has no JSON equivalent.
        """
        self.name = name
        try:
            self._target, self._convert = _plan(type_)
        except NotImplementedError as error:
            raise UnreadableError(
                f"the column {name!r:.80} has the type {error}, which has no JSON equivalent"
            ) from error
        if is_text and self._convert is _base64:  # many writers store strings as bytes
            self._convert = _string

    def cells(self, array: Any) -> list[Any]:
        """Return the cells before conversion, so that a cell that cannot be converted affects its own row only.

        Raises:
            pyarrow.ArrowException: the array is inconsistent.
        """
        pa = ARROW.load()
        if pa.types.is_string(array.type):  # invalid UTF-8 affects its own row only
            array = array.view(pa.binary())
        elif pa.types.is_large_string(array.type):
            array = array.view(pa.large_binary())
        array.validate(full=True)  # offsets of a damaged file may point anywhere
        if pa.types.is_dictionary(array.type):
            return self._dictionary_cells(array)
        cells: list[Any] = (array if array.type == self._target else array.cast(self._target)).to_pylist()
        return cells

    def _dictionary_cells(self, array: Any) -> list[Any]:
        """Return the cells of a dictionary array; rows with the same entry share one object, which may be long."""
        numbers = array.indices.to_pylist()
        used = list({number: None for number in numbers if number is not None})
        entries = self.cells(array.dictionary.take(ARROW.load().array(used, "int64")))
        cell_of = dict(zip(used, entries, strict=True))
        return [cell_of.get(number) for number in numbers]

    def json_value(self, cell: Any) -> Any:
        """Convert one cell.

        Raises:
            BadRecordError: a string is not UTF-8, or a timestamp is outside the years 1 to 9999.
        """
        try:
            return _nullable(self._convert, cell)
        except BadRecordError as error:
            raise BadRecordError(f"column {self.name!r:.80}: {error}") from error


def struct_children(fields: Iterable[Any]) -> dict[str, Any]:
    """Map each field to its kind: a struct to such a mapping of its own fields, bytes to `bytes`, others to None."""
    pa = ARROW.load()
    children: dict[str, Any] = {}
    for field in fields:
        type_ = field.type.storage_type if isinstance(field.type, pa.BaseExtensionType) else field.type
        if pa.types.is_struct(type_):
            children[field.name] = struct_children([type_.field(i) for i in range(type_.num_fields)])
        else:
            children[field.name] = bytes if pa.types.is_binary(type_) or pa.types.is_large_binary(type_) else None
    return children


def _plan(type_: Any) -> tuple[Any, _Convert]:
    """Return the Arrow type to cast to, and the function that converts each non-null value of it."""
    pa = ARROW.load()

    types = pa.types
    if isinstance(type_, pa.BaseExtensionType):
        return _plan(type_.storage_type)
    if types.is_dictionary(type_):
        return _plan(type_.value_type)
    if types.is_struct(type_):
        return _plan_struct(type_)
    if types.is_map(type_):
        (key, convert_key), (item, convert_item) = _plan(type_.key_type), _plan(type_.item_type)
        return pa.map_(key, item), lambda pairs: [[convert_key(k), _nullable(convert_item, v)] for k, v in pairs]
    if types.is_list(type_) or types.is_large_list(type_) or types.is_fixed_size_list(type_):
        child, convert = _plan(type_.value_type)
        return pa.large_list(child), lambda values: [_nullable(convert, value) for value in values]
    return _plan_leaf(type_)


def _plan_struct(type_: Any) -> tuple[Any, _Convert]:
    pa = ARROW.load()

    fields = [type_.field(i) for i in range(type_.num_fields)]
    plans = {field.name: _plan(field.type) for field in fields}
    if len(plans) != len(fields):
        raise NotImplementedError(f"{type_} with a repeated field name")
    target = pa.struct([(name, child) for name, (child, _) in plans.items()])
    return target, lambda value: {name: _nullable(convert, value[name]) for name, (_, convert) in plans.items()}


def _plan_leaf(type_: Any) -> tuple[Any, _Convert]:
    pa = ARROW.load()

    types = pa.types
    if types.is_null(type_) or types.is_boolean(type_) or types.is_integer(type_):
        return type_, _same
    if types.is_floating(type_):
        return type_, _finite
    if types.is_decimal(type_):
        return type_, "{:f}".format
    if types.is_string(type_) or types.is_large_string(type_) or str(type_) == "string_view":
        return pa.large_binary(), _string
    if types.is_binary(type_) or types.is_large_binary(type_) or types.is_fixed_size_binary(type_):
        return type_, _base64
    if types.is_date(type_) or types.is_time(type_):
        return pa.string(), _same
    if types.is_timestamp(type_):
        return pa.int64(), _timestamp(type_.unit, "Z" if type_.tz else "")
    if types.is_duration(type_):
        return pa.int64(), _same
    raise NotImplementedError(type_)


def _nullable(convert: _Convert, value: Any) -> Any:
    return None if value is None else convert(value)


def _same(value: Any) -> Any:
    return value


def _finite(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None


def _string(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRecordError(not_utf8(error, data)) from error


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _timestamp(unit: str, suffix: str) -> _Convert:
    per_second = _PER_SECOND[unit]
    n_digits = len(str(per_second)) - 1

    def convert(ticks: int) -> str:
        seconds, fraction = divmod(ticks, per_second)
        try:
            moment = (_EPOCH + timedelta(seconds=seconds)).isoformat()
        except OverflowError as error:
            raise BadRecordError(f"a timestamp {seconds} seconds from 1970, outside the years 1 to 9999") from error
        return f"{moment}.{fraction:0{n_digits}d}{suffix}" if n_digits else f"{moment}{suffix}"

    return convert
