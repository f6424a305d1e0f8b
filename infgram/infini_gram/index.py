"""An index that infini-gram made, opened in place."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

from infgram import index
from infgram.arguments import at_least
from infgram.errors import QueryError, TokenizerError
from infgram.files.disk import storage_errors
from infgram.files.manifest import Manifest, SectionEntry, ShardEntry, TokenizerEntry
from infgram.files.sections import MappedFiles
from infgram.infini_gram.layout import ShardFiles, find_shards
from infgram.infini_gram.tokens import check_tokenizer
from infgram.open_index import checked_identity
from infgram.reprs import listed
from infgram.shards import open_infini_gram_shards, verify_metadata
from infgram.tokenizers import Tokenizer, resolve
from infgram.types import Load

SUFFIX_ORDER: Final = "bytes of the tokens, document end last, equal suffixes in any order"

_END_BYTES: Final = 4096


class InfiniGramIndex(index.Index):
    """An index in the files of infini-gram, with the answers of an index that infgram builds of the same documents.

    Created by `infgram.open`. Occurrences are located in the order of the bytes of their tokens.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        load: Load = "map",
        tokenizer: str | Tokenizer | None = None,
        vocab_size: int | None = None,
    ) -> None:
        """Use `infgram.open`.

        Args:
            paths: the folders.
            load: as for `infgram.open`.
            tokenizer: the tokenizer that the index was built with; None for queries of token ids only.
            vocab_size: the size of the vocabulary; None for that of the tokenizer, or else the largest token id that
                occurs, plus 1, if that is at most 2**20.

        Raises:
            IndexDamagedError, InputError, TokenizerError: as for `infgram.open`.
        """
        paths = [path.absolute() for path in paths]
        self._options: dict[str, Any] = {"load": load, "tokenizer": tokenizer, "vocab_size": vocab_size}
        self._given = resolve(tokenizer) if isinstance(tokenizer, str) else tokenizer
        shards = [find_shards(path) for path in paths]
        n_ids = _vocabulary(paths[0], shards[0][0], self._given, vocab_size)
        every = [shard for found in shards for shard in found]
        self._first_documents = list(accumulate((shard.n_documents for shard in every[:-1]), initial=0))
        self._metadata_files = [(str(shard.path("metadata")), str(shard.path("metadata"))) for shard in every]
        if load != "ram":
            self._mapped_files = MappedFiles([shard.folder / name for shard in every for name in shard.sizes])
        core = open_infini_gram_shards(
            [(shard.folder, shard.suffix, shard.token_width_bits, shard.has_metadata) for shard in every],
            n_ids,
            load,
        )
        if self._given is not None:
            check_tokenizer(core, self._given, paths[0])
        manifests = [
            _manifest(path, found, core.vocab_size, self._given) for path, found in zip(paths, shards, strict=True)
        ]
        self._set_up(paths, manifests, lambda: core)

    @property
    def fingerprint(self) -> str:
        """A digest of the names, sizes and ends of all files."""
        return hashlib.sha256("".join(manifest.fingerprint for manifest in self._manifests).encode()).hexdigest()

    def subfolders_in_words(self) -> str:
        """Say which subfolders are read as the shards of one index; empty for at most one, as no mistake is likely."""
        names = [shard.folder for manifest in self._manifests for shard in manifest.shards if shard.folder != "."]
        return f"one index of {len(names)} shards: {listed(names)}" if len(names) > 1 else ""

    def metadata_files(self, document_id: int) -> tuple[str, str]:
        """Return the files that have the metadata and the source of a document: the same one twice."""
        return self._metadata_files[bisect_right(self._first_documents, document_id) - 1]

    def info(self) -> dict[str, Any]:
        """Describe the index as `infgram.Index.info` does; the sections are the files of infini-gram."""
        given = self._given
        return {
            **super().info(),
            "tokenizer": None if given is None else {"kind": given.kind, "fingerprint": given.fingerprint},
        }

    def _open_tokenizers(self, paths: Sequence[Path], manifests: Sequence[Manifest]) -> None:
        """Do nothing: the tokenizer is not in the folders."""

    def _checked_tokenizer(self, number: int) -> Tokenizer | None:
        return self._given

    def _verify_shards(self, progress: Callable[[int], None] | None) -> None:
        self._core.verify(progress)
        verify_metadata(self._core, list(zip(self._metadata_files, self._first_documents, strict=True)))

    def _current(self) -> InfiniGramIndex | None:
        """Open the files again; return None if they are those that are open."""
        current = InfiniGramIndex(self._paths, **self._options)
        if current._identity() != self._identity():
            return current
        current.close()
        return None

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the paths and the options."""
        _ = self._core
        return _reopened, (self._paths, self._options, self._identity())


def _reopened(paths: Sequence[Path], options: dict[str, Any], identity: list[str]) -> InfiniGramIndex:
    return checked_identity(InfiniGramIndex(paths, **options), identity)


def _manifest(path: Path, shards: Sequence[ShardFiles], vocab_size: int, tokenizer: Tokenizer | None) -> Manifest:
    """Describe a folder as a manifest does. The files have no checksums, so digests of their ends take the place."""
    *firsts, n_documents = accumulate((shard.n_documents for shard in shards), initial=0)
    return Manifest(
        builder_version="infini-gram",
        vocab_size=vocab_size,
        token_width_bits=shards[0].token_width_bits,
        tokenizer=None if tokenizer is None else TokenizerEntry(tokenizer.kind, tokenizer.digest),
        shards=tuple(
            ShardEntry(
                str(shard.folder.relative_to(path)),
                shard.n_tokens,
                shard.n_documents,
                {
                    name.removesuffix(shard.suffix): SectionEntry(size, _digest_of_ends(shard.folder / name, size))
                    for name, size in shard.sizes.items()
                },
                first_document,
            )
            for shard, first_document in zip(shards, firsts, strict=True)
        ),
        suffix_order=SUFFIX_ORDER,
        format_version=4 if shards[0].suffix else 6,
        format="infini-gram",
        next_document=n_documents,
    )


def _digest_of_ends(path: Path, size_bytes: int) -> str:
    digest = hashlib.blake2b(digest_size=8)
    with storage_errors(f"read {path}"), open(path, "rb") as file:
        digest.update(file.read(_END_BYTES))
        file.seek(max(0, size_bytes - _END_BYTES))
        digest.update(file.read(_END_BYTES))
    return digest.hexdigest()


def _vocabulary(path: Path, shard: ShardFiles, tokenizer: Tokenizer | None, vocab_size: int | None) -> int:
    """Return the size of the vocabulary; 0 if the tokens determine it."""
    if vocab_size is not None and at_least(vocab_size, 1, "vocab_size") >= 1 << shard.token_width_bits:
        raise QueryError(f"{path} stores tokens in {shard.token_width_bits} bits, too few for {vocab_size} token ids")
    if tokenizer is None:
        return vocab_size or 0
    if tokenizer.vocab_size >= 1 << shard.token_width_bits:
        raise TokenizerError(
            f"{path} stores tokens in {shard.token_width_bits} bits, but the vocabulary of the given tokenizer has "
            f"{tokenizer.vocab_size} tokens; give the tokenizer that the index was built with"
        )
    if vocab_size not in (None, tokenizer.vocab_size):
        raise QueryError(
            f"vocab_size is {vocab_size}, but the tokenizer has {tokenizer.vocab_size} tokens; leave it out"
        )
    return tokenizer.vocab_size
