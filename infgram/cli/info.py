"""`infgram info`: show the contents of an index and the size of each section."""

from __future__ import annotations

from typing import Any

from infgram.cli.display import number, one_line, size
from infgram.cli.options import IndexArgument, JsonOption, TokenizerOption
from infgram.cli.output import print_json, print_line, print_table
from infgram.cli.query_arguments import open_index

EXAMPLES = """
infgram info corpus.infgram
infgram info corpus.infgram --json
"""


def info(index: IndexArgument, tokenizer: TokenizerOption = None, as_json: JsonOption = False) -> None:
    """Show the contents of an index and the size of each section.

    The ratios are bytes on disk per token of the corpus.

    JSON: paths, n_tokens, n_documents, n_shards, generation (the number of changes since the build),
    n_removed_documents and n_removed_tokens (deleted, but still in the files), vocab_size, token_width_bits,
    bytes_per_token (without the documents' metadata), size_bytes, sections, tokenizer, format_version, suffix_order,
    builder_version, n_skipped.
    """
    with open_index(index, tokenizer) as opened:
        numbers = opened.info()
    if as_json:
        print_json(numbers)
        return
    for label, value in summary(numbers):
        print_line(f"{label:<16}{value}")
    print_line()
    print_sections(numbers)


def summary(numbers: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the labels and values above the table."""
    tokenizer, builder = numbers["tokenizer"], numbers["builder_version"]
    if builder != "infini-gram":
        builder = f"infgram {builder}"
    named = "none (query token ids)" if tokenizer is None else f"{tokenizer['kind']} {tokenizer['fingerprint'][:16]}"
    lines = [
        ("index", ", ".join(one_line(path) for path in numbers["paths"])),
        ("documents", f"{numbers['n_documents']:,}"),
        ("tokens", f"{numbers['n_tokens']:,}, {numbers['token_width_bits']} bits each"),
        ("tokenizer", f"{one_line(named)}, {numbers['vocab_size']:,} token ids"),
        ("shards", f"{numbers['n_shards']:,}"),
        (
            "size",
            f"{size(numbers['size_bytes'])}, {_ratio(numbers['bytes_per_token'])} bytes per token without metadata",
        ),
        ("format", f"version {numbers['format_version']}, written by {one_line(builder)}"),
    ]
    if numbers["generation"]:
        lines.append(("generation", f"{numbers['generation']:,}, the number of changes since the build"))
    if numbers["n_removed_documents"]:
        documents, tokens = numbers["n_removed_documents"], numbers["n_removed_tokens"]
        deleted = f"{number(documents, 'document')}, {number(tokens, 'token')}"
        lines.append(("deleted", f"{deleted}, in the files until infgram compact"))
    if numbers["n_skipped"]:
        lines.append(("skipped", f"{number(numbers['n_skipped'], 'piece')} of input, listed in manifest.json"))
    return lines


def print_sections(numbers: dict[str, Any]) -> None:
    """Print the table of sections."""
    rows = [
        (one_line(name), f"{section['size_bytes']:,}", _ratio(section["bytes_per_token"]))
        for name, section in numbers["sections"].items()
    ]
    print_table(("section", "bytes", "bytes per token"), rows, left=("section",))


def _ratio(value: float | None) -> str:
    return "no" if value is None else f"{value:.3f}"
