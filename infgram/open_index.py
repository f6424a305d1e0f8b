"""An open index: its folders, description and documents, and its life cycle."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeVar

from infgram.arguments import at_least, callback
from infgram.engine import Engine
from infgram.errors import IndexClosedError, IndexDamagedError, IndexNotFoundError, StorageError, TokenizerError
from infgram.files.manifest import FILE_NAME, Manifest, ShardEntry, SkippedEntry
from infgram.files.sections import MappedFiles
from infgram.provenance import Provenance
from infgram.reprs import MOST_CHARACTERS, cut
from infgram.shards import check_one_tokenizer, document_batches, open_shards, verify_shards
from infgram.snippets import DocumentText
from infgram.tokenizers import SavedTokenizer, Tokenizer
from infgram.types import Document, Int64Array, Load

AnyIndex = TypeVar("AnyIndex", bound="OpenIndex")

_GENERATION: Final = re.compile(r"\.\d+(?=\.bin$)")  # in the names of files with removed documents
_DOCUMENTS_AT_ONCE: Final = 4096


class OpenIndex:
    """The part of `infgram.Index` that does not answer queries: opening, description, documents, verification."""

    _mapped_files = MappedFiles(())  # replaced where files are mapped

    def __init__(
        self, paths: Sequence[Path], *, load: Load = "map", origin: Callable[[], Sequence[Path]] | None = None
    ) -> None:
        """Use `infgram.open`.

        Args:
            paths: the folders.
            load: as for `infgram.open`.
            origin: returns the folders when a pickled index is opened again; None for `paths`.
        """
        paths = [path.absolute() for path in paths]
        self._origin, self._load = origin or partial(_unchanged, paths), load
        manifests = _read_manifests(paths)
        while True:
            try:
                return self._open(paths, manifests)
            except (IndexDamagedError, IndexNotFoundError, StorageError):
                earlier, manifests = manifests, _read_manifests(paths)
                if manifests == earlier:
                    raise  # otherwise the index was changed meanwhile, and files of the state before it removed

    def _open(self, paths: Sequence[Path], manifests: Sequence[Manifest]) -> None:
        """Open the state that manifests describe."""
        load, shards = self._load, _shards_of(paths, manifests)
        files = [] if load == "ram" else [folder / name for folder, shard in shards for name in shard.files]
        self._mapped_files = MappedFiles(files, [path / FILE_NAME for path in paths])
        self._set_up(paths, manifests, lambda: open_shards(shards, load))
        found, expected = self.vocab_size, max(manifest.vocab_size for manifest in manifests)
        if found != expected:
            self.close()
            raise IndexDamagedError(
                f"{paths[0]} has a vocabulary of {found} tokens, expected {expected} by the manifest; rebuild the index"
            )

    def _set_up(self, paths: Sequence[Path], manifests: Sequence[Manifest], open_engine: Callable[[], Engine]) -> None:
        """Set every attribute that the methods use, for this class and its subclasses.

        Args:
            paths: folders with tokenizers; afterwards they are used in messages only.
            manifests: the manifest of each folder.
            open_engine: called once the tokenizers are known to be equal.
        """
        self._paths, self._manifests = tuple(paths), list(manifests)
        self._saved_tokenizers: list[SavedTokenizer | None] = []
        self._open_tokenizers(paths, manifests)
        self._tokenizer: Tokenizer | None = None
        self._open_core: Engine | None = open_engine()

    def _open_tokenizers(self, paths: Sequence[Path], manifests: Sequence[Manifest]) -> None:
        """Open the files of the tokenizers, and check that they are equal."""
        self._saved_tokenizers = [
            None if manifest.tokenizer is None else SavedTokenizer(manifest.tokenizer.kind, path / "tokenizer")
            for path, manifest in zip(paths, manifests, strict=True)
        ]
        check_one_tokenizer(paths, manifests, self._saved_tokenizers)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The folders that were opened."""
        return self._paths

    @property
    def is_local(self) -> bool:
        """Whether the files are on this machine, so that a query takes microseconds."""
        return True

    @property
    def n_tokens(self) -> int:
        """The number of tokens of the corpus, without separators."""
        return self._core.n_tokens

    @property
    def n_documents(self) -> int:
        """The number of documents of the corpus."""
        return self._core.n_documents

    @property
    def n_shards(self) -> int:
        """The number of shards in all folders."""
        return self._core.n_shards

    @property
    def vocab_size(self) -> int:
        """The size of the vocabulary: token ids are from 0 to `vocab_size - 1`."""
        return self._core.vocab_size

    @property
    def token_width_bits(self) -> int:
        """The width of a stored token in bits: 8, 16 or 32."""
        return self._core.token_bits

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer the index was built with, loaded on first use.

        Raises:
            TokenizerError: the index was built from token ids and has no tokenizer.
        """
        if self._tokenizer is None:
            largest = max(range(len(self._manifests)), key=lambda number: self._manifests[number].vocab_size)
            tokenizer = self._checked_tokenizer(largest)
            if tokenizer is None:
                path = self._paths[0]
                raise TokenizerError(f"{path} was built from token ids and holds no tokenizer; query with token ids")
            self._tokenizer = tokenizer
        return self._tokenizer

    @property
    def skipped(self) -> tuple[SkippedEntry, ...]:
        """The input that the build skipped because it could not be read, each with source, line and reason."""
        return tuple(entry for manifest in self._manifests for entry in manifest.skipped)

    def info(self) -> dict[str, Any]:
        """Describe the index as a JSON object: counts, versions, tokenizer, and sizes in bytes by section.

        `bytes_per_token` covers all sections except the metadata and sources of documents; None without tokens.
        `directory_bytes` is the size of the sections that every search uses and that opening reads into memory.
        `generation` is the number of changes since the build. Removed documents are in no other number except sizes.
        """
        shards = [shard for manifest in self._manifests for shard in manifest.shards]
        section_bytes: dict[str, int] = {}
        for shard in shards:
            for file, section in shard.files.items():
                name = _GENERATION.sub("", file)
                section_bytes[name] = section_bytes.get(name, 0) + section.size_bytes
        searchable = sum(size for name, size in section_bytes.items() if not name.startswith(("metadata", "source")))
        first, saved = self._manifests[0], next(iter(self._saved_tokenizers), None)
        n_tokens = self.n_tokens
        return {
            "paths": [str(path) for path in self._paths],
            "n_tokens": n_tokens,
            "n_documents": self.n_documents,
            "n_shards": self.n_shards,
            "generation": sum(manifest.generation for manifest in self._manifests),
            "n_removed_documents": sum(shard.n_documents - shard.n_live_documents for shard in shards),
            "n_removed_tokens": sum(shard.n_tokens - shard.n_live_tokens for shard in shards),
            "vocab_size": self.vocab_size,
            "token_width_bits": self.token_width_bits,
            "bytes_per_token": searchable / n_tokens if n_tokens else None,
            "size_bytes": sum(section_bytes.values()),
            "directory_bytes": sum(shard.directory_bytes for shard in shards),
            "sections": {
                name: {"size_bytes": size, "bytes_per_token": size / n_tokens if n_tokens else None}
                for name, size in sorted(section_bytes.items())
            },
            "tokenizer": None if saved is None else {"kind": saved.kind, "fingerprint": saved.fingerprint},
            "format_version": first.format_version,
            "suffix_order": first.suffix_order,
            "builder_version": first.builder_version,
            "n_skipped": len(self.skipped),
        }

    def document_ids(self, begin: int = 0) -> Iterator[int]:
        """Iterate over the numbers of the documents from `begin` on, ascending.

        They are 0 to `n_documents - 1` unless documents were deleted: no document ever gets another number, and the
        number of a deleted document is not used again.
        """
        batches = document_batches(self._core, _DOCUMENTS_AT_ONCE, at_least(begin, 0, "begin"))
        return (number for batch in batches for number in batch.tolist())

    def document(self, document_id: int) -> Document:
        """Return one document: text, tokens, metadata and origin.

        Raises:
            QueryError: there is no such document, or it was deleted.
        """
        number = at_least(document_id, 0, "document_id")
        token_ids = self._core.document_tokens(number)
        (stored,) = self._core.document_metadata([number])
        tokenizer = self._tokenizer_or_none()
        text = "" if tokenizer is None else tokenizer.decode(token_ids)
        return Document(number, text, token_ids, *Provenance.of(stored, number))

    def document_length(self, document_id: int) -> int:
        """Return the number of tokens of a document, without reading them.

        Raises:
            QueryError: there is no such document.
        """
        return self._core.document_length(at_least(document_id, 0, "document_id"))

    def document_text(self, document_id: int, n_characters: int | None = None) -> str:
        """Return the first `n_characters` characters of the text of a document; None for all of them.

        The rest is neither read nor decoded, unless the decoder of the tokenizer may change a token because of any
        other one. The text is empty if the index has no tokenizer.

        Raises:
            QueryError: there is no such document.
        """
        most = None if n_characters is None else at_least(n_characters, 0, "n_characters")
        document = at_least(document_id, 0, "document_id")
        return DocumentText(self._core, document, self._tokenizer_or_none()).head(most)

    def document_tokens(self, document_id: int, begin: int = 0, end: int | None = None) -> Int64Array:
        """Return the token ids (int64) of a document from offset `begin` to `end`, at most to its end.

        Raises:
            QueryError: there is no such document.
        """
        last = 2**63 - 1 if end is None else at_least(end, 0, "end")
        document = at_least(document_id, 0, "document_id")
        return self._core.read_window(document, at_least(begin, 0, "begin"), last)

    def document_metadata(self, document_id: int) -> dict[str, Any]:
        """Return the metadata of a document.

        Raises:
            QueryError: there is no such document.
        """
        return self.provenance(document_id).metadata

    def provenance(self, document_id: int) -> Provenance:
        """Return the metadata and the origin of a document, without its text.

        Raises:
            QueryError: there is no such document.
        """
        number = at_least(document_id, 0, "document_id")
        (stored,) = self._core.document_metadata([number])
        return Provenance.of(stored, number)

    def reload(self) -> bool:
        """Open the current state of the index, if it was changed since it was opened; return whether it was.

        Queries that are running finish in the state that they began in. So do models of `infgram.lm`, sessions and
        `token_batches` that were created before. If the new state cannot be opened, the index stays as it is.

        Raises:
            IndexNotFoundError, IndexDamagedError, StorageError: as for `infgram.open`.
        """
        _ = self._core
        current = self._current()
        if current is None:
            return False
        vars(self).update(vars(current))
        return True

    def _current(self: AnyIndex) -> AnyIndex | None:
        """Open the current state of the index; return None if it is the one that is open."""
        paths = [path.absolute() for path in self._origin()]
        if (tuple(paths), _read_manifests(paths)) == (self._paths, self._manifests):
            return None
        return type(self)(paths, load=self._load, origin=self._origin)

    def check_files(self) -> None:
        """Check that no mapped file was changed in place since it was opened. One system call per file.

        A folder may be replaced by another one, or removed: an open index keeps its files. But a file that is
        overwritten gives wrong answers; if it is truncated, the next query that reads a lost page raises
        `IndexDamagedError`. With `load="ram"` nothing is mapped.

        Raises:
            IndexDamagedError: names the file.
        """
        self._mapped_files.check()

    def verify(self, *, progress: Callable[[int, int], None] | None = None) -> None:
        """Check every byte of every file, that each suffix array is complete and sorted, and all metadata. O(n).

        The open files are checked, even if they have been moved or replaced.

        Args:
            progress: called from time to time with the number of checked tokens and the total.

        Raises:
            IndexDamagedError: names the file, what was found and what was expected.
        """
        callback(progress, "progress")
        self._mapped_files.check(only_sizes=True)
        n_tokens = sum(shard.n_tokens for manifest in self._manifests for shard in manifest.shards)
        self._verify_shards(progress and (lambda n_done: progress(n_done, n_tokens)))
        for number in range(len(self._manifests)):
            self._checked_tokenizer(number)

    def close(self) -> None:
        """Close the files. Later queries raise `IndexClosedError`; running queries finish."""
        self._open_core = None

    def __enter__(self: AnyIndex) -> AnyIndex:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        paths = cut(", ".join(str(path) for path in self._paths), MOST_CHARACTERS - 40)
        return f"<infgram.Index {paths}{' (closed)' if self._open_core is None else ''}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the paths of the index; raise `IndexClosedError` if it is closed."""
        _ = self._core
        return _reopened, (type(self), self._origin, self._load, self._identity())

    def _identity(self) -> list[str]:
        """Return a value that distinguishes indexes at the same path."""
        return [f"{manifest.fingerprint} {manifest.tokenizer}" for manifest in self._manifests]

    @property
    def _core(self) -> Engine:
        if self._open_core is None:
            raise IndexClosedError(f"{self!r} was closed before the query; open it again")
        return self._open_core

    def _checked_tokenizer(self, number: int) -> Tokenizer | None:
        """Load the tokenizer of one folder, check digest and vocabulary; None if the folder has no tokenizer."""
        saved, manifest = self._saved_tokenizers[number], self._manifests[number]
        if saved is None or manifest.tokenizer is None:
            return None
        saved.check(manifest.tokenizer.fingerprint)
        tokenizer = saved.load()
        if tokenizer.vocab_size != manifest.vocab_size:
            raise IndexDamagedError(
                f"{saved.folder} has a vocabulary of {tokenizer.vocab_size} tokens, expected {manifest.vocab_size} by "
                "the manifest; copy the index again or rebuild it"
            )
        return tokenizer

    def _verify_shards(self, progress: Callable[[int], None] | None) -> None:
        verify_shards(self._core, _shards_of(self._paths, self._manifests), progress)

    def _tokenizer_or_none(self) -> Tokenizer | None:
        return None if self._manifests[0].tokenizer is None else self.tokenizer


