"""Convert an index that infini-gram made."""

from __future__ import annotations

import logging
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Final

from infgram.arguments import checked_shard_tokens, checked_threads, flag, path as checked_path
from infgram.errors import InputError
from infgram.files.disk import storage_errors
from infgram.index import Index, StrPath, engine_of
from infgram.indexing.build import DEFAULT_SHARD_TOKENS, finish, output_folder
from infgram.indexing.checkpoint import TOKENIZER_FOLDER
from infgram.indexing.copied_documents import copied_documents
from infgram.indexing.memory import Budget
from infgram.indexing.output import check_output, unfinished_index
from infgram.indexing.shards import ShardSequence
from infgram.indexing.stages import Progress, checking, plan_of, reporter
from infgram.indexing.tokenize import stored_metadata
from infgram.indexing.tokenizer_choice import attached_tokenizer, entry_of, save
from infgram.infini_gram import InfiniGramIndex, is_infini_gram
from infgram.provenance import Provenance, StoredMetadata
from infgram.shards import document_batches
from infgram.tokenizers import Tokenizer
from infgram.types import BuildProgress

_BATCH_DOCUMENTS: Final = 1024

_logger = logging.getLogger("infgram.indexing")


def convert(
    folder: StrPath,
    output: StrPath,
    *,
    tokenizer: StrPath | Tokenizer | None = None,
    vocab_size: int | None = None,
    threads: int | None = None,
    memory: int | str | None = None,
    shard_tokens: float = DEFAULT_SHARD_TOKENS,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Index:
    """Build an index of the documents of an index that the package infini-gram made.

    Tokens, metadata, files and lines of the documents are copied, and the suffixes are sorted again. An interrupted
    conversion is resumed as a build is. `infgram.open` opens such an index without conversion.

    Args:
        folder: the folder that infini-gram wrote.
        output: the index folder.
        tokenizer: the tokenizer that the index was built with, as for `infgram.open`. None for an index that accepts
            token ids only.
        vocab_size: the size of the vocabulary, without its tokenizer, as for `infgram.open`; None for the largest token
            id that occurs, plus 1.
        threads: as for `build`.
        memory: as for `build`.
        shard_tokens: as for `build`.
        overwrite: as for `build`.
        progress: as for `build`.

    Raises:
        InputError, IndexDamagedError, TokenizerError: the folder cannot be opened, as for `infgram.open`.
        QueryError: `vocab_size` does not fit the tokenizer or the width of the tokens.
        IndexExistsError, StorageError: as for `build`.
    """
    n_threads, n_shard_tokens = checked_threads(threads), checked_shard_tokens(shard_tokens)
    report, overwrite = reporter(progress), flag(overwrite, "overwrite")
    source = Path(checked_path(folder, "folder"))
    with storage_errors(f"read {source}"):
        exists = source.exists()
    if not exists:
        raise InputError(f"{source} does not exist; expected the folder of an index of infini-gram")
    if not is_infini_gram(source):
        raise InputError(f"{source} holds no index of infini-gram: expected files named tokenized, table and offset")
    target = output_folder(output)
    check_output(target, overwrite=overwrite)
    attached = None if tokenizer is None else attached_tokenizer(tokenizer)
    entry = None if attached is None else entry_of(attached)
    budget = Budget(memory, trains=False, kind=None)
    with InfiniGramIndex([source], tokenizer=attached, vocab_size=vocab_size) as theirs:
        _log_what_is_assumed(theirs, has_tokenizer=attached is not None, has_vocab_size=vocab_size is not None)
        width = theirs.token_width_bits
        plan = {
            **plan_of(n_shard_tokens),
            "input": theirs.fingerprint,
            "tokenizer": entry and asdict(entry),
            "token_width_bits": width,
            "vocab_size": theirs.vocab_size,
        }
        with unfinished_index(target, plan, overwrite=overwrite, progress=checking(report)) as checkpoint:
            if attached is not None and not (checkpoint.folder / TOKENIZER_FOLDER).exists():
                save(attached, checkpoint.folder / TOKENIZER_FOLDER)
            shards = ShardSequence(checkpoint, theirs.vocab_size, width, n_shard_tokens)
            if checkpoint.skipped is None:
                core, n_finished = engine_of(theirs), shards.n_documents
                for numbers in document_batches(core, _BATCH_DOCUMENTS):
                    for batch, _ in copied_documents(core, numbers[numbers >= n_finished], partial(_converted, theirs)):
                        shards.add(batch)
                        report(BuildProgress("read", shards.n_tokens, theirs.n_tokens, "tokens"))
                shards.close()
                checkpoint.finish_reading([])
            finish(checkpoint, shards, entry, n_threads, budget, report)
    return Index([target])


def _log_what_is_assumed(theirs: InfiniGramIndex, *, has_tokenizer: bool, has_vocab_size: bool) -> None:
    if subfolders := theirs.subfolders_in_words():
        _logger.info("%s", subfolders)
    if not has_tokenizer:
        reason = "" if has_vocab_size else ", the largest that occurs"
        _logger.info(
            "without a tokenizer, the new index accepts token ids only, from 0 to %d%s", theirs.vocab_size - 1, reason
        )


def _converted(theirs: InfiniGramIndex, stored: StoredMetadata, number: int) -> StoredMetadata:
    """Return the metadata, the file and the line of a document as infgram stores them."""
    origin = Provenance.of(stored, number, theirs.metadata_files(number))
    return stored_metadata(origin.metadata), (origin.source or "").encode(), origin.line or 0
