"""`infgram verify`: check every byte of an index."""

from __future__ import annotations

from infgram.cli.display import number
from infgram.cli.options import IndexArgument, JsonOption, QuietOption, TokenizerOption
from infgram.cli.output import print_json, print_line
from infgram.cli.query_arguments import open_index

EXAMPLES = """
infgram verify corpus.infgram
infgram verify corpus.infgram --json && echo intact
"""


def verify(
    index: IndexArgument, tokenizer: TokenizerOption = None, as_json: JsonOption = False, quiet: QuietOption = False
) -> None:
    """Check every byte of an index.

    The size and checksum of every file are compared with the manifest, each suffix array is checked to be complete and
    sorted, in linear time, and the metadata of every document are parsed. If the index is damaged, the exit code is 4
    and the error names the file and the fault.

    JSON: is_intact, n_tokens, n_documents, n_shards.
    """
    from infgram.cli.progress import show_progress
    from infgram.types import BuildProgress

    with open_index(index, tokenizer, quiet=quiet) as opened:
        with show_progress(quiet=quiet) as report:
            opened.verify(progress=lambda done, total: report(BuildProgress("verify", done, total, "tokens")))
        shards, documents, tokens = opened.n_shards, opened.n_documents, opened.n_tokens
        is_infini_gram = opened.info()["builder_version"] == "infini-gram"
    if as_json:
        print_json({"is_intact": True, "n_tokens": tokens, "n_documents": documents, "n_shards": shards})
        return
    contents = f"{number(tokens, 'token')}, {number(documents, 'document')}, {number(shards, 'shard')}"
    print_line(f"intact: {contents}")
    if is_infini_gram:  # its files have no checksums
        print_line("checked: each file's size, the separators of all documents, the metadata of each document,")
    else:
        print_line(
            "checked: the manifest, each file's size and checksum, the tokenizer, the metadata of each document,"
        )
    print_line("         and that each suffix array is complete and sorted")
