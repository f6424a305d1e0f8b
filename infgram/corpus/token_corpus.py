"""The corpus of files that hold token ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeAlias

from infgram.arguments import at_least, choice, flag, integer
from infgram.corpus.fingerprint import fingerprint
from infgram.corpus.readers.megatron import MegatronFile
from infgram.corpus.readers.token_arrays import TokenArrayFile, TokenBatch, TokenType, join_pieces, open_npy, open_raw
from infgram.corpus.sources.files import LocalLocation
from infgram.corpus.sources.inputs import Inputs, list_inputs, names_of
from infgram.corpus.sources.selection import EVERYTHING
from infgram.errors import InputError
from infgram.reprs import ShortRepr

_TokenFile: TypeAlias = TokenArrayFile | MegatronFile
_SUFFIXES: Final = (".npy", ".bin", ".idx")
_LARGEST_ID: Final = (1 << 32) - 1


class TokenCorpus(ShortRepr):
    """Documents of token ids streamed from files, always in the same order.

    A `.bin` file with an `.idx` file beside it has Megatron's format. Any other `.bin` file is raw, as nanoGPT writes
    it, and needs `dtype`. An `.npy` file holds one row of integers. Files are read in slices.

    Not thread-safe.

    Attributes:
        n_files: the number of token files.
        n_bytes: bytes of all token files.
        vocab_size: token ids are from 0 to `vocab_size - 1`.

    Examples:
        >>> import numpy as np
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     np.save(Path(folder, "a.npy"), np.array([3, 1, 2, 9, 1, 2, 9]))
        ...     corpus = TokenCorpus(Path(folder, "a.npy"), vocab_size=9, end_of_text=9)
        ...     [(batch.token_ids.tolist(), batch.lengths.tolist()) for batch in corpus.batches()]
        [([3, 1, 2, 1, 2], [3, 2])]
    """

    _repr_fields = ("n_files", "n_bytes", "vocab_size")

    def __init__(
        self,
        path: Inputs,
        *,
        vocab_size: int,
        dtype: TokenType | None = None,
        end_of_text: int | None = None,
        follow_links: bool = False,
    ) -> None:
        """List the files without reading them.

        Args:
            path: one or several folders, files or patterns on this machine, as for `Corpus`.
            vocab_size: token ids are from 0 to `vocab_size - 1`.
            dtype: the integer type of raw `.bin` files; other formats declare it.
            end_of_text: the id that separates documents in `.npy` and raw `.bin` files; it belongs to no document and
                need not be in the vocabulary. With None, each file is one document. In Megatron's files the index
                determines the documents, and an end-of-text id at the end of a document is dropped.
            follow_links: as for `Corpus`.

        Raises:
            InputError: an input does not exist or is not a token file, or an argument is out of range.
            QueryError: an argument has the wrong type or is not one of the choices.
        """
        if not 1 <= integer(vocab_size, "vocab_size") <= _LARGEST_ID:
            raise InputError(f"vocab_size is {vocab_size}; expected 1 to {_LARGEST_ID}")
        choice(dtype, "dtype", (None, "uint16", "uint32"))
        if end_of_text is not None and not 0 <= integer(end_of_text, "end_of_text") <= _LARGEST_ID:
            raise InputError(f"end_of_text is {end_of_text}; expected a token id, or None")
        self.inputs = names_of(path)
        self.vocab_size, self._dtype, self._end_of_text = vocab_size, dtype, end_of_text
        self._paths = _token_paths(self.inputs, follow_links=flag(follow_links, "follow_links"))
        self.n_files = len(self._paths)
        self.n_bytes = sum(path.stat().st_size for path in self._paths)
        self._finished_bytes = 0
        self._file: _TokenFile | None = None

    @property
    def bytes_read(self) -> int:
        """Bytes that the latest `batches()` has read; `n_bytes` at the end."""
        return self._finished_bytes + (0 if self._file is None else self._file.n_bytes_read)

    def fingerprint(self) -> str:
        """Return a digest as `Corpus.fingerprint`, of the token files, their indexes and the read options."""
        indexes = (path.with_suffix(".idx") for path in self._paths)
        paths = [*self._paths, *(path for path in indexes if path.exists())]
        how = [self.vocab_size, self._dtype, self._end_of_text]
        return fingerprint(((path.name, LocalLocation(path)) for path in paths), how)

    def batches(self, batch_tokens: int = 1 << 20, *, whole_documents: bool = False) -> Iterator[TokenBatch]:
        """Yield all documents in batches, from the beginning; reset `bytes_read`.

        Args:
            batch_tokens: the maximum number of tokens in a batch; longer documents are yielded in pieces.
            whole_documents: yield long documents whole, at the cost of their size in memory.

        Raises:
            InputError: a file is truncated or inconsistent, or a token id is outside the vocabulary: names the file
                and the position. At the end: there was no document.
        """
        batches = self._pieces(at_least(batch_tokens, 1, "batch_tokens"))
        return join_pieces(batches) if flag(whole_documents, "whole_documents") else batches

    def _pieces(self, batch_tokens: int) -> Iterator[TokenBatch]:
        self._finished_bytes, self._file = 0, None
        n_batches = 0
        for path in self._paths:
            try:
                self._file = self._open(path)
                for batch in self._file.batches(batch_tokens):
                    n_batches += 1
                    yield batch
                n_bytes = path.stat().st_size
            except OSError as error:
                raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
            self._file = None
            self._finished_bytes += n_bytes
        if n_batches == 0:
            raise InputError(f"{', '.join(self.inputs[:3])}: no document found in {self.n_files} token files")

    def _open(self, path: Path) -> _TokenFile:
        index = path.with_suffix(".idx")
        for file in (path, index) if index.exists() else (path,):
            if not file.is_file():  # a pipe might never end
                raise InputError(f"{file}: this is not a regular file")
        if path.suffix.lower() == ".npy":
            return TokenArrayFile(path, open_npy(path, self._dtype), self.vocab_size, self._end_of_text)
        if index.exists():
            return MegatronFile(path, self._dtype, self.vocab_size, self._end_of_text)
        return TokenArrayFile(path, open_raw(path, self._dtype), self.vocab_size, self._end_of_text)


def _token_paths(inputs: Sequence[str], *, follow_links: bool) -> list[Path]:
    """List the token files; an `.idx` file selects its `.bin` file."""
    listed = list_inputs(inputs, replace(EVERYTHING, follow_links=follow_links))
    listed.check_complete()
    paths: dict[Path, None] = {}
    for file in listed.files:
        if not isinstance(file.location, LocalLocation):
            raise InputError(f"{file.location}: token files must be on this machine")
        path = file.location.path
        if path.suffix.lower() not in _SUFFIXES:
            raise InputError(f"{path}: expected a token file: {', '.join(_SUFFIXES)}")
        path = path.with_suffix(".bin") if path.suffix.lower() == ".idx" else path
        if not path.is_file():
            raise InputError(f"{path}: no such file; expected it beside its index")
        paths[path] = None
    return list(paths)
