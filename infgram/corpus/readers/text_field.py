"""The field that holds the text: taken out of each record, and looked for in every file."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from infgram.corpus.documents import BadRecordError

_LONGEST_LIST: Final = 200  # characters, in messages


class TextField:
    """Takes the text out of records and remembers whether any had the field.

    Attributes:
        name: the field, or column, that holds the text. Dots reach into objects, as in `data.text`; a field of that
            very name comes first.
        n_records: lines that were JSON objects, and tables, so far.
        n_found: those of them that had the field, whatever its type.
        other_fields: the fields of the first one without it, for messages.
        n_whole_files: JSON files of one value without the field, which are documents of text.
        fields_of_a_file: the fields of the first of these, for messages.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.n_records = 0
        self.n_found = 0
        self.other_fields = ""
        self.n_whole_files = 0
        self.fields_of_a_file = ""

    def is_in(self, fields: Mapping[str, Any]) -> bool:
        """Whether a JSON object has the field; nothing is counted."""
        return _path(fields, self.name) is not None

    def may_be_in(self, data: bytes) -> bool:
        """Whether what should be a JSON object, but is damaged, seems to have the field."""
        names = {self.name, self.name.rpartition(".")[2]}
        return any(re.search(rb'"' + re.escape(name.encode()) + rb'"\s*:', data) for name in names)

    def count_whole_file(self, fields: Mapping[str, Any]) -> None:
        """Remember that a JSON file of one value has these fields only, and becomes text."""
        self.n_whole_files += 1
        self.fields_of_a_file = self.fields_of_a_file or _listed("field", fields)

    def check_record(self, fields: Mapping[str, Any]) -> None:
        """Whether a JSON object has the field.

        Raises:
            BadRecordError: it has not.
        """
        self._check(fields, "field", "line")

    def check_table(self, columns: Collection[str], children: Mapping[str, Any] | None = None) -> None:
        """Whether a table has the column, and no column twice.

        Args:
            columns: their names.
            children: of each column that holds objects, what each of their fields holds: an object likewise, `bytes`,
                or None for anything else.

        Raises:
            BadRecordError: it has not.
        """
        self._check({**dict.fromkeys(columns), **(children or {})}, "column", "file")
        if len(set(columns)) != len(columns):
            names = list(columns)
            twice = next(name for name in names if names.count(name) > 1)
            raise BadRecordError(f"two columns have the name {twice!r:.80}; expected each name once")
        held: Any = children
        for key in _path(children, self.name) or ():
            held = held[key]
        if held is bytes and self.name not in columns:
            raise BadRecordError(f"the field {self.name!r} holds bytes, expected strings")

    def take(self, fields: dict[str, Any]) -> str:
        """The text of a record, which is removed from it, with the objects that it leaves empty.

        Raises:
            BadRecordError: the record does not have the field, or it is no string.
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
    """What a JSON value is, in words."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    names = {dict: "an object", list: "a list", str: "a string", int: "a number", float: "a number"}
    return names[type(value)]


def _path(fields: Any, name: str) -> list[str] | None:
    """The keys that lead to the field of that very name, or else through each part before a dot; None if none do."""
    if not isinstance(fields, Mapping):
        return None
    if name in fields:
        return [name]
    for place, character in enumerate(name):
        if character == "." and name[:place] in fields:
            rest = _path(fields[name[:place]], name[place + 1 :])
            if rest is not None:
                return [name[:place], *rest]
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
    return f"the {kind}s {listed}" if len(listed) <= _LONGEST_LIST else f"the {kind}s {listed[:_LONGEST_LIST]}…"


def _names(fields: Mapping[str, Any]) -> Iterator[str]:
    """The names of all fields; of one that is an object, those of its fields as `--text-field` takes them."""
    for name, value in fields.items():
        if isinstance(value, Mapping) and value:
            yield from (f"{name}.{inner}" for inner in _names(value))
        else:
            yield name
