"""Select the files to read: by the caller's patterns, or by excluding known by-products of jobs and data sets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from infgram.arguments import several, text
from infgram.corpus.documents import Skipped, UnreadableError
from infgram.corpus.readers.formats import JSON, format_of_name
from infgram.corpus.sources.decompression import decompressed, stem_of
from infgram.corpus.sources.files import InputFile
from infgram.corpus.sources.listing import FILES_OF_AN_INDEX, fits
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

_OF_INFINI_GRAM: Final = re.compile(
    r"(?P<folder>(?:.*/)?)(?P<kind>tokenized|table|offset|metadata|metaoff|unigram)(?P<shard>\.\d+)?"
)
_OF_A_BUILD: Final = re.compile(r"(.*[^/])\.partial/(?:index/.*|index\.old/.*|build\.json|plan\.json)")


@dataclass(frozen=True)
class Selection:
    """The rules that select files of an input.

    Attributes:
        include: patterns; if there are any, only matching files are read.
        exclude: patterns of files that are not read.
        is_automatic: whether, without `include`, to exclude files without documents: markers and checksums of jobs,
            and descriptions beside the data of a data set.
        text_field: the text field, which distinguishes data from other JSON.
        follow_links: whether to follow links that lead out of an input folder.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    is_automatic: bool = True
    text_field: str = field(default="text")
    follow_links: bool = False

    def apply(self, files: Sequence[InputFile], *, is_named: bool) -> tuple[list[InputFile], list[Skipped]]:
        """Split the files of one input into selected and excluded files.

        Args:
            files: the files of one input.
            is_named: whether the input is a single file, which only a pattern excludes.
        """
        selected: list[InputFile] = []
        excluded: list[Skipped] = []
        tables = _Tables(files, self.text_field)
        for file in files:
            reason = self._reason(file.source, None if is_named else tables)
            if reason is None:
                selected.append(file)
            else:
                excluded.append(Skipped(file.source, None, reason))
        return selected, excluded

    def refuses(self, link: str) -> bool:
        """Return whether a link that is not followed may hide a file to read."""
        name = link.removesuffix("/")
        return not any(fits(name, pattern) for pattern in self.exclude) and (
            link != name or not self.include or any(fits(name, pattern) for pattern in self.include)
        )

    def _reason(self, name: str, tables: _Tables | None) -> str | None:
        """Return why a file is excluded; None if it is selected."""
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


MOST_NAMES: Final = 3  # in a message
EVERYTHING: Final = Selection(is_automatic=False)


def without_indexes(files: Sequence[InputFile]) -> tuple[list[InputFile], list[Skipped]]:
    """Remove the indexes below an input, of this program and of infini-gram, and the working folders of builds.

    A corpus folder may hold its own index, which must not become a part of the corpus.

    Returns:
        The other files, and one entry for each folder.
    """
    names = {file.source for file in files}
    manifest, tokens = FILES_OF_AN_INDEX
    folders = {name.removesuffix(manifest) for name in names if name.rpartition("/")[2] == manifest}
    folders = {folder for folder in folders if folder + tokens in names}
    for name in names:
        working = _OF_A_BUILD.match(name)
        if working is not None:
            folders.update((f"{working[1]}.partial/", f"{working[1]}/"))
    theirs = _files_of_infini_gram(names)
    if not folders and not theirs:
        return list(files), []
    kept = [
        file
        for file in files
        if file.source not in theirs and not any(parent in folders for parent in _parents(file.source))
    ]
    found = {name[: name.rfind("/") + 1]: "an index of infini-gram; infgram convert reads it" for name in theirs}
    ours = {parent for name in names for parent in _parents(name)} & folders
    found.update(dict.fromkeys(ours, "an index, or an unfinished one"))
    return kept, [Skipped(folder or ".", None, found[folder]) for folder in sorted(found)]


def _files_of_infini_gram(names: Iterable[str]) -> set[str]:
    """Return the files of all shards with a text, a suffix array and the places of documents."""
    shards: dict[tuple[str, str | None], dict[str, str]] = {}
    for name in names:
        if (match := _OF_INFINI_GRAM.fullmatch(name)) is not None:
            shards.setdefault((match["folder"], match["shard"]), {})[match["kind"]] = name
    complete = (shard for shard in shards.values() if {"tokenized", "table", "offset"} <= shard.keys())
    return {name for shard in complete for name in shard.values()}


def _parents(name: str) -> list[str]:
    """Return the folders that hold a file, each with its final `/`, and the input folder, which is empty."""
    parts = name.split("/")[:-1]
    return ["".join(f"{part}/" for part in parts[:n]) for n in range(len(parts) + 1)]


def patterns_of(given: str | Iterable[str], option: str) -> tuple[str, ...]:
    """Return the patterns of an option as a tuple.

    Raises:
        InputError: a pattern is empty.
        QueryError: a pattern is not a string, or the patterns are not a sequence.
    """
    patterns = tuple(
        text(pattern, option)
        for pattern in ((given,) if isinstance(given, str) else several(given, option, "patterns"))
    )
    if not all(patterns):
        raise InputError(f"{option} contains an empty pattern; expected a pattern such as '*.jsonl' or 'data/**'")
    return patterns


class _Tables:
    """The folders with tables, determined on first use by file names and by one file of each other suffix."""

    def __init__(self, files: Sequence[InputFile], text_field: str) -> None:
        self._files = files
        self._text_field = text_field
        self._folders: set[str] | None = None

    def are_below(self, folder: str) -> bool:
        """Return whether a folder (with its final `/`) or one of its subfolders holds tables."""
        if self._folders is None:
            self._folders = set(self._folders_with_tables())
        return folder in self._folders

    def _folders_with_tables(self) -> Iterable[str]:
        """Yield the folders that hold tables, and their parents."""
        known: dict[tuple[str, str], bool] = {}
        for file in self._files:
            folder, _, base = file.source.rpartition("/")
            if _OF_A_JOB.fullmatch(file.source) or _OF_A_DATA_SET.fullmatch(base):
                continue
            kind = (folder, base[base.find(".") :] if "." in base else "")
            if kind not in known:
                known[kind] = self._is_table(file, base)
                if known[kind]:
                    yield from _parents(file.source)

    def _is_table(self, file: InputFile, base: str) -> bool:
        format_, stem = format_of_name(base), stem_of(base)
        if format_ is None:
            return ("." not in stem or stem.endswith(".txt")) and self._holds_records(file)
        return format_ is not JSON or stem != base.lower() or self._holds_records(file)

    def _holds_records(self, file: InputFile) -> bool:
        try:
            with file.location.open() as raw, decompressed(raw, file.source) as (content, _):
                return holds_records(content.peek(1), self._text_field)
        except (OSError, UnreadableError):
            return False


def first_names(names: Sequence[str], n: int) -> str:
    """Return the first of `n` names, and the number of the others."""
    shown = ", ".join(names[:MOST_NAMES])
    return shown if n <= MOST_NAMES else f"{shown} and {n - MOST_NAMES:,} more"
