"""The text field: extracted from each record, and counted to detect a wrong field name."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from infgram.corpus.documents import BadRecordError

_MAX_LIST: Final = 200  # characters in a message


class TextField:
    """Extracts the text of records, and counts the records that have the field.

    Attributes:
        name: the field or column with the text. A dot reaches into an object, as in `data.text`, unless a field has
            the whole name.
        n_records: JSON objects and tables so far.
        n_found: the JSON objects and tables that have the field, of any type.
        other_fields: the fields of the first record without the field, for messages.
        n_whole_files: JSON files that are a single value without the field and are read as text.
        fields_of_a_file: the fields of the first such file, for messages.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.n_records = 0
        self.n_found = 0
        self.other_fields = ""
        self.n_whole_files = 0
        self.fields_of_a_file = ""

    def is_in(self, fields: Mapping[str, Any]) -> bool:
        """Return whether a JSON object has the field, without counting it."""
        return _path(fields, self.name) is not None

    def may_be_in(self, data: bytes) -> bool:
        """Return whether a malformed JSON object seems to have the field."""
        names = {self.name, self.name.rpartition(".")[2]}
        return any(re.search(rb'"' + re.escape(name.encode()) + rb'"\s*:', data) for name in names)

    def count_whole_file(self, fields: Mapping[str, Any]) -> None:
        """Count a JSON file that is a single value with other fields and is read as text."""
        self.n_whole_files += 1
        self.fields_of_a_file = self.fields_of_a_file or _listed("field", fields)

    def check_record(self, fields: Mapping[str, Any]) -> None:
        """Count a JSON object and check that it has the field.

        Raises:
            BadRecordError: the object does not have the field.
        """
        self._check(fields, "field", "line")

    def check_table(self, columns: Collection[str], children: Mapping[str, Any] | None = None) -> None:
        """Count a table and check that it has the column, and that column names are unique.

        Args:
            columns: the column names.
            children: for each column of objects, the kind of each field: such a mapping for an object, `bytes`, or
                None for any other type.

        Raises:
            BadRecordError: the column is missing, repeated or of a wrong type.
        """
        self._check({**dict.fromkeys(columns), **(children or {})}, "column", "file")
        if len(set(columns)) != len(columns):
            names = list(columns)
            repeated = next(name for name in names if names.count(name) > 1)
            raise BadRecordError(f"two columns have the name {repeated!r:.80}; expected each name once")
        kind: Any = children
        for key in _path(children, self.name) or ():
            kind = kind[key]
        if kind is bytes and self.name not in columns:
            raise BadRecordError(f"the field {self.name!r} holds bytes, expected strings")

    def take(self, fields: dict[str, Any]) -> str:
        """Remove the text from a record, with objects that become empty, and return it.

        Raises:
            BadRecordError: the field is missing or not a string.
        """
        if self.name in fields:
            text = fields.pop(self.name)
        else:
            path = _path(fields, self.name)
            if path is None:
                raise BadRecordError(f"no field {self.name!r} in this row; it has {_listed('field', fields)}")
            text = _pop(fields, path)
        if not isinstance(text, str):
            others = _listed("field", {self.name: text, **fields})
            raise BadRecordError(f"field {self.name!r} is {json_type(text)}, expected a string; this line has {others}")
        return text

    def _check(self, fields: Mapping[str, Any], kind: str, whole: str) -> None:
        self.n_records += 1
        if self.name not in fields and _path(fields, self.name) is None:
            listed = _listed(kind, fields)
            self.other_fields = self.other_fields or listed
            raise BadRecordError(f"no {kind} {self.name!r} (text_field=…, --text-field); this {whole} has {listed}")
        self.n_found += 1


def json_type(value: Any) -> str:
    """Return the type of a JSON value in words."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    names = {dict: "an object", list: "a list", str: "a string", int: "a number", float: "a number"}
    return names[type(value)]


def _path(fields: Any, name: str) -> list[str] | None:
    """Return the keys that lead to a field: its whole name, or else its parts between dots; None if it is missing."""
    if not isinstance(fields, Mapping):
        return None
    if name in fields:
        return [name]
    for dot, character in enumerate(name):
        if character == "." and name[:dot] in fields:
            rest = _path(fields[name[:dot]], name[dot + 1 :])
            if rest is not None:
                return [name[:dot], *rest]
    return None


def _pop(fields: dict[str, Any], path: list[str]) -> Any:
    key, *rest = path
    if not rest:
        return fields.pop(key)
    value = _pop(fields[key], rest)
    if not fields[key]:
        del fields[key]
    return value


def _listed(kind: str, fields: Mapping[str, Any]) -> str:
    listed = ", ".join(repr(name) for name, _ in zip(_names(fields), range(20), strict=False))
    if not listed:
        return f"no {kind}s"
    return f"the {kind}s {listed}" if len(listed) <= _MAX_LIST else f"the {kind}s {listed[:_MAX_LIST]}…"


def _names(fields: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of all fields as `--text-field` takes them: `outer.inner` for the field of an object."""
    for name, value in fields.items():
        if isinstance(value, Mapping) and value:
            yield from (f"{name}.{inner}" for inner in _names(value))
        else:
            yield name
