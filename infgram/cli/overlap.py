"""`infgram overlap`: measure the contamination of a test set by the corpus."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

import typer

from infgram.cli.display import number, one_line
from infgram.cli.options import IndexArgument, JsonOption, QuietOption, TimeoutOption, TokenizerOption
from infgram.cli.output import print_json, print_line, print_table
from infgram.cli.query_arguments import open_index
from infgram.corpus import Corpus, TokenLines

if TYPE_CHECKING:
    from infgram.analysis import ItemOverlap, Overlap, SizeOverlap
    from infgram.analysis.rules import Measure
    from infgram.types import Query

_ITEMS_SHOWN: Final = 10

EXAMPLES = """
infgram overlap corpus.infgram test.jsonl  # any 13-gram
infgram overlap corpus.infgram test.jsonl --rule gpt-3  # scans the corpus
infgram overlap corpus.infgram test.jsonl --rule palm
infgram overlap corpus.infgram tests/ --rule llama-2 --threshold 0.2
infgram overlap corpus.infgram test.jsonl --json --items items.jsonl
infgram overlap corpus.infgram test.jsonl --text-field question
infgram overlap corpus.infgram ids.jsonl --ids
"""


@dataclass(frozen=True)
class _Item:
    """An item of the test set: its query, and the fields that name it in the output."""

    query: Query
    name: dict[str, Any]


def overlap(
    index: IndexArgument,
    test: Annotated[
        list[str],
        typer.Argument(
            metavar="TEST",
            help="The test set, in any format that infgram build reads; - reads JSON lines from standard input.",
        ),
    ],
    text_field: Annotated[
        str | None,
        typer.Option(
            "--text-field",
            metavar="NAME",
            help="The field with the text or, with --ids, the token ids.",
            show_default="text or token_ids",
        ),
    ] = None,
    ids: Annotated[
        bool, typer.Option("--ids", help="Read JSON lines with lists of token ids instead of text.")
    ] = False,
    rule: Annotated[
        str | None,
        typer.Option("--rule", metavar="NAME", help="The rule of a paper: gpt-3, palm, llama-2 or gpt-4 (see above)."),
    ] = None,
    n: Annotated[
        int | None,
        typer.Option(
            "--n",
            min=1,
            metavar="N",
            help="The n of the n-grams, in tokens (gpt-3: words, gpt-4: characters); by default 13, or the rule's.",
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold",
            min=0,
            max=1,
            metavar="SHARE",
            help="The minimum share; by default 0 (any n-gram), or the rule's.",
        ),
    ] = None,
    measure: Annotated[
        str | None,
        typer.Option(
            "--measure",
            metavar="MEASURE",
            help="The share of n_grams, or of tokens inside them; by default n_grams, or the rule's.",
        ),
    ] = None,
    sizes: Annotated[
        list[int] | None,
        typer.Option("--size", min=1, metavar="N", help="Also report the overlap of N-grams; may be repeated."),
    ] = None,
    items: Annotated[
        Path | None,
        typer.Option(
            "--items",
            metavar="FILE",
            help="Write one row per item to this file: .jsonl (also .gz, .zst, .bz2, .xz) or .parquet.",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file of --items.")] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="SEED", help="The random seed of the gpt-4 rule.")] = 0,
    timeout: TimeoutOption = None,
    tokenizer: TokenizerOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Measure the contamination of a test set by the corpus.

    An item is contaminated if at least one of its n-grams occurs in the corpus, and the share of these n-grams (or of
    the tokens inside them, see --measure) is at least --threshold. By default one 13-gram of tokens is enough; --rule
    uses the rule of a paper instead. Items of fewer than n tokens are reported as too short, not as clean. The most
    contaminated items are printed, each with a document that contains part of it. The file of --items appears when all
    items are compared.

    Rules: gpt-3, any n-gram of lower-cased words without punctuation, n from 8 to 13 by the lengths of the items;
    palm, 70% of the 8-grams of tokens; llama-2, 80% of the tokens inside 10-grams, without skipgrams; gpt-4, any of
    three random substrings of 50 letters and digits. gpt-3 and gpt-4 compare a shorter item as a whole, and read every
    document of the corpus once.

    JSON: n_items, n_contaminated, share_contaminated, n_clean, n_short (items that are too short), n_tokens,
    longest_match, rule (name, or null; n, unit, threshold, measure), sizes. A size has n, n_grams, n_seen, share,
    n_covered (tokens inside seen n-grams), token_share; sums over all items, in tokens. A row of --items: source,
    line, id (if the item has one), n_tokens, is_contaminated, is_short, longest_start, longest_length (in tokens),
    sizes, rule_overlap (a size in the rule's unit), evidence (null, or text, document_id, snippet, snippet_match_start,
    snippet_match_end, metadata, source, line).
    """
    from infgram.analysis import overlap as compared
    from infgram.analysis.overlap import DEFAULT_SIZES
    from infgram.cli.progress import show_progress
    from infgram.exports.rows_file import rows_file
    from infgram.types import BuildProgress

    source = _Source(test, text_field, ids)
    compared_items, named_items = itertools.tee(source.items())
    output = nullcontext() if items is None else rows_file(items, overwrite=overwrite)
    worst: list[tuple[float, int, dict[str, Any]]] = []  # a heap with the smallest share first
    with open_index(index, tokenizer, quiet=quiet) as opened, show_progress(quiet=quiet) as report, output as write:
        found = compared(
            opened,
            (item.query for item in compared_items),
            rule=rule,
            n=n,
            threshold=threshold,
            measure=cast("Measure | None", measure),  # `overlap` validates it
            sizes=DEFAULT_SIZES if sizes is None else sizes,
            timeout_s=timeout,
            seed=seed,
        )
        for position, (item, item_overlap) in enumerate(zip(named_items, found, strict=True)):
            fields = {**item.name, **_item_fields(item_overlap)}
            if write is not None:
                write(fields)
            if item_overlap.is_contaminated:
                heapq.heappush(worst, (item_overlap.rule_overlap.share, -position, fields))
                if len(worst) > _ITEMS_SHOWN:
                    heapq.heappop(worst)
            report(BuildProgress("compare", source.bytes_read, source.n_bytes, "bytes"))
    if as_json:
        print_json(answer(found))
    else:
        _print(found, [fields for *_, fields in sorted(worst, key=lambda entry: entry[:2], reverse=True)])


