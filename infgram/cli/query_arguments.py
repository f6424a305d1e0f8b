"""Open the index of a command, and read its query: a text or token ids."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from infgram.cli.output import note
from infgram.errors import IndexNotFoundError, InputError, QueryError

if TYPE_CHECKING:
    from infgram.index import Index


@dataclass(frozen=True)
class EncodedQuery:
    """A query in the tokens of an index.

    Attributes:
        token_ids: the ids given, or the text encoded by the index's tokenizer.
        tokens: the text of each id; None if the index has no tokenizer.
    """

    token_ids: list[int]
    tokens: list[str] | None


def open_index(location: str, tokenizer: str | None = None, *, quiet: bool = False) -> Index:
    """Open the index at a path or URL; `tokenizer` as for `infgram.open`.

    Unless `quiet`, a note names the subfolders that are read as one index of infini-gram.

    Raises:
        IndexNotFoundError: there is no index. If the path is that of the corpus, the message suggests its index.
    """
    import infgram
    from infgram.infini_gram import InfiniGramIndex

    try:
        index = infgram.open(location, tokenizer=tokenizer)
    except IndexNotFoundError as error:
        path = Path(location)
        beside = path.with_name(f"{path.name}.infgram") if path.name else path
        if beside == path or not beside.is_dir():
            raise
        raise IndexNotFoundError(f"{error}; did you mean {beside}?") from error
    if not quiet and isinstance(index, InfiniGramIndex) and (subfolders := index.subfolders_in_words()):
        note(subfolders)
    return index


def query_argument(text: str | None, token_ids: str | None) -> str | list[int]:
    """Return the text or the token ids of the command line.

    Raises:
        typer.BadParameter: neither or both were given, or the ids are not integers.
        QueryError: standard input is not UTF-8.
    """
    if token_ids is not None:
        if text is not None:
            raise typer.BadParameter("pass either a TEXT or --token-ids, not both")
        return _parsed_ids(token_ids)
    if text is None:
        raise typer.BadParameter("the query is missing; pass a TEXT, - for standard input, or --token-ids")
    return _standard_input() if text == "-" else _argument(text)


def query_in_file(file: str, ids: bool) -> str | list[int]:
    """Read a text or token ids from a file or from standard input (`-`).

    Raises:
        InputError: the file cannot be read, or is not UTF-8.
        QueryError: standard input is not UTF-8, or a token id is not an integer.
    """
    if not ids:
        return _standard_input() if file == "-" else _file_text(Path(file))
    text = _standard_input_text() if file == "-" else _file_text(Path(file))
    token_ids: list[int] = []
    for part in text.strip().strip("[]").replace(",", " ").split():
        try:
            token_ids.append(int(part))
        except ValueError as error:
            raise QueryError(
                f"{file}: {part[:40]!r} is not a token id; expected integers separated by spaces or commas, for "
                "example 17 4 256"
            ) from error
    return token_ids


def lines_of_file(file: str) -> list[str]:
    """Return the lines of a file or of standard input (`-`), without empty ones and spaces around them.

    Raises:
        InputError: the file cannot be read, or is not UTF-8.
        QueryError: standard input is not UTF-8.
    """
    text = _standard_input_text() if file == "-" else _file_text(Path(file))
    return [line.strip() for line in text.split("\n") if line.strip()]


def _file_text(path: Path) -> str:
    try:
        return _decoded(path.read_bytes(), str(path))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def _decoded(data: bytes, name: str) -> str:
    """Decode UTF-8, without a byte order mark, as for the documents of a corpus."""
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        from infgram.corpus.readers.text import why_not_utf8

        raise InputError(f"{name}: {why_not_utf8(error, data)}") from error


def encode_query(index: Index, query: str | list[int]) -> EncodedQuery:
    """Return the query in the tokens of the index.

    Raises:
        QueryError: an id is not in the vocabulary, or the query is a text and the index has no tokenizer.
    """
    if isinstance(query, list):
        index.count(query)  # checks the ids
        return EncodedQuery(query, tokens_of(index, query))
    require_tokenizer(index)
    token_ids = index.tokenizer.encode(query).tolist()
    return EncodedQuery(token_ids, tokens_of(index, token_ids))


def require_tokenizer(index: Index) -> None:
    """Raise QueryError if the index cannot encode text."""
    if not has_tokenizer(index):
        raise QueryError(f"{index.paths[0]} was built from token ids and has no tokenizer; use --token-ids")


def has_tokenizer(index: Index) -> bool:
    """Return whether the index has a tokenizer."""
    from infgram.index import tokenizer_or_none

    return tokenizer_or_none(index) is not None


def tokens_of(index: Index, token_ids: Sequence[int]) -> list[str] | None:
    """Return the text of each id, or None if the index has no tokenizer."""
    return index.tokenizer.tokens(token_ids) if has_tokenizer(index) else None


def text_of(index: Index, token_ids: Sequence[int]) -> str:
    """Return the ids as text, or as numbers if the index has no tokenizer."""
    if has_tokenizer(index):
        return index.tokenizer.decode(token_ids)
    return ",".join(map(str, token_ids))


def _parsed_ids(token_ids: str) -> list[int]:
    parts = token_ids.replace(",", " ").split()
    try:
        return [int(part) for part in parts]
    except ValueError as error:
        raise typer.BadParameter(
            f"{token_ids!r} is not a list of token ids; expected integers separated by commas, for example 17,4,256",
            param_hint="--token-ids",
        ) from error


def _argument(text: str) -> str:
    """Decode the bytes of the argument as UTF-8 under every locale."""
    try:
        return os.fsencode(text).decode("utf-8")
    except UnicodeError:  # not UTF-8, which the tokenizer reports, or not in the encoding of the locale
        return text


def standard_input(expected: str) -> bytes:
    """Read all bytes of standard input.

    Raises:
        InputError: it is closed or cannot be read. The message has what was expected there.
    """
    if sys.stdin is None:
        raise InputError(f"standard input is closed; expected {expected}")
    try:
        return sys.stdin.buffer.read()
    except OSError as error:
        raise InputError(f"standard input cannot be read: {error.strerror or error}") from error


def _standard_input_text() -> str:
    try:
        return _decoded(standard_input("a text, which may be empty (< /dev/null)"), "standard input")
    except InputError as error:
        raise QueryError(str(error)) from error


def _standard_input() -> str:
    """Return the query in standard input."""
    text = _standard_input_text()
    if text.find("\n") == len(text) - 1 and text != "\n" and text:
        note("the text ends with a line feed, which is part of the query; printf %s writes a text without one")
    return text
