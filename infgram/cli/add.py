"""`infgram add`: add documents to an index."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from infgram.cli.display import duration, number, one_line
from infgram.cli.input_options import (
    DtypeOption,
    EndOfTextOption,
    ExcludeOption,
    FollowLinksOption,
    FormatOption,
    IfGenerationOption,
    IncludeOption,
    LocalIndexArgument,
    MemoryOption,
    OnErrorOption,
    ShardTokensOption,
    SourcesArgument,
    TextFieldOption,
    ThreadsOption,
    VocabSizeOption,
    token_corpus,
)
from infgram.cli.options import JsonOption, QuietOption
from infgram.cli.output import print_json, print_line
from infgram.cli.skipped import print_skipped, warn_skipped

EXAMPLES = """
infgram add corpus.infgram more/                # folders, files, tables, URLs
infgram add corpus.infgram today.jsonl.zst --text-field content
infgram add corpus.infgram more/ --on-error skip --json
infgram add ids.infgram more.bin --vocab-size 50257 --dtype uint16
infgram compact corpus.infgram                  # after many small additions
"""


def add(
    index: LocalIndexArgument,
    sources: SourcesArgument,
    text_field: TextFieldOption = "text",
    threads: ThreadsOption = None,
    memory: MemoryOption = None,
    shard_tokens: ShardTokensOption = 5_000_000_000,
    on_error: OnErrorOption = "fail",
    format_: FormatOption = "auto",
    include: IncludeOption = None,
    exclude: ExcludeOption = None,
    follow_links: FollowLinksOption = False,
    vocab_size: VocabSizeOption = None,
    dtype: DtypeOption = None,
    end_of_text: EndOfTextOption = None,
    if_generation: IfGenerationOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Add documents to an index.

    The input is read as by infgram build, and encoded with the tokenizer of the index. The documents get the next
    numbers. Nothing of the index is written again, so the time depends on the added documents only. Each addition makes
    at least one shard, and each query searches all shards: after many small additions, use infgram compact.

    The new state of the index appears when it is complete. Readers that have the index open keep the old state. A
    command that fails or is stopped keeps its finished stages in INDEX.partial; run it again to resume it. Only one
    command at a time can change an index.

    With --vocab-size, files of token ids are read, as by infgram build. N must be the vocabulary size of the index.

    JSON: path, elapsed_s, generation, first_document, n_documents, n_tokens, skipped (source, line, reason).

    Standard error gets the same JSON objects as that of infgram build.
    """
    import infgram
    from infgram.cli.progress import show_progress

    tokens = token_corpus(
        sources,
        vocab_size,
        dtype,
        end_of_text,
        follow_links=follow_links,
        is_filtered=format_ != "auto" or bool(include or exclude),
    )
    options: dict[str, Any] = {"threads": threads, "memory": memory, "shard_tokens": shard_tokens}
    options["if_generation"] = if_generation
    began = time.monotonic()
    with show_progress(quiet=quiet, as_events=as_json) as report:
        if tokens is not None:
            added = infgram.add_from_tokens(index, tokens, progress=report, **options)
        else:
            added = infgram.add(
                index,
                sources,
                text_field=text_field,
                on_error=on_error,
                format=format_,
                include=include or (),
                exclude=exclude or (),
                follow_links=follow_links,
                progress=report,
                **options,
            )
    elapsed_s = round(time.monotonic() - began, 3)
    skipped = [asdict(entry) for entry in added.skipped]
    if as_json:
        print_json({"path": index, "elapsed_s": elapsed_s, **asdict(added)})
    elif quiet:
        warn_skipped(skipped, index)
    else:
        last = added.first_document + added.n_documents - 1
        numbers = f"number {last}" if added.n_documents == 1 else f"numbers {added.first_document} to {last}"
        print_line(
            f"added {number(added.n_documents, 'document')}, {number(added.n_tokens, 'token')}, {duration(elapsed_s)}: "
            f"{numbers}"
        )
        print_line(f"index: {one_line(index)}, generation {added.generation}")
        print_skipped(skipped, index)