def answer(found: Overlap) -> dict[str, Any]:
    """Return the fields of the JSON object."""
    total, rule = found.total, found.rule
    return {
        "n_items": total.n_items,
        "n_contaminated": total.n_contaminated,
        "share_contaminated": total.n_contaminated / total.n_items if total.n_items else 0.0,
        "n_clean": total.n_clean,
        "n_short": total.n_short,
        "n_tokens": total.n_tokens,
        "longest_match": total.longest_length,
        "rule": {**asdict(rule), "name": rule.name or None},
        "sizes": [_size_fields(size) for size in total.sizes],
    }


class _Source:
    """The items of a test set: texts in any format that builds read, or lines of token ids."""

    def __init__(self, test: list[str], text_field: str | None, ids: bool) -> None:
        self._files: Corpus | TokenLines
        if ids:
            self._files = TokenLines(test, field=text_field or "token_ids")
        else:
            self._files = Corpus(test, text_field=text_field or "text")
        self.n_bytes = self._files.n_bytes

    def items(self) -> Iterator[_Item]:
        """Yield the items in order."""
        if isinstance(self._files, Corpus):
            for text in self._files.documents():
                yield _Item(text.text, _name(text.source, text.line, text.metadata))
        else:
            for tokens in self._files.items():
                yield _Item(tokens.token_ids, _name(tokens.source, tokens.line, tokens.metadata))

    @property
    def bytes_read(self) -> int:
        """The stored bytes of the items read so far."""
        return self._files.bytes_read


def _name(source: str, line: int | None, metadata: dict[str, Any]) -> dict[str, Any]:
    return {"source": source, "line": line, **({"id": metadata["id"]} if "id" in metadata else {})}


def _item_fields(item: ItemOverlap) -> dict[str, Any]:
    return {
        "n_tokens": item.n_tokens,
        "is_contaminated": item.is_contaminated,
        "is_short": item.is_short,
        "longest_start": item.longest_start,
        "longest_length": item.longest_length,
        "sizes": [_size_fields(size) for size in item.sizes],
        "rule_overlap": _size_fields(item.rule_overlap),
        "evidence": None if item.evidence is None else asdict(item.evidence),
    }


def _size_fields(size: SizeOverlap) -> dict[str, Any]:
    return {
        "n": size.n,
        "n_grams": size.n_grams,
        "n_seen": size.n_seen,
        "share": size.share,
        "n_covered": size.n_covered,
        "token_share": size.token_share,
    }


def _print(found: Overlap, worst: list[dict[str, Any]]) -> None:
    total, rule = found.total, found.rule
    print_line(f"{total.n_contaminated:,} of {number(total.n_items, 'item')} contaminated: {rule}")
    if total.n_short:
        print_line(f"{number(total.n_short, 'item')} too short: fewer than {number(rule.n, rule.unit[:-1])}")
    print_line(f"{number(total.n_tokens, 'token')}, longest match {number(total.longest_length, 'token')}")
    print_line()
    rows = [
        (str(size.n), f"{size.n_grams:,}", f"{size.n_seen:,}", f"{size.share:.1%}", f"{size.token_share:.1%}")
        for size in total.sizes
    ]
    print_table(("n", "n-grams of tokens", "seen", "share", "of tokens"), rows)
    if not worst:
        return
    print_line()
    unit = rule.unit.removesuffix("s")
    columns = ("item", "tokens", "n", f"n-grams of {unit}s seen", "longest match")
    print_table(columns, [_worst_row(fields) for fields in worst], left=("item",))
    print_line()
    for fields in worst:
        _print_evidence(fields)
    if total.n_contaminated > len(worst):
        print_line(f"and {number(total.n_contaminated - len(worst), 'item')} more (use --items to write all)")


def _print_evidence(fields: dict[str, Any]) -> None:
    evidence = fields["evidence"]
    about = "".join(f" {name}={value}" for name, value in evidence["metadata"].items())
    origin = "" if evidence["source"] is None else f" ({_place_of(evidence)})"
    print_line(one_line(f"{_place_of(fields)} is in document {evidence['document_id']}{origin}{about}"))
    if evidence["snippet"]:
        print_line(f"  {one_line(evidence['snippet'])}")


def _place_of(fields: dict[str, Any]) -> str:
    return str(fields["source"]) if fields["line"] is None else f"{fields['source']}:{fields['line']}"


def _worst_row(fields: dict[str, Any]) -> tuple[str, ...]:
    rule_overlap = fields["rule_overlap"]
    return (
        one_line(_place_of(fields)),
        f"{fields['n_tokens']:,}",
        str(rule_overlap["n"]),
        f"{rule_overlap['share']:.1%}",
        f"{fields['longest_length']:,}",
    )
