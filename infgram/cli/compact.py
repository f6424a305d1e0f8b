"""`infgram compact`: write an index again without deleted documents."""

from __future__ import annotations

import time
from dataclasses import asdict

from infgram.cli.display import duration, number, one_line, size
from infgram.cli.input_options import (
    IfGenerationOption,
    LocalIndexArgument,
    MemoryOption,
    ShardTokensOption,
    ThreadsOption,
)
from infgram.cli.options import JsonOption, QuietOption
from infgram.cli.output import print_json, print_line

EXAMPLES = """
infgram compact corpus.infgram
infgram compact corpus.infgram --memory 2GiB --json
"""


def compact(
    index: LocalIndexArgument,
    threads: ThreadsOption = None,
    memory: MemoryOption = None,
    shard_tokens: ShardTokensOption = 5_000_000_000,
    if_generation: IfGenerationOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write an index again without deleted documents, in few shards.

    Afterwards the text of deleted documents is gone from the disk, and queries are as fast as after infgram build. All
    documents keep their numbers. It takes the time of a build without the tokenization, and the disk space of the new
    files beside the old ones until the end.

    The new state of the index appears when it is complete. Readers that have the index open keep the old state, with
    its files, until they close or reload it. A command that fails or is stopped keeps its finished stages in
    INDEX.partial; run it again to resume it. If nothing was deleted and the shards are those of a build, nothing is
    written.

    JSON: path, elapsed_s, generation, n_documents, n_tokens, n_shards, freed_bytes, is_changed.
    """
    import infgram
    from infgram.cli.progress import show_progress

    began = time.monotonic()
    with show_progress(quiet=quiet, as_events=as_json) as report:
        compacted = infgram.compact(
            index,
            threads=threads,
            memory=memory,
            shard_tokens=shard_tokens,
            if_generation=if_generation,
            progress=report,
        )
    elapsed_s = round(time.monotonic() - began, 3)
    if as_json:
        print_json({"path": index, "elapsed_s": elapsed_s, **asdict(compacted)})
    elif not quiet:
        contents = (
            number(compacted.n_documents, "document"),
            number(compacted.n_tokens, "token"),
            number(compacted.n_shards, "shard"),
        )
        freed = compacted.freed_bytes
        change = f"{size(freed)} freed" if freed >= 0 else f"{size(-freed)} more"
        if not compacted.is_changed:
            change = "nothing to compact"
        print_line(f"{', '.join(contents)}, {change}, {duration(elapsed_s)}")
        print_line(f"index: {one_line(index)}, generation {compacted.generation}")
