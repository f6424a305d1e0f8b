"""Open and verify local shards, and check that the indexes of a union have one tokenizer."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from infgram import _core
from infgram.engine import Engine
from infgram.errors import IndexDamagedError, TokenizerError
from infgram.files.manifest import DOCUMENT_NUMBERS, Manifest, ShardEntry
from infgram.files.sections import check_checksums, check_sizes
from infgram.provenance import FILES, Provenance
from infgram.tokenizers import SavedTokenizer
from infgram.types import Int64Array, Load

_DOCUMENTS_AT_ONCE: Final = 256


def open_shards(shards: Sequence[tuple[Path, ShardEntry]], load: Load = "map") -> _core.Index:
    """Open shards, and check their files against the manifest.

    Args:
        shards: the folder and the manifest entry of each shard.
        load: as for `infgram.open`.

    Raises:
        IndexDamagedError: the files are inconsistent with each other or with the manifest.
    """
    for folder, shard in shards:
        check_sizes(folder, shard)
    core = _core.Index([state_of(folder, shard) for folder, shard in shards], load)
    for (folder, shard), sections in zip(shards, core.sections(), strict=True):
        check_checksums(folder, shard, sections)
    entries = [shard for _, shard in shards]
    for name, found, expected in (
        ("tokens", core.n_tokens, sum(shard.n_live_tokens for shard in entries)),
        ("documents", core.n_documents, sum(shard.n_live_documents for shard in entries)),
    ):
        if found != expected:
            raise IndexDamagedError(
                f"{shards[0][0].parent} has {found} {name}, expected {expected} by the manifest; rebuild the index"
            )
    return core


def state_of(folder: Path, shard: ShardEntry) -> _core.ShardState:
    """Return the files that make up a shard, for the core."""
    removals = 0 if shard.removals is None else shard.removals.generation
    return _core.ShardState(folder, shard.first_document, removals, DOCUMENT_NUMBERS in shard.sections)


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


def document_batches(core: Engine, at_once: int = _DOCUMENTS_AT_ONCE, begin: int = 0) -> Iterator[Int64Array]:
    """Yield the numbers of all documents from `begin` on, ascending, `at_once` in each array."""
    while len(batch := core.document_ids(begin, at_once)):
        yield batch
        begin = int(batch[-1]) + 1


def verify_shards(
    core: Engine, shards: Sequence[tuple[Path, ShardEntry]], progress: Callable[[int], None] | None = None
) -> None:
    """Check every byte of open shards, each suffix array, and the metadata of each document.

    Cost: O(n_tokens), and some microseconds per document with metadata. Metadata are read in batches, so memory is
    bounded.

    Args:
        core: the open shards.
        shards: the folder and the manifest entry of each.
        progress: called from time to time with the number of checked tokens.

    Raises:
        IndexDamagedError: names the file, what was found and what was expected.
    """
    core.verify(progress)
    metadata, sources = FILES
    verify_metadata(
        core,
        [((str(folder / metadata), str(folder / sources)), shard.first_document) for folder, shard in shards],
    )


def verify_metadata(core: Engine, shards: Sequence[tuple[tuple[str, str], int]]) -> None:
    """Parse the metadata of each document; `shards` has the files of each, as in messages, and its first document.

    Raises:
        IndexDamagedError: as `verify_shards`.
    """
    firsts = [first_document for _, first_document in shards]
    for batch in document_batches(core):
        document_ids = batch.tolist()
        for document_id, stored in zip(document_ids, core.document_metadata(document_ids), strict=True):
            files, _ = shards[bisect_right(firsts, document_id) - 1]
            Provenance.of(stored, document_id, files)


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
