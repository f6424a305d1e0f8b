"""Where a document comes from, and what the folders of its file say of it."""

from __future__ import annotations

import json
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias
from urllib.parse import unquote

from infgram.types import JsonScalar

StoredMetadata: TypeAlias = tuple[bytes, bytes | None, int]
"""Of a document: its metadata as JSON, or nothing; the name of its file, empty if the metadata say it, None if the
index keeps no sources; its line, or 0."""

_NO_VALUE: Final = "__HIVE_DEFAULT_PARTITION__"


class Provenance(NamedTuple):
    """What an index knows of a document besides its tokens.

    Attributes:
        metadata: its own fields, and those of the folders named `key=value` that hold its file. Its own win.
        source: its file; None if that is not known.
        line: its line or row there, from 1; None if the document is the whole file.
    """

    metadata: dict[str, Any]
    source: str | None
    line: int | None

    @classmethod
    def of(cls, stored: StoredMetadata) -> Provenance:
        """Read what the index holds."""
        text, name, number = stored
        own: dict[str, Any] = json.loads(text) if text else {}
        if name is None:
            return cls(own, None, None)
        path = own.get("path")
        source = name.decode("utf-8") if name else path if isinstance(path, str) else None
        if source is not None and "=" in source:
            own |= {key: value for key, value in folder_fields(source).items() if key not in own}
        return cls(own, source, number or None)

    def fields(self) -> dict[str, Any]:
        """All that a filter can name: the metadata, and `source` and `line` where no metadata have these names."""
        known = {"source": self.source, "line": self.line}
        return {**{name: value for name, value in known.items() if value is not None}, **self.metadata}


@lru_cache(maxsize=256)
def folder_fields(source: str) -> MappingProxyType[str, JsonScalar]:
    """The fields in the names of folders, as Hive, Spark and Arrow write them: `lang=en/year=2024/a.parquet`.

    Whole numbers become integers where they are written as an integer is, so that `year=2024` is 2024 and `id=007`
    stays a string; Hive's name for "no value" becomes null; percent escapes are decoded.
    """
    fields: dict[str, JsonScalar] = {}
    for folder in source.split("/")[:-1]:
        key, equals, value = folder.partition("=")
        if key and equals:
            fields[unquote(key)] = _value(unquote(value))
    return MappingProxyType(fields)


def _value(text: str) -> JsonScalar:
    if text == _NO_VALUE:
        return None
    digits = text.removeprefix("-")
    if digits.isascii() and digits.isdecimal() and len(digits) < 19 and str(int(text)) == text:
        return int(text)
    return text
