"""Whether the whole of the input held what was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infgram.corpus.documents import Skipped
from infgram.errors import InputError


@dataclass(frozen=True)
class FoundSoFar:
    """What a pass over some files has met; those of several passes add up.

    Attributes:
        n_documents: documents.
        n_records: lines that were JSON objects, and tables.
        n_with_field: those of them that had the text field.
        other_fields: the fields of the first one without it, for messages.
    """

    n_documents: int = 0
    n_records: int = 0
    n_with_field: int = 0
    other_fields: str = ""

    def __add__(self, other: FoundSoFar) -> FoundSoFar:
        return FoundSoFar(
            self.n_documents + other.n_documents,
            self.n_records + other.n_records,
            self.n_with_field + other.n_with_field,
            self.other_fields or other.other_fields,
        )

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
        if self.n_documents == 0:
            raise InputError(f"{inputs}: no document found{_why_none(skipped)}")


def _why_none(skipped: Sequence[Skipped]) -> str:
    if not skipped:
        return "; every input file is empty"
    first = skipped[0]
    where = first.source if first.line is None else f"{first.source}, line {first.line}"
    return f"; {len(skipped)} pieces of input cannot be read, the first: {where}: {first.reason}"
