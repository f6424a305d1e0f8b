"""The origin of a document: its file and line, and the metadata in the names of folders."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias
from urllib.parse import unquote

from infgram.errors import IndexDamagedError
from infgram.files.signed_json import parse_json
from infgram.types import JsonScalar

StoredMetadata: TypeAlias = tuple[bytes, bytes | None, int]
"""The stored metadata of a document as JSON, or empty; the name of its file, empty if the metadata have it, None if the
index stores no sources; its line, or 0, or IN_METADATA."""

IN_METADATA: Final = -1
"""The line if the metadata are an object of infini-gram: with `path`, `linenum` (from 0), and `metadata`."""

FILES: Final = ("metadata.bin", "sources.bin")
"""The files that hold stored metadata and sources."""

_LINES: Final = range(2**63 - 1)  # from 0; lines from 1 are stored in 64 bits with a sign
_NO_VALUE: Final = "__HIVE_DEFAULT_PARTITION__"
_DEEPEST: Final = 256  # levels of metadata; readers of a corpus accept 200
_MAYBE_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


class Provenance(NamedTuple):
    """The metadata and the origin of a document.

    Attributes:
        metadata: the fields of the document, and the fields of folders named `key=value` above its file. The fields of
            the document take precedence.
        source: the file; None if it is unknown.
        line: the line or row in the file, from 1; None if the document is the whole file.
    """

    metadata: dict[str, Any]
    source: str | None
    line: int | None

    @classmethod
    def of(cls, stored: StoredMetadata, document_id: int, files: tuple[str, str] = FILES) -> Provenance:
        """Parse the stored metadata of a document; `files` has the names of the two files in messages.

        Raises:
            IndexDamagedError: the metadata are not a JSON object, a line is out of range, or the source is not UTF-8.
        """
        text, name, number = stored
        own: dict[str, Any] = {}
        try:
            if text:
                own = _object(text)
        except ValueError as error:
            raise _damaged(files[0], "metadata", document_id, f"a JSON object: {error}") from error
        if number == IN_METADATA:
            line = own.get("linenum")
            if type(line) is int and line not in _LINES:
                raise _damaged(files[0], f"linenum {line}", document_id, "from 0 to 2^63 - 2")
            return cls._of_infini_gram(own)
        if name is None:
            return cls(own, None, None)
        path = own.get("path")
        try:
            source = name.decode("utf-8") if name else path if isinstance(path, str) else None
        except ValueError as error:
            raise _damaged(files[1], "source", document_id, f"UTF-8: {error}") from error
        if source is not None and "=" in source:
            own |= {key: value for key, value in folder_fields(source).items() if key not in own}
        return cls(own, source, number or None)

    @classmethod
    def _of_infini_gram(cls, stored: dict[str, Any]) -> Provenance:
        own, source, line = (stored.get(name) for name in ("metadata", "path", "linenum"))
        return cls(
            own if isinstance(own, dict) else stored,
            source if isinstance(source, str) else None,
            line + 1 if type(line) is int else None,
        )

    def fields(self) -> dict[str, Any]:
        """Return the fields that filters can use: the metadata, and `source` and `line` unless metadata have them."""
        known = {"source": self.source, "line": self.line}
        return {**{name: value for name, value in known.items() if value is not None}, **self.metadata}


def _object(text: bytes) -> dict[str, Any]:
    value = parse_json(text, deepest=_DEEPEST)
    if not isinstance(value, dict):
        raise ValueError(f"found {value!r:.80}")
    if _MAYBE_SURROGATE.search(text) is not None:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def _damaged(file: str, what: str, document_id: int, expected: str) -> IndexDamagedError:
    return IndexDamagedError(
        f"{file}: the {what} of document {document_id} is not {expected}; copy the index again or rebuild it"
    )


@lru_cache(maxsize=256)
def folder_fields(source: str) -> MappingProxyType[str, JsonScalar]:
    """Return the fields in the names of folders, as Hive, Spark and Arrow write them: `lang=en/year=2024/a.parquet`.

    A canonical integer becomes an int: `year=2024` is 2024, but `id=007` remains a string. Hive's name for a missing
    value becomes None. Percent escapes are decoded.
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
