"""The stages of a build, in order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from infgram import _core
from infgram.arguments import (
    checked_shard_tokens,
    checked_threads,
    flag,
    integer,
    path as checked_path,
    refusal,
)
from infgram.corpus import Corpus, FormatName, Inputs, OnError, TokenCorpus
from infgram.errors import IndexExistsError
from infgram.files.manifest import Manifest, TokenizerEntry
from infgram.index import Index, StrPath
from infgram.indexing.checkpoint import TOKENIZER_FOLDER, Checkpoint
from infgram.indexing.estimate import sample_corpus, sample_tokens
from infgram.indexing.memory import Budget
from infgram.indexing.output import check_output, default_output, target_of, unfinished_index
from infgram.indexing.shards import ShardSequence
from infgram.indexing.stages import (
    Progress,
    checking,
    plan_of,
    plan_of_tokens,
    reporter,
    sort,
    write_texts,
    write_tokens,
)
from infgram.indexing.token_documents import TokenDocuments, vocabulary_of
from infgram.indexing.tokenizer_choice import TokenizerChoice, attached_tokenizer, entry_of, save
from infgram.shards import open_shards
from infgram.tokenizers import Tokenizer
from infgram.types import BuildEstimate, BuildProgress

DEFAULT_SHARD_TOKENS: Final = 5_000_000_000


def build(
    source: Inputs,
    output: StrPath | None = None,
    *,
    tokenizer: StrPath | Tokenizer = "bpe",
    text_field: str = "text",
    threads: int | None = None,
    memory: int | str | None = None,
    shard_tokens: float = DEFAULT_SHARD_TOKENS,
    overwrite: bool = False,
    on_error: OnError = "fail",
    format: FormatName = "auto",
    include: str | Iterable[str] = (),
    exclude: str | Iterable[str] = (),
    follow_links: bool = False,
    progress: Progress | None = None,
) -> Index:
    """Build an index of a corpus.

    An interrupted build is resumed when it is called again with the same arguments. Finished stages are reused: the
    trained tokenizer, the tokens of a shard, the suffix array of a shard.

    Args:
        source: a folder (read with its subfolders), a file, a glob pattern, an fsspec URL, `"-"` for JSON lines on
            standard input, or a list of these. JSON lines, arrays of JSON objects, CSV, Parquet and saved Hugging Face
            datasets hold many documents, compressed or not. Every other file is one document of UTF-8 text.
        output: the index folder; None for `corpus.infgram` beside a single local input `corpus`.
        tokenizer: `"bytes"`; `"bpe"` or `"bpe:8000"`, trained on a sample of this corpus (32,000 entries by
            default); the path of a `tokenizer.json` or of its folder; a hub name; or a `Tokenizer`.
        text_field: the field of JSON lines with the text; all other fields are stored as metadata.
        threads: the maximum number of threads; None for all cores. The index does not depend on it.
        memory: the maximum of anonymous and shared memory, in bytes or as `"2GiB"`; None for half of the available
            memory. The index does not depend on it.
        shard_tokens: the number of tokens at which a shard is closed; documents are not split.
        overwrite: whether to replace an index at `output`, after the new one is finished. If `output` is a link, the
            folder that it points to is replaced.
        on_error: `"fail"` at the first input that cannot be read, or `"skip"` it and list it in the manifest.
        format: the format of every file, such as `"jsonl"` or `"text"`; `"auto"` recognizes it by content and name,
            and `infgram.corpus` logs the result.
        include: patterns of file names, or of paths below the input if they contain `/`; only matching files are
            read.
        exclude: patterns of files that are not read.
        follow_links: whether to follow links that lead out of an input folder; without, they are errors.
        progress: called from time to time on this thread.

    Returns:
        The open index.

    Raises:
        InputError: the input cannot be read, or holds no document.
        TokenizerError: there is no such tokenizer, or it cannot be trained.
        QueryError: an argument is out of range.
        IndexExistsError: `output` exists, or another build is writing there.
        StorageError: a file cannot be written: disk full, no permission. Finished stages are kept.
    """
    n_threads, n_shard_tokens = checked_threads(threads), checked_shard_tokens(shard_tokens)
    report, overwrite = reporter(progress), flag(overwrite, "overwrite")
    corpus = Corpus(
        source,
        text_field=text_field,
        on_error=on_error,
        format=format,
        include=include,
        exclude=exclude,
        follow_links=follow_links,
    )
    target = _target(output, corpus)
    check_output(target, overwrite=overwrite)
    choice = TokenizerChoice.of(tokenizer)
    budget = Budget(memory, trains=choice.given is None, kind=choice.kind)
    plan = {**plan_of(n_shard_tokens), "input": corpus.fingerprint(), "tokenizer": choice.plan}
    with unfinished_index(target, plan, overwrite=overwrite, progress=checking(report)) as checkpoint:
        if choice.given is None and checkpoint.tokenizer is None:
            report(BuildProgress("train", 0, corpus.n_bytes, "bytes"))
        chosen = choice.finish(corpus, checkpoint)
        shards = ShardSequence(checkpoint, chosen.vocab_size, _core.token_bits_for(chosen.vocab_size), n_shard_tokens)
        write_texts(corpus, chosen, checkpoint, shards, n_threads, budget, report)
        finish(checkpoint, shards, entry_of(chosen), n_threads, budget, report)
    return Index([target])


def build_from_tokens(
    documents: TokenDocuments,
    output: StrPath,
    *,
    vocab_size: int | None = None,
    tokenizer: StrPath | Tokenizer | None = None,
    token_width_bits: int | None = None,
    threads: int | None = None,
    memory: int | str | None = None,
    shard_tokens: float = DEFAULT_SHARD_TOKENS,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Index:
    """Build an index of documents that are token ids already.

    An interrupted build of files is resumed as in `build`; a build of any other documents starts again.

    Args:
        documents: sequences of integers or integer arrays, one per document; or a `TokenCorpus` of files.
        output: the index folder.
        vocab_size: token ids are from 0 to `vocab_size - 1`; None for the size of the corpus or the tokenizer.
        tokenizer: the tokenizer that made the ids, as for `build`, but not trained here. The index then accepts text
            queries and returns text. None for an index that accepts token ids only.
        token_width_bits: 8, 16 or 32; None for the smallest width with a code for the separator.
        threads: as for `build`.
        memory: as for `build`.
        shard_tokens: as for `build`.
        overwrite: as for `build`.
        progress: as for `build`.

    Raises:
        QueryError: a token id is outside the vocabulary, the vocabulary does not fit the width, or an argument is out
            of range.
        TokenizerError: there is no such tokenizer, or its vocabulary size differs.
        InputError: there is no document.
        IndexExistsError, StorageError: as for `build`.
    """
    n_threads, n_shard_tokens = checked_threads(threads), checked_shard_tokens(shard_tokens)
    report, overwrite = reporter(progress), flag(overwrite, "overwrite")
    target = output_folder(output)
    check_output(target, overwrite=overwrite)
    attached = None if tokenizer is None else attached_tokenizer(tokenizer)
    n_ids = vocabulary_of(documents, vocab_size, attached)
    if token_width_bits is not None and integer(token_width_bits, "token_width_bits") not in (8, 16, 32):
        raise refusal(token_width_bits, "token_width_bits", "8, 16 or 32, or None for the smallest possible width")
    width = _core.token_bits_for(n_ids) if token_width_bits is None else token_width_bits
    budget = Budget(memory, trains=False, kind=None)
    entry = None if attached is None else entry_of(attached)
    plan = plan_of_tokens(documents, n_shard_tokens, tokenizer=entry and asdict(entry), token_width_bits=width)
    with unfinished_index(target, plan, overwrite=overwrite, progress=checking(report)) as checkpoint:
        if attached is not None:
            save(attached, checkpoint.folder / TOKENIZER_FOLDER)
        shards = ShardSequence(checkpoint, n_ids, width, n_shard_tokens)
        write_tokens(documents, checkpoint, shards, report)
        finish(checkpoint, shards, entry, n_threads, budget, report)
    return Index([target])


def estimate_build(
    source: Inputs | TokenCorpus,
    *,
    tokenizer: StrPath | Tokenizer = "bpe",
    text_field: str = "text",
    threads: int | None = None,
    shard_tokens: float = DEFAULT_SHARD_TOKENS,
    on_error: OnError = "fail",
    format: FormatName = "auto",
    include: str | Iterable[str] = (),
    exclude: str | Iterable[str] = (),
    follow_links: bool = False,
) -> BuildEstimate:
    """Estimate the resources of `build` or `build_from_tokens` from a sample of the input, without writing anything.

    A corpus of up to 64 MiB, as stored, is read completely, and a part of its text is encoded. A larger corpus is
    sampled at 32 places. The interval of the number of tokens assumes that these places are representative; the time
    assumes the current load of the machine.

    Args:
        source: as for `build`, or a `TokenCorpus`.
        tokenizer: as for `build`; ignored for a `TokenCorpus`.
        text_field: as for `build`.
        threads: as for `build`.
        shard_tokens: as for `build`.
        on_error: as for `build`, for folders that cannot be listed; other input that cannot be read is skipped.
        format: as for `build`.
        include: as for `build`.
        exclude: as for `build`.
        follow_links: as for `build`.

    Raises:
        InputError: there is no such input.
        TokenizerError: as for `build`.
    """
    n_threads, n_shard_tokens = checked_threads(threads), checked_shard_tokens(shard_tokens)
    if isinstance(source, TokenCorpus):
        budget = Budget(None, trains=False, kind=None)
        sample, vocab_size = sample_tokens(source), source.vocab_size
    else:
        corpus = Corpus(
            source,
            text_field=text_field,
            on_error=on_error,
            format=format,
            include=include,
            exclude=exclude,
            follow_links=follow_links,
        )
        choice = TokenizerChoice.of(tokenizer)
        budget = Budget(None, trains=choice.given is None, kind=choice.kind)
        sample, chosen = sample_corpus(corpus, choice, n_threads)
        vocab_size = chosen.vocab_size
    estimate = sample.scaled(vocab_size, _core.token_bits_for(vocab_size), n_shard_tokens, n_threads)
    return replace(estimate, memory_bytes=max(estimate.memory_bytes, budget.least_bytes))


def finish(
    checkpoint: Checkpoint,
    shards: ShardSequence,
    tokenizer: TokenizerEntry | None,
    threads: int,
    budget: Budget,
    report: Progress,
) -> None:
    """Sort the shards and write the manifest."""
    sort(checkpoint, shards, threads, budget, report)
    open_shards([(checkpoint.folder / shard.folder, shard) for shard in checkpoint.shards])  # are they consistent?
    Manifest(
        builder_version=_core.__version__,
        vocab_size=shards.vocab_size,
        token_width_bits=shards.token_width_bits,
        tokenizer=tokenizer,
        shards=tuple(checkpoint.shards),
        skipped=tuple(checkpoint.skipped or ()),
    ).write(checkpoint.folder)
    _core.sync_folder(checkpoint.folder)


def _target(output: StrPath | None, corpus: Corpus) -> Path:
    return target_of(default_output(corpus.inputs)) if output is None else output_folder(output)


def output_folder(output: StrPath) -> Path:
    """Return the folder of a new index."""
    if not checked_path(output, "output"):
        raise IndexExistsError("the output is an empty path; expected the path of a new index folder")
    return target_of(Path(output))
