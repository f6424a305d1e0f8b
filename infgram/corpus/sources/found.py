"""What the input held, and whether that is a corpus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from infgram.corpus.documents import Skipped
from infgram.errors import InputError

MOST_NAMES: Final = 3  # in a message


@dataclass(frozen=True)
class FoundSoFar:
    """What a pass over some files has met; those of several passes add up.

    Attributes:
        n_documents: documents.
        n_records: lines that were JSON objects, and tables.
        n_with_field: those of them that had the text field.
        other_fields: the fields of the first one without it, for messages.
        n_whole_files: JSON files of one value without the text field, each of which became a document of text.
        fields_of_a_file: the fields of the first of these, for messages.
        n_files: how many files were read as what: `{"JSON lines (gzip)": 12}`.
        texts: the first files that were read as text.
    """

    n_documents: int = 0
    n_records: int = 0
    n_with_field: int = 0
    other_fields: str = ""
    n_whole_files: int = 0
    fields_of_a_file: str = ""
    n_files: dict[str, int] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)

    def __add__(self, other: FoundSoFar) -> FoundSoFar:
        return FoundSoFar(
            self.n_documents + other.n_documents,
            self.n_records + other.n_records,
            self.n_with_field + other.n_with_field,
            self.other_fields or other.other_fields,
            self.n_whole_files + other.n_whole_files,
            self.fields_of_a_file or other.fields_of_a_file,
            {
                kind: self.n_files.get(kind, 0) + other.n_files.get(kind, 0)
                for kind in sorted(self.n_files.keys() | other.n_files.keys())
            },
            [*self.texts, *other.texts][:MOST_NAMES],
        )

    @property
    def in_words(self) -> str:
        """What the files were taken for: `read 12 files as JSON lines (gzip), 1 as text: notes.txt`."""
        if not self.n_files:
            return "read no file"
        kinds = sorted(self.n_files.items(), key=lambda item: (-item[1], item[0]))
        parts = [f"{n:,} as {kind}" for kind, n in kinds]
        n, _, rest = parts[0].partition(" ")
        parts[0] = f"{n} {'file' if n == '1' else 'files'} {rest}"
        n_texts = sum(n for kind, n in kinds if kind.startswith("text"))
        is_mixed = any(not kind.startswith("text") for kind, _ in kinds)
        if n_texts and (is_mixed or self.n_whole_files):
            parts[-1] += f"; text: {some(self.texts, n_texts)}"
        return f"read {', '.join(parts)}"

    def check(self, inputs: str, text_field: str, skipped: Sequence[Skipped]) -> None:
        """Whether that will do for the whole input.

        Args:
            inputs: what is read, for messages.
            text_field: the field of the text.
            skipped: what could not be read.

        Raises:
            InputError: there was no document, or no line or table with the text field.
        """
        if self.n_records > 0 and self.n_with_field == 0:
            raise InputError(
                f"{inputs}: not one of {self.n_records} lines or tables has the field {text_field!r}; found "
                f"{self.other_fields}; name the field with text_field=… (--text-field)"
            )
        if 0 < self.n_documents == self.n_whole_files:
            raise InputError(
                f"{inputs}: a JSON file of one value without the field {text_field!r}; found "
                f"{self.fields_of_a_file}; name the field with text_field=… (--text-field), or read the file as a "
                "document of text with format='text' (--format text)"
            )
        if self.n_documents == 0:
            raise InputError(f"{inputs}: no document found{_why_none(skipped)}")


def _why_none(skipped: Sequence[Skipped]) -> str:
    if not skipped:
        return "; every input file is empty"
    first = skipped[0]
    where = first.source if first.line is None else f"{first.source}, line {first.line}"
    return f"; {len(skipped)} pieces of input cannot be read, the first: {where}: {first.reason}"


def some(names: Sequence[str], n: int) -> str:
    """Return the first of n names, and how many more there are."""
    shown = ", ".join(names[:MOST_NAMES])
    return shown if n <= MOST_NAMES else f"{shown} and {n - MOST_NAMES:,} more"
