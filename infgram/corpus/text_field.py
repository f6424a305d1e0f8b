"""The field that holds the text: taken out of each record, and looked for in every file."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any, Final

from infgram.corpus.documents import BadRecordError

_LONGEST_LIST: Final = 200  # characters, in messages


class TextField:
    """Takes the text out of records and remembers whether any had the field.

    Attributes:
        name: the field, or column, that holds the text.
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

    def is_in(self, fields: Collection[str]) -> bool:
        """Whether a JSON object has the field; nothing is counted."""
        return self.name in fields

    def may_be_in(self, data: bytes) -> bool:
        """Whether what should be a JSON object, but is damaged, seems to have the field."""
        return re.search(rb'"' + re.escape(self.name.encode()) + rb'"\s*:', data) is not None

    def count_whole_file(self, fields: Collection[str]) -> None:
        """Remember that a JSON file of one value has these fields only, and becomes text."""
        self.n_whole_files += 1
        self.fields_of_a_file = self.fields_of_a_file or _listed("field", fields)

    def check_record(self, fields: Collection[str]) -> None:
        """Whether a JSON object has the field.

        Raises:
            BadRecordError: it has not.
        """
        self._check(fields, "field", "line")

    def check_table(self, columns: Collection[str]) -> None:
        """Whether a table has the column, and no column twice.

        Raises:
            BadRecordError: it has not.
        """
        self._check(columns, "column", "file")
        if len(set(columns)) != len(columns):
            names = list(columns)
            twice = next(name for name in names if names.count(name) > 1)
            raise BadRecordError(f"two columns have the name {twice!r:.80}; expected each name once")

    def take(self, fields: dict[str, Any]) -> str:
        """The text of a record that has the field, which is removed from it.

        Raises:
            BadRecordError: it is no string.
        """
        text = fields.pop(self.name)
        if not isinstance(text, str):
            others = _listed("field", {self.name: text, **fields})
            raise BadRecordError(f"field {self.name!r} is {json_type(text)}, expected a string; this line has {others}")
        return text

    def _check(self, names: Collection[str], kind: str, whole: str) -> None:
        self.n_records += 1
        if self.name not in names:
            listed = _listed(kind, names)
            self.other_fields = self.other_fields or listed
            raise BadRecordError(f"no {kind} {self.name!r} (text_field=…, --text-field); this {whole} has {listed}")
        self.n_found += 1


def json_type(value: Any) -> str:
    """What a JSON value is, in words."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    names = {dict: "an object", list: "a list", str: "a string", int: "a number", float: "a number"}
    return names[type(value)]


def _listed(kind: str, names: Collection[str]) -> str:
    listed = ", ".join(repr(name) for name in list(names)[:20])
    if not listed:
        return f"no {kind}s"
    return f"the {kind}s {listed}" if len(listed) <= _LONGEST_LIST else f"the {kind}s {listed[:_LONGEST_LIST]}…"
