"""The stages that a build shares with a change of an index: write the documents of the input, and sort."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any, Final, TypeAlias

from infgram import _core
from infgram.arguments import callback
from infgram.corpus import Corpus, TokenCorpus
from infgram.errors import InputError
from infgram.files.manifest import FORMAT_VERSION, SkippedEntry
from infgram.indexing.checkpoint import Checkpoint, Plan
from infgram.indexing.disk_space import check_disk_space, free_bytes
from infgram.indexing.estimate import sample_corpus
from infgram.indexing.memory import Budget
from infgram.indexing.shards import ShardSequence, sort_shards
from infgram.indexing.token_documents import TokenDocuments, token_batches
from infgram.indexing.tokenize import EncodedBatch, tokenize
from infgram.indexing.tokenizer_choice import TokenizerChoice
from infgram.tokenizers import Tokenizer
from infgram.types import BuildProgress

Progress: TypeAlias = Callable[[BuildProgress], None]

_ALWAYS_ENOUGH: Final = 60  # bytes of disk per byte of input, even if compressed
_CERTAINLY: Final = 0.9  # a share of the estimate that the index exceeds
_SMALL_BYTES: Final = 100_000_000  # smaller builds are not refused, since the estimate may be wrong


def reporter(progress: Progress | None) -> Progress:
    """Return the callback for progress, or a function that ignores it for None."""
    callback(progress, "progress")
    return progress or _ignore


def checking(report: Progress) -> Callable[[int, int], None]:
    """Return the callback for the bytes of an interrupted build that are checked, and their total."""
    return lambda done, total: report(BuildProgress("check", done, total, "bytes"))


def plan_of(shard_tokens: int) -> dict[str, Any]:
    """Return the part of a plan that does not depend on the input."""
    return {"version": _core.__version__, "format": FORMAT_VERSION, "shard_tokens": shard_tokens}


def plan_of_tokens(documents: TokenDocuments, shard_tokens: int, **others: Any) -> Plan | None:
    """Return the plan for token ids; None if they are documents of the caller, which cannot be read again."""
    if not isinstance(documents, TokenCorpus):
        return None
    return {**plan_of(shard_tokens), "input": documents.fingerprint(), **others}


def write_texts(
    corpus: Corpus,
    tokenizer: Tokenizer,
    checkpoint: Checkpoint,
    shards: ShardSequence,
    threads: int,
    budget: Budget,
    report: Progress,
) -> None:
    """Encode the documents that are in no finished shard, and write them.

    Raises:
        InputError: the input cannot be read, or holds no document.
        StorageError: the disk is full, or cannot be written.
    """
    if checkpoint.skipped is not None:
        return
    _check_disk_space(corpus, tokenizer, checkpoint, shards.shard_tokens)
    documents = islice(corpus.documents(), shards.n_documents, None)
    for batch in tokenize(documents, tokenizer, *budget.tokenizing(threads)):
        shards.add(batch)
        report(BuildProgress("tokenize", corpus.bytes_read, corpus.n_bytes, "bytes"))
    shards.close()
    checkpoint.finish_reading([SkippedEntry(s.source, s.line, s.reason) for s in corpus.skipped])


def write_tokens(documents: TokenDocuments, checkpoint: Checkpoint, shards: ShardSequence, report: Progress) -> None:
    """Write the documents of token ids that are in no finished shard.

    Raises:
        QueryError: a token id is outside the vocabulary.
        InputError: there is no document, or a file cannot be read.
        StorageError: the disk is full, or cannot be written.
    """
    if checkpoint.skipped is not None:
        return
    for ids, lengths in token_batches(documents, shards.vocab_size, shards.n_documents):
        shards.add(EncodedBatch.of_tokens(ids, lengths))
        if isinstance(documents, TokenCorpus):
            report(BuildProgress("read", documents.bytes_read, documents.n_bytes, "bytes"))
    shards.close()
    if shards.n_documents == 0:
        raise InputError("there is no document to index; expected at least one, which may be empty")
    checkpoint.finish_reading([])


def sort(checkpoint: Checkpoint, shards: ShardSequence, threads: int, budget: Budget, report: Progress) -> None:
    """Write the suffix array of each unsorted shard, within the memory budget."""
    sort_shards(
        checkpoint,
        threads,
        budget.left_bytes,
        lambda n: report(BuildProgress("sort", n, shards.n_tokens, "tokens")),
    )


def check_space_for(checkpoint: Checkpoint, expected_bytes: int) -> None:
    """Check that the disk has space for shards of about this size, of which some may be finished.

    Raises:
        StorageError: the free space is certainly insufficient.
    """
    if expected_bytes >= _SMALL_BYTES:
        check_disk_space(checkpoint.folder, expected_bytes - sum(path.stat().st_size for path in checkpoint.files()))


def _check_disk_space(corpus: Corpus, tokenizer: Tokenizer, checkpoint: Checkpoint, shard_tokens: int) -> None:
    """Check that the disk has space for the index; sample the input only if this is in doubt."""
    if free_bytes(checkpoint.folder) >= _ALWAYS_ENOUGH * corpus.n_bytes:
        return
    sample, _ = sample_corpus(corpus, TokenizerChoice(tokenizer), 1)
    expected = sample.scaled(tokenizer.vocab_size, _core.token_bits_for(tokenizer.vocab_size), shard_tokens, 1)
    certain = expected.n_tokens_interval[0] / max(1, expected.n_tokens)
    check_space_for(checkpoint, round(expected.disk_bytes * min(_CERTAINLY, certain)))


def _ignore(progress: BuildProgress) -> None:
    """Ignore progress."""