def _read_manifests(paths: Sequence[Path]) -> list[Manifest]:
    return [Manifest.read(path) for path in paths]


def _shards_of(paths: Sequence[Path], manifests: Sequence[Manifest]) -> list[tuple[Path, ShardEntry]]:
    """Return the folder and the manifest entry of each shard, with documents numbered from one folder to the next."""
    shards: list[tuple[Path, ShardEntry]] = []
    n_before = 0
    for path, manifest in zip(paths, manifests, strict=True):
        shards += [
            (path / shard.folder, replace(shard, first_document=n_before + shard.first_document))
            for shard in manifest.shards
        ]
        n_before += manifest.next_document
    return shards


def _unchanged(paths: Sequence[Path]) -> Sequence[Path]:
    return paths


def _reopened(kind: type[AnyIndex], origin: Callable[[], Sequence[Path]], load: Load, identity: list[str]) -> AnyIndex:
    """Open a pickled index again.

    Raises:
        IndexDamagedError: as `checked_identity`.
    """
    return checked_identity(kind(origin(), load=load, origin=origin), identity)


def checked_identity(index: AnyIndex, identity: list[str]) -> AnyIndex:
    """Return an index that was opened again after pickling.

    Raises:
        IndexDamagedError: the index was changed, or another one is at its path; it is closed.
    """
    if index._identity() != identity:
        index.close()
        raise IndexDamagedError(
            f"{', '.join(map(str, index.paths))}: not the index that was pickled: it was changed, or another one is at "
            "its path; open it again with infgram.open"
        )
    return index
