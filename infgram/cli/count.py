"""`infgram count`: count the occurrences of a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from infgram.cli.display import quoted
from infgram.cli.options import (
    AnyTokenizationOption,
    IgnoreCaseOption,
    IndexArgument,
    JsonOption,
    QuietOption,
    TextArgument,
    TokenIdsOption,
    TokenizerOption,
)
from infgram.cli.output import note, print_json, print_line, print_table
from infgram.cli.query_arguments import encode_query, open_index, query_argument, require_tokenizer
from infgram.cli.string_notes import note_on_operators, note_on_string, note_on_strings

if TYPE_CHECKING:
    from infgram.index import Index
    from infgram.types import Reading, Readings

EXAMPLES = """
infgram count corpus.infgram "natural language"
infgram count corpus.infgram "natural language" --json
infgram count corpus.infgram "natural language" --documents
infgram count corpus.infgram "language" --any-tokenization  # as a string
infgram count corpus.infgram "language" --ignore-case
infgram count corpus.infgram "language" --readings
infgram count corpus.infgram --token-ids 3306,2750
printf %s "natural language" | infgram count corpus.infgram -
infgram count corpus.infgram ""            # every token of the corpus
infgram count corpus.infgram -- "--help"   # a text that begins with a dash
infgram count corpus.infgram --queries queries.txt --csv > counts.csv
infgram count corpus.infgram "natural language" --by year
"""


_LONGEST_STRING: Final = 500
"""The maximum number of characters of a text whose readings are all counted."""


def count(
    index: IndexArgument,
    text: TextArgument = None,
    token_ids: TokenIdsOption = None,
    queries: Annotated[
        str | None,
        typer.Option(
            "--queries",
            metavar="FILE",
            help="Count each line of a file (text, or JSON in .jsonl files); - reads standard input.",
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="FIELD", help="Count separately for each value of a metadata field."),
    ] = None,
    documents: Annotated[
        bool, typer.Option("--documents", help="Count documents instead of occurrences; with --json both.")
    ] = False,
    ignore_case: IgnoreCaseOption = False,
    any_tokenization: AnyTokenizationOption = False,
    readings: Annotated[
        bool, typer.Option("--readings", help="Show the count of the string and of each way it is tokenized.")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV; needs --queries or --by.")] = False,
    tokenizer: TokenizerOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Count the exact number of occurrences of a text.

    The text is tokenized, and its token sequence is counted within documents. Most tokenizers join a space to the next
    word, so " language" occurs more often than "language". With --any-tokenization the
    characters of the text are matched instead, in any tokenization; --ignore-case also ignores case. A
    note is printed if the string occurs more often than the token sequence; --readings shows all counts. The count of
    the empty text is the number of tokens in the corpus.

    With --queries, each line of FILE is a query, taken exactly as given without its line end (LF or CRLF). In files
    named .jsonl, .ndjson or .jsonlines a line is JSON: a text, a list of token ids, or an object with either of them
    as "query". --by counts separately for each value of a metadata field; dots in FIELD separate nested fields. Both
    print a table, or CSV with --csv.

    JSON: count; token_ids and tokens of the text; with --documents also document_count; with --readings also readings
    (text, string_count, is_exact, and as_typed, after_space, other_tokenizations and other_case, each with count,
    token_ids and text; null if unknown). With --queries or --by one object per query, on a line of its own: line,
    query, count; with --documents document_count; with --by instead by (value, count, document_count).
    """
    find_text = ignore_case or any_tokenization

    def counts(index: Index, query: str | list[int]) -> dict[str, int]:
        found = {"count": index.count(query, ignore_case=ignore_case, any_tokenization=any_tokenization)}
        if documents:
            found["document_count"] = index.document_count(
                query, ignore_case=ignore_case, any_tokenization=any_tokenization
            )
        return found

    if queries is None and by is None:
        if as_csv:
            raise typer.BadParameter("--csv needs --queries or --by")
        query = query_argument(text, token_ids)
        if readings and (not isinstance(query, str) or documents or find_text):
            raise typer.BadParameter("--readings needs a TEXT and shows all its counts; leave out the other options")
        found: Readings | None = None
        puts_text_together = True
        with open_index(index, tokenizer, quiet=quiet) as opened:
            if isinstance(query, str):
                require_tokenizer(opened)
            encoded = encode_query(opened, query) if as_json else None
            answer: dict[str, Any] = {**counts(opened, query)}
            if readings and isinstance(query, str):
                found = opened.readings(query)
                answer["readings"] = asdict(found)
                puts_text_together = opened.tokenizer.token_bytes() is not None
            elif not (as_json or documents or find_text or quiet) and isinstance(query, str):
                note_on_string(opened, query)
            if isinstance(query, str) and not quiet:
                note_on_operators(query)
        if encoded is not None:
            print_json({**answer, "token_ids": encoded.token_ids, "tokens": encoded.tokens})
        elif found is not None:
            _print_readings(found, puts_text_together=puts_text_together)
        else:
            print_line(str(answer["document_count" if documents else "count"]))
        return
    if queries is not None and (text is not None or token_ids is not None):
        raise typer.BadParameter("pass either --queries, or a TEXT or --token-ids, not both")
    if readings:
        raise typer.BadParameter("--readings needs one TEXT; leave out --queries and --by")
    if by == "":
        raise typer.BadParameter("--by is empty; expected the name of a metadata field")
    if by is not None and find_text:
        raise typer.BadParameter("--by cannot be used with --ignore-case or --any-tokenization")
    if as_csv and as_json:
        raise typer.BadParameter("pass either --csv or --json, not both")

    from infgram.cli.count_file import count_all, print_csv, print_json_lines, print_rows, rows_by_field
    from infgram.cli.query_file import FileQuery, read_queries

    entries = [FileQuery("query", 1, query_argument(text, token_ids))] if queries is None else read_queries(queries)
    with open_index(index, tokenizer, quiet=quiet) as opened:

        def rows(some: Sequence[str | list[int]]) -> list[list[dict[str, Any]]]:
            if documents or find_text:
                return [[counts(opened, query)] for query in some]
            return [[{"count": n}] for n in opened.count_batch(some).tolist()]

        count_rows = rows if by is None else rows_by_field(lambda query: opened.count_by(query, by))
        counted = count_all(entries, count_rows, quiet=quiet)
        if not (as_json or documents or find_text or quiet or by is not None):
            note_on_strings(opened, [entry.query for entry in entries])
    names = ["count", *(["document_count"] if by is not None or documents else [])]
    headings = {**({} if by is None else {"value": by}), **{name: name for name in names}}
    if as_json:
        print_json_lines(counted, is_by_field=by is not None)
    elif as_csv:
        print_csv(counted, headings)
    else:
        print_rows(counted, headings)


def _print_readings(found: Readings, *, puts_text_together: bool) -> None:
    """Print the count of the string, and a table of the readings that it is the sum of."""
    rows: list[tuple[str, Reading | None]] = [
        ("as typed", found.as_typed),
        *([("after a space", found.after_space)] if found.after_space else []),
        ("other tokenizations", found.other_tokenizations),
        ("other case", found.other_case),
    ]
    total = "unknown" if found.string_count is None else f"{found.string_count:,}"
    print_line(f"{quoted(found.text, 60)} as a string: {total}")
    print_line()
    cells = [
        (name, "unknown" if each is None else f"{each.count:,}", quoted(each.text, 60) if each and each.text else "")
        for name, each in rows
    ]
    print_table(("reading", "count", "for example"), cells, left=("reading", "for example"))
    if found.is_exact:
        return
    if not puts_text_together:
        note("only the text as typed is counted: this tokenizer does not define the bytes of its tokens")
    elif len(found.text) > _LONGEST_STRING:
        note(f"only the text as typed is counted, since it has more than {_LONGEST_STRING} characters")
    else:
        note("the string has too many tokenizations to count here; --any-tokenization counts them all")
