"""Write the documents of an index to a file of rows or of token ids."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias

from infgram.arguments import choice, flag, path as checked_path, text_or_none
from infgram.errors import QueryError
from infgram.exports.document_rows import DocumentRows
from infgram.exports.rows_file import PARQUET_SUFFIX, check_file, rows_file, rows_format
from infgram.exports.token_files import write_megatron, write_npy
from infgram.index import Index, StrPath, checked_index, end_of_text_of, tokenizer_or_none
from infgram.reprs import named_tuple_repr
from infgram.types import Int64Array
from infgram.watch import Progress, Watch

Format: TypeAlias = Literal["jsonl", "parquet", "npy", "megatron"]
Content: TypeAlias = Literal["text", "tokens"]

_TOKEN_FORMATS: Final[dict[str, Format]] = {".npy": "npy", ".bin": "megatron", ".idx": "megatron"}
_OTHER_NAMES: Final = "; or .npy or .bin, for token ids"
_ADVICE: Final = "export the token ids with content='tokens' (--tokens)"


class Exported(NamedTuple):
    """The result of `export`.

    Attributes:
        files: the files that were written.
        n_documents: the documents in them.
        n_tokens: the tokens of these documents, without end-of-text ids.
        end_of_text: the id after each document in a file of token ids; None if there is none.
    """

    files: tuple[Path, ...]
    n_documents: int
    n_tokens: int
    end_of_text: int | None

    def __repr__(self) -> str:
        return named_tuple_repr(self)


def export(
    index: Index,
    output: StrPath,
    *,
    format: Format | None = None,
    content: Content | None = None,
    text_field: str | None = None,
    end_of_text: int | None = None,
    overwrite: bool = False,
    timeout_s: float | None = None,
    progress: Progress | None = None,
) -> Exported:
    """Write all documents of an index to a file, in the order of their numbers. The file appears when it is complete.

    Building an index of the file gives the same documents again, numbered from 0: from rows of text with
    `infgram.build` and the tokenizer of the index, from `.npy` and `.bin` files with `infgram.TokenCorpus`, without
    their metadata and, from `.npy`, without empty documents. Rows of token ids are not read by a build.

    Args:
        index: the index.
        output: the file; its suffix selects the format: `.jsonl` or `.ndjson`, optionally followed by `.gz`, `.zst`,
            `.bz2` or `.xz`; `.parquet`; `.npy`; or `.bin`, with `.idx` beside it, for Megatron.
        format: the format, which must be that of the suffix; None for the format of the suffix.
        content: of a file of rows: `"text"`, with the metadata, `source` and `line` beside it; or `"tokens"`, the ids
            in place of the text. None for the text, or the tokens if the index has no tokenizer. `"text"` requires a
            lossless tokenizer, since any other may have changed the text.
        text_field: the field for the text, or for the token ids; None for `text` or `token_ids`.
        end_of_text: of a file of token ids: the id after each document, of the vocabulary or the first after it. None
            for the end-of-text token of the tokenizer in `.npy` files, and for no id in Megatron's, whose index has the
            ends of documents.
        overwrite: whether to replace existing files.
        timeout_s: the time limit in seconds; None for no limit.
        progress: called from time to time.

    Raises:
        QueryError: an argument does not fit the format, the output is in the folder of an index, or a document cannot
            be reproduced, contains the end-of-text id, or has a metadata field with the name of the text field.
        IndexExistsError: a file exists and `overwrite` is False.
        StorageError: the operating system refused.
        TimeLimitError: the time limit was exceeded.

    Examples:
        >>> import infgram, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with infgram.build_from_tokens([[1, 2], [3]], f"{folder}/x", vocab_size=5) as index:
        ...         infgram.export(index, f"{folder}/x.npy", end_of_text=5).n_documents
        2
    """
    watch = Watch(timeout_s, progress)
    path = Path(checked_path(output, "output"))
    check_file(path, overwrite=True)  # a folder is named as such, whatever its suffix
    found = _format(path, format)
    tokenizer = tokenizer_or_none(checked_index(index))
    overwrite = flag(overwrite, "overwrite")
    if found in ("jsonl", "parquet"):
        if end_of_text is not None:
            raise QueryError(f"end_of_text is for .npy and .bin files; a row of {path.name} is one document")
        how = choice(content, "content", (None, "text", "tokens")) or ("tokens" if tokenizer is None else "text")
        _write_rows(index, path, how, text_or_none(text_field, "text_field"), watch, overwrite=overwrite)
        return Exported((path,), index.n_documents, index.n_tokens, None)
    if content == "text" or text_field is not None:
        raise QueryError(f"content and text_field are for rows; {path.name} holds token ids")
    end = None if found == "megatron" and end_of_text is None else end_of_text_of(index, end_of_text)
    files = (path,) if found == "npy" else (path.with_suffix(".bin"), path.with_suffix(".idx"))
    for file in files:
        check_file(file, overwrite=overwrite)
    documents = _documents(index, watch)
    largest = max(index.vocab_size - 1, -1 if end is None else end)
    if end is not None and found == "npy":
        write_npy(path, documents, index.n_tokens + index.n_documents, largest, end)
    else:
        write_megatron(files[0], documents, largest, end)
    return Exported(files, index.n_documents, index.n_tokens, end)


def _format(path: Path, format: Format | None) -> Format:
    """Return the format of a file name.

    Raises:
        QueryError: the suffix is unknown, or is that of another format.
    """
    choice(format, "format", (None, "jsonl", "parquet", "npy", "megatron"))
    found: Format | None = _TOKEN_FORMATS.get(path.suffix.lower())
    if found is None:
        found = "parquet" if rows_format(path, _OTHER_NAMES) == PARQUET_SUFFIX else "jsonl"
    if format is not None and format != found:
        names = {"jsonl": ".jsonl or .jsonl.zst", "parquet": ".parquet", "npy": ".npy", "megatron": ".bin"}[format]
        raise QueryError(f"the format is {format}, but the name of the output is {path.name!r}; expected {names}")
    return found


def _write_rows(
    index: Index, path: Path, content: Content, text_field: str | None, watch: Watch, *, overwrite: bool
) -> None:
    rows = DocumentRows(index, text_field or ("text" if content == "text" else "token_ids"), _ADVICE)
    if content == "text":
        rows.check_text()
    with rows_file(path, overwrite=overwrite) as write:
        for number, token_ids in _documents(index, watch):
            write(rows.row(number, rows.text(number, token_ids) if content == "text" else token_ids.tolist()))


def _documents(index: Index, watch: Watch) -> Iterator[tuple[int, Int64Array]]:
    """Yield the number and the token ids of each document, ascending."""
    for n_done, number in enumerate(index.document_ids()):
        watch.report("write", n_done, index.n_documents, "documents")
        yield number, index.document_tokens(number)
