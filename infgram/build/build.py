"""`build`: the stages in order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from infgram import _core
from infgram.build.output import default_output, partial_folder
from infgram.build.shards import ShardSequence, sort_shards
from infgram.build.tokenise import tokenise
from infgram.corpus import Corpus, Inputs, OnError, TokenCorpus
from infgram.errors import IndexExistsError, InputError, QueryError, TokenizerError
from infgram.index import Index, StrPath
from infgram.manifest import Manifest, SkippedEntry, TokenizerEntry
from infgram.tokenizers import Tokenizer, resolve, train_bpe
from infgram.types import BuildProgress, Int64Array

Progress = Callable[[BuildProgress], None]

DEFAULT_SHARD_TOKENS: Final = 5_000_000_000
_MOST_THREADS: Final = 1024
_DEFAULT_BPE_VOCABULARY: Final = 32_000
_BPE_SAMPLE_BYTES: Final = 16 << 20


def build(
    source: Inputs,
    output: StrPath | None = None,
    *,
    tokenizer: StrPath | Tokenizer = "bpe",
    text_field: str = "text",
    threads: int | None = None,
    shard_tokens: float = DEFAULT_SHARD_TOKENS,
    overwrite: bool = False,
    on_error: OnError = "fail",
    progress: Progress | None = None,
) -> Index:
    """Index a corpus.

    Args:
        source: a folder (read with its sub-folders), a file, a glob pattern, an fsspec URL, `"-"` for JSON lines
            on standard input, or a list of these. `.jsonl` (also `.gz`, `.zst`), CSV, Parquet and saved Hugging
            Face datasets hold many documents; every other file is one document of UTF-8 text.
        output: the index folder; None puts `corpus.infgram` beside a single local `corpus`.
        tokenizer: `"bytes"`; `"bpe"` or `"bpe:8000"`, trained on a sample of this corpus (32,000 entries by
            default); the path of a `tokenizer.json` or of its folder; a hub name; or a `Tokenizer`.
        text_field: the field of JSON lines that holds the text; all others are kept as metadata.
        threads: at most so many; None for all cores. The result does not depend on it.
        shard_tokens: a shard is closed when it holds so many tokens; documents are never split.
        overwrite: replace the index at `output`, once the new one is finished.
        on_error: `"fail"` at the first input that cannot be read, or `"skip"` it and list it in the manifest.
        progress: called on this thread now and then.

    Returns:
        The open index.

    Raises:
        InputError: the input cannot be read, or holds no document.
        TokenizerError: there is no such tokenizer, or it cannot be trained.
        IndexExistsError: `output` is taken, or another build is writing there.
        StorageError: the operating system refused: disk full, no permission. Nothing is left behind.
    """
    n_threads, n_shard_tokens = _threads(threads), _shard_tokens(shard_tokens)
    report = progress or _ignore
    corpus = Corpus(source, text_field=text_field, on_error=on_error)
    if output is not None and not os.fspath(output):
        raise IndexExistsError("the output is an empty path; expected the folder that the index is to be")
    target = default_output(corpus.inputs) if output is None else Path(output)
    with partial_folder(target, overwrite=overwrite) as folder:
        chosen = _tokenizer(tokenizer, corpus, report)
        shards = ShardSequence(folder, chosen.vocab_size, _core.token_bits_for(chosen.vocab_size), n_shard_tokens)
        for batch in tokenise(corpus.documents(), chosen, n_threads):
            shards.add(batch.token_ids, batch.lengths, batch.metadata)
            report(BuildProgress("tokenise", corpus.bytes_read, corpus.n_bytes, "bytes"))
        (folder / "tokenizer").mkdir()
        chosen.save(folder / "tokenizer")
        _finish(folder, shards, chosen, corpus, n_threads, report)
    return Index([target])


def build_from_tokens(
    documents: Iterable[Sequence[int] | npt.NDArray[np.integer[Any]]] | TokenCorpus,
    output: StrPath,
    *,
    vocab_size: int,
    token_width_bits: int | None = None,
    threads: int | None = None,
    shard_tokens: float = DEFAULT_SHARD_TOKENS,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Index:
    """Index documents that are token ids already; the index holds no tokenizer and is asked with token ids.

    Args:
        documents: sequences of integers or integer arrays, each a document; or a `TokenCorpus` of files.
        output: the index folder.
        vocab_size: ids go from 0 to `vocab_size - 1`.
        token_width_bits: 8, 16 or 32; None for the fewest that leave a code for the separator.
        threads: as for `build`.
        shard_tokens: as for `build`.
        overwrite: as for `build`.
        progress: as for `build`.

    Raises:
        QueryError: an id is outside the vocabulary, or the vocabulary does not fit the width.
        InputError: there is no document.
        IndexExistsError, StorageError: as for `build`.
    """
    n_threads, n_shard_tokens = _threads(threads), _shard_tokens(shard_tokens)
    width = _core.token_bits_for(vocab_size) if token_width_bits is None else token_width_bits
    with partial_folder(Path(output), overwrite=overwrite) as folder:
        shards = ShardSequence(folder, vocab_size, width, n_shard_tokens)
        for ids, lengths in _token_batches(documents, vocab_size):
            shards.add(ids, lengths, [b""] * len(lengths))
        if shards.n_documents == 0:
            raise InputError("there is no document to index; expected at least one, which may be empty")
        _finish(folder, shards, None, None, n_threads, progress or _ignore)
    return Index([Path(output)])


def _finish(
    folder: Path,
    shards: ShardSequence,
    tokenizer: Tokenizer | None,
    corpus: Corpus | None,
    threads: int,
    report: Progress,
) -> None:
    names = shards.finish()
    n_tokens = shards.n_tokens
    entries = sort_shards(folder, names, threads, lambda n: report(BuildProgress("sort", n, n_tokens, "tokens")))
    first = _core.Index([folder / names[0]])
    Manifest(
        builder_version=_core.__version__,
        vocab_size=first.vocab_size,
        token_width_bits=first.token_bits,
        tokenizer=None if tokenizer is None else TokenizerEntry(tokenizer.kind, tokenizer.fingerprint),
        shards=entries,
        skipped=() if corpus is None else tuple(SkippedEntry(s.source, s.line, s.reason) for s in corpus.skipped),
    ).write(folder)
    _core.sync_folder(folder)


def _tokenizer(spec: StrPath | Tokenizer, corpus: Corpus, report: Progress) -> Tokenizer:
    if not isinstance(spec, str | os.PathLike):
        return spec
    name = os.fspath(spec)
    if name != "bpe" and not name.startswith("bpe:"):
        return resolve(name)
    size = name.removeprefix("bpe").removeprefix(":")
    if size and not size.isdecimal():
        raise TokenizerError(f"{name!r} is no tokenizer; expected 'bpe', or 'bpe:8000' with the vocabulary's size")
    report(BuildProgress("train", 0, corpus.n_bytes, "bytes"))
    trained = train_bpe(corpus.sample_texts(_BPE_SAMPLE_BYTES), int(size) if size else _DEFAULT_BPE_VOCABULARY)
    report(BuildProgress("train", corpus.n_bytes, corpus.n_bytes, "bytes"))
    return trained


def _token_batches(
    documents: Iterable[Sequence[int] | npt.NDArray[np.integer[Any]]] | TokenCorpus, vocab_size: int
) -> Iterator[tuple[npt.NDArray[np.uint32], Int64Array]]:
    if isinstance(documents, TokenCorpus):
        for batch in documents.batches(whole_documents=True):
            yield batch.token_ids, batch.lengths
        return
    for number, document in enumerate(documents):
        ids = _checked_ids(document, vocab_size, number)
        yield ids, np.array([len(ids)], dtype=np.int64)


def _checked_ids(document: Sequence[int] | npt.NDArray[np.integer[Any]], vocab_size: int, number: int) -> Any:
    ids = np.asarray(document)
    if ids.ndim != 1 or (ids.size and ids.dtype.kind not in "iu"):
        raise QueryError(f"document {number} is {ids.dtype} of {ids.ndim} dimensions; expected a sequence of integers")
    if ids.size and not (int(ids.min()) >= 0 and int(ids.max()) < vocab_size):
        raise QueryError(
            f"document {number} has token ids from {ids.min()} to {ids.max()}; ids go from 0 to {vocab_size - 1}"
        )
    return ids.astype(np.uint32)


def _threads(threads: int | None) -> int:
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if isinstance(threads, bool) or not isinstance(threads, int) or not 1 <= threads <= _MOST_THREADS:
        raise QueryError(
            f"threads is {threads!r}; expected an integer from 1 to {_MOST_THREADS}, or None for all cores"
        )
    return threads


def _shard_tokens(shard_tokens: float) -> int:
    if not shard_tokens >= 1 or shard_tokens > 2**40:
        raise QueryError(f"shard_tokens is {shard_tokens!r}; expected a number from 1 to {2**40}")
    return int(shard_tokens)


def _ignore(progress: BuildProgress) -> None:
    """Progress that nobody asked for."""
