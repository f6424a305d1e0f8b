"""Which files of an input are read: by the caller's patterns, or by what jobs and data sets are known to add."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from infgram.arguments import several, text
from infgram.corpus.documents import Skipped, UnreadableError
from infgram.corpus.readers.formats import JSON, format_of_name
from infgram.corpus.sources.decompression import decompressed, stem_of
from infgram.corpus.sources.files import Found
from infgram.corpus.sources.patterns import fits
from infgram.corpus.sources.recognition import holds_records
from infgram.errors import InputError

_OF_A_JOB: Final = re.compile(
    r"(?:.*/)?(?:_SUCCESS|_metadata|_common_metadata|_(?:committed|started)_\d+|[^/]*\.crc"
    r"|(?:_temporary|_delta_log|_spark_metadata)/.*)"
)
_OF_A_DATA_SET: Final = re.compile(
    r"(?:(?:readme|licen[cs]e|copying)(?:[-_][^/.]*)?|notice|authors|citation|changelog|contributing|datasheet"
    r"|data(?:set)?[-_]?card)(?:\.(?:md|markdown|txt|rst|org|html?|pdf|cff|bib))?"
    r"|(?:dataset_infos?|dataset_dict|croissant)\.json"
    r"|[^/]*\.(?:md5|sha1|sha256|sha512)|(?:md5|sha1|sha256|sha512)sums?(?:\.txt)?|checksums?(?:\.txt)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Selection:
    """What is read of the files that an input holds.

    Attributes:
        include: patterns; if there are any, exactly the files that fit one are read.
        exclude: patterns of files that are not.
        is_automatic: without `include`, whether to leave out what holds no documents: marks and checksums that a
            job writes, and the description of a data set beside its data.
        text_field: by which data is told from other JSON.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    is_automatic: bool = True
    text_field: str = field(default="text")

    def apply(self, found: Sequence[Found], *, is_named: bool) -> tuple[list[Found], list[Skipped]]:
        """The files that are read, and those that are not.

        Args:
            found: the files of one input.
            is_named: the input is the file itself, which only a pattern leaves out.
        """
        files: list[Found] = []
        left_out: list[Skipped] = []
        tables = _Tables(found, self.text_field)
        for file in found:
            reason = self._reason(file.name, None if is_named else tables)
            if reason is None:
                files.append(file)
            else:
                left_out.append(Skipped(file.name, None, reason))
        return files, left_out

    def _reason(self, name: str, tables: _Tables | None) -> str | None:
        """Why a file is not read; None if it is."""
        if any(fits(name, pattern) for pattern in self.exclude):
            return "excluded"
        if self.include:
            return None if any(fits(name, pattern) for pattern in self.include) else "not included"
        if tables is None or not self.is_automatic:
            return None
        if _OF_A_JOB.fullmatch(name):
            return "written by a job, without documents"
        folder, slash, base = name.rpartition("/")
        if _OF_A_DATA_SET.fullmatch(base) and tables.are_below(folder + slash):
            return "describes the data beside it"
        return None


EVERYTHING: Final = Selection(is_automatic=False)


def patterns_of(given: str | Iterable[str], option: str) -> tuple[str, ...]:
    """Patterns of file names, as an option was given.

    Raises:
        InputError: one is empty.
        QueryError: one is no text, or they are no sequence.
    """
    patterns = tuple(
        text(pattern, option)
        for pattern in ((given,) if isinstance(given, str) else several(given, option, "patterns"))
    )
    if not all(patterns):
        raise InputError(f"{option} holds an empty pattern; expected one as '*.jsonl' or 'data/**'")
    return patterns


class _Tables:
    """Where the tables are, found out when it matters: by their names, or by a look into one file of each suffix."""

    def __init__(self, found: Sequence[Found], text_field: str) -> None:
        self._found = found
        self._text_field = text_field
        self._folders: set[str] | None = None

    def are_below(self, folder: str) -> bool:
        """Whether a folder, with its `/`, or one below it holds tables."""
        if self._folders is None:
            self._folders = set(self._holding())
        return folder in self._folders

    def _holding(self) -> Iterable[str]:
        """The folders that hold tables, and those above them."""
        known: dict[tuple[str, str], bool] = {}
        for file in self._found:
            folder, slash, base = file.name.rpartition("/")
            if _OF_A_JOB.fullmatch(file.name) or _OF_A_DATA_SET.fullmatch(base):
                continue
            kind = (folder, base[base.find(".") :] if "." in base else "")
            if kind not in known:
                known[kind] = self._is_table(file, base)
                if known[kind]:
                    parts = (folder + slash).split("/")
                    yield from ("".join(f"{part}/" for part in parts[:n]) for n in range(len(parts)))

    def _is_table(self, file: Found, base: str) -> bool:
        format_, stem = format_of_name(base), stem_of(base)
        if format_ is None:
            return ("." not in stem or stem.endswith(".txt")) and self._holds_records(file)
        return format_ is not JSON or stem != base.lower() or self._holds_records(file)

    def _holds_records(self, file: Found) -> bool:
        try:
            with file.place.open() as raw, decompressed(raw, file.name) as (content, _):
                return holds_records(content.peek(1), self._text_field)
        except (OSError, UnreadableError):
            return False
