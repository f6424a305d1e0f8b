"""Add documents to an index."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from infgram.arguments import checked_shard_tokens, checked_threads
from infgram.changes.results import Addition
from infgram.changes.writer import Writer, local_index, writing
from infgram.corpus import Corpus, FormatName, Inputs, OnError
from infgram.errors import QueryError
from infgram.index import StrPath
from infgram.indexing.build import DEFAULT_SHARD_TOKENS
from infgram.indexing.checkpoint import TOKENIZER_FOLDER, Checkpoint
from infgram.indexing.memory import Budget
from infgram.indexing.shards import ShardSequence
from infgram.indexing.stages import Progress, plan_of, plan_of_tokens, reporter, sort, write_texts, write_tokens
from infgram.indexing.token_documents import TokenDocuments, vocabulary_of
from infgram.tokenizers import SavedTokenizer, Tokenizer

_CHANGE: Final = {"change": "add"}


def add(
    index_path: StrPath,
    source: Inputs,
    *,
    text_field: str = "text",
    threads: int | None = None,
    memory: int | str | None = None,
    shard_tokens: float = DEFAULT_SHARD_TOKENS,
    on_error: OnError = "fail",
    format: FormatName = "auto",
    include: str | Iterable[str] = (),
    exclude: str | Iterable[str] = (),
    follow_links: bool = False,
    if_generation: int | None = None,
    progress: Progress | None = None,
) -> Addition:
    """Add the documents of a corpus to an index, with the tokenizer of the index.

    The documents get the next numbers and are in new shards; the files of the index stay as they are. So the cost is
    that of building an index of the added documents alone. Open indexes keep their state until `Index.reload`. An
    interrupted call is resumed when it is repeated with the same arguments.

    Args:
        index_path: the folder of the index.
        source: as for `infgram.build`, with all its formats.
        text_field: as for `infgram.build`.
        threads: as for `infgram.build`.
        memory: as for `infgram.build`.
        shard_tokens: as for `infgram.build`, for the new shards.
        on_error: as for `infgram.build`; skipped input is added to that of the index.
        format: as for `infgram.build`.
        include: as for `infgram.build`.
        exclude: as for `infgram.build`.
        follow_links: as for `infgram.build`.
        if_generation: the generation that the index must be at, as in `Index.info`; None for any. So a call that is
            repeated after a crash never changes the index twice.
        progress: as for `infgram.build`.

    Returns:
        The numbers of the added documents.

    Raises:
        InputError: the input cannot be read, or holds no document.
        QueryError: an argument is out of range, the index has no tokenizer, or it is behind a URL.
        IndexNotFoundError, IndexDamagedError, IndexVersionError: the index cannot be read.
        IndexChangedError: the index is at another generation than `if_generation`.
        IndexExistsError: another process is writing to the index.
        StorageError: a file cannot be written. The index is as it was.
    """
    n_threads, n_shard_tokens = checked_threads(threads), checked_shard_tokens(shard_tokens)
    folder, report = local_index(index_path), reporter(progress)
    corpus = Corpus(
        source,
        text_field=text_field,
        on_error=on_error,
        format=format,
        include=include,
        exclude=exclude,
        follow_links=follow_links,
    )
    with writing(folder, if_generation) as writer:
        tokenizer = _tokenizer(writer)
        budget = Budget(memory, trains=False, kind=tokenizer.kind)
        plan = {**plan_of(n_shard_tokens), **_CHANGE, "input": corpus.fingerprint()}
        with writer.unfinished_shards(plan, report) as checkpoint:
            shards = _shards(writer, checkpoint, n_shard_tokens)
            write_texts(corpus, tokenizer, checkpoint, shards, n_threads, budget, report)
            sort(checkpoint, shards, n_threads, budget, report)
            return _added(writer, checkpoint)


def add_from_tokens(
    index_path: StrPath,
    documents: TokenDocuments,
    *,
    threads: int | None = None,
    memory: int | str | None = None,
    shard_tokens: float = DEFAULT_SHARD_TOKENS,
    if_generation: int | None = None,
    progress: Progress | None = None,
) -> Addition:
    """Add documents of token ids to an index, as `add` does for text.

    Args:
        index_path: the folder of the index.
        documents: as for `infgram.build_from_tokens`; ids are from 0 to the vocabulary size of the index − 1.
        threads: as for `infgram.build`.
        memory: as for `infgram.build`.
        shard_tokens: as for `infgram.build`, for the new shards.
        if_generation: as for `add`.
        progress: as for `infgram.build`.

    Returns:
        The numbers of the added documents.

    Raises:
        QueryError: a token id is outside the vocabulary, an argument is out of range, or the index is behind a URL.
        InputError: there is no document.
        IndexNotFoundError, IndexDamagedError, IndexVersionError, IndexChangedError: as for `add`.
        IndexExistsError, StorageError: as for `add`.
    """
    n_threads, n_shard_tokens = checked_threads(threads), checked_shard_tokens(shard_tokens)
    folder, report = local_index(index_path), reporter(progress)
    budget = Budget(memory, trains=False, kind=None)
    with writing(folder, if_generation) as writer:
        vocabulary_of(documents, writer.manifest.vocab_size, None)
        plan = plan_of_tokens(documents, n_shard_tokens, **_CHANGE)
        with writer.unfinished_shards(plan, report) as checkpoint:
            shards = _shards(writer, checkpoint, n_shard_tokens)
            write_tokens(documents, checkpoint, shards, report)
            sort(checkpoint, shards, n_threads, budget, report)
            return _added(writer, checkpoint)


def _shards(writer: Writer, checkpoint: Checkpoint, shard_tokens: int) -> ShardSequence:
    manifest = writer.manifest
    return ShardSequence(
        checkpoint,
        manifest.vocab_size,
        manifest.token_width_bits,
        shard_tokens,
        prefix=writer.shard_prefix,
        first_document=manifest.next_document,
    )


def _added(writer: Writer, checkpoint: Checkpoint) -> Addition:
    """Publish the new shards after those of the index."""
    added, skipped = tuple(checkpoint.shards), tuple(checkpoint.skipped or ())
    manifest = writer.publish([*writer.manifest.shards, *added], checkpoint, skipped=skipped)
    n_documents = sum(shard.n_documents for shard in added)
    n_tokens = sum(shard.n_tokens for shard in added)
    return Addition(manifest.generation, added[0].first_document, n_documents, n_tokens, skipped)


def _tokenizer(writer: Writer) -> Tokenizer:
    """Load the tokenizer of the index.

    Raises:
        QueryError: the index has none.
        IndexDamagedError: it is not the one that the index was built with.
    """
    entry = writer.manifest.tokenizer
    if entry is None:
        raise QueryError(
            f"{writer.folder} was built from token ids and holds no tokenizer to encode text; add token ids with "
            "add_from_tokens (--vocab-size N)"
        )
    saved = SavedTokenizer(entry.kind, writer.folder / TOKENIZER_FOLDER)
    saved.check(entry.fingerprint)
    return saved.load()
