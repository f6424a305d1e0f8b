"""Open and verify local shards, and check that the indexes of a union have one tokenizer."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from infgram import _core
from infgram.engine import Engine
from infgram.errors import IndexDamagedError, TokenizerError
from infgram.files.manifest import Manifest, ShardEntry
from infgram.files.sections import check_checksums, check_sizes
from infgram.provenance import Provenance
from infgram.tokenizers import SavedTokenizer
from infgram.types import Load

_DOCUMENTS_AT_ONCE: Final = 256


def open_shards(
    shards: Sequence[tuple[Path, ShardEntry]], load: Load = "map", *, first_document: int = 0
) -> _core.Index:
    """Open shards, and check their files against the manifest.

    Args:
        shards: the folder and the manifest entry of each shard.
        load: as for `infgram.open`.
        first_document: the number of the first document.

    Raises:
        IndexDamagedError: the files are inconsistent with each other or with the manifest.
    """
    for folder, shard in shards:
        check_sizes(folder, shard)
    core = _core.Index([folder for folder, _ in shards], load, first_document)
    for (folder, shard), sections in zip(shards, core.sections(), strict=True):
        check_checksums(folder, shard, sections)
    entries = [shard for _, shard in shards]
    for name, found, expected in (
        ("tokens", core.n_tokens, sum(shard.n_tokens for shard in entries)),
        ("documents", core.n_documents, sum(shard.n_documents for shard in entries)),
    ):
        if found != expected:
            raise IndexDamagedError(
                f"{shards[0][0].parent} has {found} {name}, expected {expected} by the manifest; rebuild the index"
            )
    return core


def open_infini_gram_shards(
    shards: Sequence[tuple[Path, str, int, bool]], vocab_size: int, load: Load = "map"
) -> _core.Index:
    """Open shards that infini-gram made.

    Args:
        shards: the folder of each, the end of its file names, the width of a token in bits, and whether it has
            metadata.
        vocab_size: the size of the vocabulary; 0 if the largest token id determines it.
        load: as for `infgram.open`.

    Raises:
        IndexDamagedError: the files are truncated, not sorted, or do not belong together.
        TokenizerError: there is a token beyond the vocabulary.
    """
    return _core.Index.open_infini_gram([_core.InfiniGramFiles(*files) for files in shards], vocab_size, load)


def verify_shards(
    core: Engine,
    shards: Sequence[tuple[Path, ShardEntry]],
    progress: Callable[[int], None] | None = None,
    *,
    first_document: int = 0,
) -> None:
    """Check every byte of open shards, each suffix array, and the metadata of each document.

    Cost: O(n_tokens), and some microseconds per document with metadata. Metadata are read in batches, so memory is
    bounded.

    Args:
        core: the open shards.
        shards: the folder and the manifest entry of each.
        progress: called from time to time with the number of checked tokens.
        first_document: the number of the first document.

    Raises:
        IndexDamagedError: names the file, what was found and what was expected.
    """
    core.verify(progress)
    verify_metadata(core, [(folder, shard.n_documents) for folder, shard in shards], first_document)


def verify_metadata(core: Engine, folders: Sequence[tuple[Path, int]], first_document: int = 0) -> None:
    """Parse the metadata of each document; `folders` has those of the shards, and the number of documents in each.

    Raises:
        IndexDamagedError: as `verify_shards`.
    """
    for folder, n_documents in folders:
        end = first_document + n_documents
        for begin in range(first_document, end, _DOCUMENTS_AT_ONCE):
            batch = range(begin, min(begin + _DOCUMENTS_AT_ONCE, end))
            for document_id, stored in zip(batch, core.document_metadata(batch), strict=True):
                Provenance.of(stored, document_id, f"{folder}{os.sep}")
        first_document = end


def check_one_tokenizer(
    paths: Sequence[Path], manifests: Sequence[Manifest], saved: Sequence[SavedTokenizer | None]
) -> None:
    """Raise TokenizerError unless all indexes have equivalent tokenizers and one token width.

    Equivalent tokenizers give the same token ids for every text; they may differ in special tokens and thus in
    vocabulary size. Their definitions are read only if their digests differ. Indexes without a tokenizer must have one
    vocabulary size.
    """
    for path, manifest, tokenizer in zip(paths[1:], manifests[1:], saved[1:], strict=True):
        if manifest.token_width_bits != manifests[0].token_width_bits:
            raise TokenizerError(
                f"{path} stores tokens in {manifest.token_width_bits} bits and {paths[0]} in "
                f"{manifests[0].token_width_bits}, since their vocabularies have {manifest.vocab_size} and "
                f"{manifests[0].vocab_size} tokens; a union needs one width: build one of them again{_advice(paths[0])}"
            )
        is_same = manifest.tokenizer == manifests[0].tokenizer or _encode_alike(saved[0], tokenizer)
        if not is_same or (tokenizer is None and manifest.vocab_size != manifests[0].vocab_size):
            raise TokenizerError(
                f"{path} and {paths[0]} were built with different tokenizers; a union needs one: build one of them "
                f"again{_advice(paths[0])}"
            )


def _encode_alike(first: SavedTokenizer | None, second: SavedTokenizer | None) -> bool:
    return first is not None and second is not None and first.fingerprint == second.fingerprint


def _advice(path: Path) -> str:
    return f" with --tokenizer {path / 'tokenizer'}"
