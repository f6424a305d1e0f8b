"""What the user asks: an open index, and a text or token ids."""

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

_HOW_TO_ASK = "give a TEXT, - for standard input, or --token-ids"


@dataclass(frozen=True)
class Question:
    """What was asked.

    Attributes:
        token_ids: as asked, or as the index's tokenizer encodes the text.
        tokens: each id as text; None if the index holds no tokenizer.
    """

    token_ids: list[int]
    tokens: list[str] | None


def open_index(place: str) -> Index:
    """The index at a path or URL.

    Raises:
        IndexNotFoundError: there is none; a hint follows where the user named the corpus instead.
    """
    import infgram

    try:
        return infgram.open(place)
    except IndexNotFoundError as error:
        path = Path(place)
        beside = path.with_name(f"{path.name}.infgram") if path.name else path
        if beside == path or not beside.is_dir():
            raise
        raise IndexNotFoundError(f"{error}; did you mean {beside}?") from error


def given(text: str | None, token_ids: str | None) -> str | list[int]:
    """The text or the token ids of the command line, read before anything is opened.

    Raises:
        typer.BadParameter: neither or both were given, or the ids are no integers.
        QueryError: standard input is not UTF-8.
    """
    if token_ids is not None:
        if text is not None:
            raise typer.BadParameter(f"both a TEXT and --token-ids; {_HOW_TO_ASK}")
        return _integers(token_ids)
    if text is None:
        raise typer.BadParameter(f"nothing to ask; {_HOW_TO_ASK}")
    return _standard_input() if text == "-" else _argument(text)


def given_file(file: str, ids: bool) -> str | list[int]:
    """The text, or the token ids, of a file or of standard input (`-`), read before anything is opened.

    Raises:
        InputError: the file cannot be read, or is not UTF-8.
        QueryError: standard input is not UTF-8, or what should be token ids is not.
    """
    text = _standard_input() if file == "-" else _file_text(Path(file))
    if not ids:
        return text
    try:
        return [int(part) for part in text.strip().strip("[]").replace(",", " ").split()]
    except ValueError as error:
        raise QueryError(
            f"{file}: {error}; expected token ids with spaces or commas between, as [17, 4, 256]"
        ) from error


def _file_text(path: Path) -> str:
    try:
        return _decoded(path.read_bytes(), str(path))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def _decoded(data: bytes, name: str) -> str:
    """UTF-8 without its byte order mark, as in the documents of a corpus."""
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        from infgram.corpus.readers.text import why_not_utf8

        raise InputError(f"{name}: {why_not_utf8(error, data)}") from error


def ask(index: Index, asked: str | list[int]) -> Question:
    """The question in the index's tokens.

    Raises:
        QueryError: an id is not in the vocabulary, or a text is asked of an index without a tokenizer.
    """
    if isinstance(asked, list):
        index.count(asked)  # checks the ids
        return Question(asked, tokens_of(index, asked))
    require_tokenizer(index)
    token_ids = index.tokenizer.encode(asked).tolist()
    return Question(token_ids, tokens_of(index, token_ids))


def require_tokenizer(index: Index) -> None:
    """Raise QueryError if the index cannot encode text."""
    if not has_tokenizer(index):
        raise QueryError(f"{index.paths[0]} was built from token ids and holds no tokenizer; ask with --token-ids")


def has_tokenizer(index: Index) -> bool:
    """Whether the index can encode and decode text."""
    return index._tokenizer_or_none() is not None


def tokens_of(index: Index, token_ids: Sequence[int]) -> list[str] | None:
    """Each id as text, or None if the index holds no tokenizer."""
    return index.tokenizer.tokens(token_ids) if has_tokenizer(index) else None


def text_of(index: Index, token_ids: Sequence[int]) -> str:
    """The ids as text; as numbers if the index holds no tokenizer."""
    if has_tokenizer(index):
        return index.tokenizer.decode(token_ids)
    return ",".join(map(str, token_ids))


def _integers(token_ids: str) -> list[int]:
    parts = token_ids.replace(",", " ").split()
    try:
        return [int(part) for part in parts]
    except ValueError as error:
        raise typer.BadParameter(
            f"{token_ids!r} is no list of token ids; expected integers with commas between, as 17,4,256",
            param_hint="--token-ids",
        ) from error


def _argument(text: str) -> str:
    """The argument's bytes as UTF-8, even under a locale that reads them otherwise."""
    try:
        return os.fsencode(text).decode("utf-8")
    except UnicodeError:  # no UTF-8, which the tokenizer will say; or characters that the locale's encoding lacks
        return text


def standard_input(expected: str) -> bytes:
    """All bytes of standard input.

    Raises:
        InputError: it is closed, which says what is expected there, or cannot be read.
    """
    if sys.stdin is None:
        raise InputError(f"standard input is closed; expected {expected}")
    try:
        return sys.stdin.buffer.read()
    except OSError as error:
        raise InputError(f"standard input cannot be read: {error.strerror or error}") from error


def _standard_input() -> str:
    try:
        data = standard_input("a text there ('-'), which may be empty: < /dev/null")
        text = _decoded(data, "standard input")
    except InputError as error:
        raise QueryError(str(error)) from error
    if text.find("\n") == len(text) - 1 and text != "\n" and text:
        note("the text ends with a line feed, which is part of it; printf %s writes a text without one, echo does not")
    return text
