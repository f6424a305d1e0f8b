"""The corpus that is token ids already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from infgram.arguments import at_least, choice, flag, integer
from infgram.corpus.fingerprint import fingerprint
from infgram.corpus.readers.megatron import MegatronFile
from infgram.corpus.readers.token_arrays import TokenArrayFile, TokenType, map_npy, map_raw
from infgram.corpus.sources.files import LocalPlace
from infgram.corpus.sources.inputs import Inputs, list_inputs, names_of
from infgram.corpus.token_batches import TokenBatch, join_pieces
from infgram.errors import InputError
from infgram.reprs import ShortRepr

_TokenFile: TypeAlias = TokenArrayFile | MegatronFile
_SUFFIXES: Final = (".npy", ".bin", ".idx")
_LARGEST_ID: Final = (1 << 32) - 1


class TokenCorpus(ShortRepr):
    """Documents of token ids streamed from files, always in the same order.

    A `.bin` beside which an `.idx` lies is Megatron's; any other `.bin` is raw, as nanoGPT writes it, and its
    type must be given; an `.npy` holds one row of integers. Files are mapped, never read whole.

    Not for use by several threads at once.

    Attributes:
        n_files: how many files of tokens the input has.
        n_bytes: bytes of them.
        vocab_size: ids go from 0 to `vocab_size - 1`.

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
        self, path: Inputs, *, vocab_size: int, dtype: TokenType | None = None, end_of_text: int | None = None
    ) -> None:
        """List the files; nothing is read yet.

        Args:
            path: one or several folders, files or patterns, as for `Corpus`, on this machine.
            vocab_size: ids go from 0 to `vocab_size - 1`.
            dtype: the integers of raw `.bin` files; other files say it themselves.
            end_of_text: the id between documents in `.npy` and raw `.bin` files, which is not part of them (it need
                not be in the vocabulary); None: each file is one document. In Megatron's files the index says
                where documents end, and one such id at the end of a document is dropped.

        Raises:
            InputError: an input does not exist or is no file of tokens, or an argument is out of range.
            QueryError: an argument is of a wrong type, or none of its choices.
        """
        if not 1 <= integer(vocab_size, "vocab_size") <= _LARGEST_ID:
            raise InputError(f"vocab_size is {vocab_size}; expected 1 to {_LARGEST_ID}")
        choice(dtype, "dtype", (None, "uint16", "uint32"))
        if end_of_text is not None and not 0 <= integer(end_of_text, "end_of_text") <= _LARGEST_ID:
            raise InputError(f"end_of_text is {end_of_text}; expected a token id, or None")
        self.inputs = names_of(path)
        self.vocab_size, self._dtype, self._end_of_text = vocab_size, dtype, end_of_text
        self._paths = _token_paths(self.inputs)
        self.n_files = len(self._paths)
        self.n_bytes = sum(path.stat().st_size for path in self._paths)
        self._finished_bytes = 0
        self._file: _TokenFile | None = None

    @property
    def bytes_read(self) -> int:
        """Bytes that the latest `batches()` has read; `n_bytes` when it is through."""
        return self._finished_bytes + (0 if self._file is None else self._file.n_bytes_read)

    def fingerprint(self) -> str:
        """As `Corpus.fingerprint`, of the files of tokens, their indexes and how they are read."""
        indexes = (path.with_suffix(".idx") for path in self._paths)
        paths = [*self._paths, *(path for path in indexes if path.exists())]
        how = [self.vocab_size, self._dtype, self._end_of_text]
        return fingerprint(((path.name, LocalPlace(path)) for path in paths), how)

    def batches(self, batch_tokens: int = 1 << 20, *, whole_documents: bool = False) -> Iterator[TokenBatch]:
        """All documents, from the beginning, several a batch; `bytes_read` starts anew.

        Args:
            batch_tokens: a batch holds at most so many; a longer document comes in pieces.
            whole_documents: give long documents whole nevertheless, in the memory that they take.

        Raises:
            InputError: a file is cut short, contradicts itself, or holds an id outside the vocabulary: names the
                file and the place. At the end: there was no document.
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
            raise InputError(f"{', '.join(self.inputs[:3])}: no document found in {self.n_files} files of tokens")

    def _open(self, path: Path) -> _TokenFile:
        if path.suffix.lower() == ".npy":
            return TokenArrayFile(path, map_npy(path, self._dtype), self.vocab_size, self._end_of_text)
        if path.with_suffix(".idx").exists():
            return MegatronFile(path, self._dtype, self.vocab_size, self._end_of_text)
        return TokenArrayFile(path, map_raw(path, self._dtype), self.vocab_size, self._end_of_text)


def _token_paths(inputs: Sequence[str]) -> list[Path]:
    """The files of tokens; an index stands for its `.bin` unless that is named too."""
    listed = list_inputs(inputs)
    for unlisted in listed.unlisted:
        raise InputError(f"{unlisted.source}: {unlisted.reason}")
    paths: dict[Path, None] = {}
    for file in listed.files:
        if not isinstance(file.place, LocalPlace):
            raise InputError(f"{file.place}: files of tokens are mapped, so they must be on this machine")
        path = file.place.path
        if path.suffix.lower() not in _SUFFIXES:
            raise InputError(f"{path}: expected a file of tokens: {', '.join(_SUFFIXES)}")
        path = path.with_suffix(".bin") if path.suffix.lower() == ".idx" else path
        if not path.is_file():
            raise InputError(f"{path}: no such file; expected it beside its index")
        paths[path] = None
    return list(paths)
