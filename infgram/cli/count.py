"""`infgram count`: how often a text occurs."""

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
)
from infgram.cli.output import note, print_json, print_line, print_table
from infgram.cli.questions import ask, given, open_index, require_tokenizer
from infgram.cli.string_notes import note_on_operators, note_on_string, note_on_strings

if TYPE_CHECKING:
    from infgram.index import Index
    from infgram.types import Reading, Readings

EXAMPLES = """
infgram count corpus.infgram "natural language"
infgram count corpus.infgram "natural language" --json
infgram count corpus.infgram "natural language" --documents
infgram count corpus.infgram "language" --any-tokenization  # the string
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
"""Characters of a text whose readings are all counted."""


def count(
    index: IndexArgument,
    text: TextArgument = None,
    token_ids: TokenIdsOption = None,
    queries: Annotated[
        str | None,
        typer.Option(
            "--queries",
            metavar="FILE",
            help="Count each line of a file, a text or in .jsonl files JSON; - is standard input.",
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="FIELD", help="Count for each value of a metadata field of the documents."),
    ] = None,
    documents: Annotated[
        bool, typer.Option("--documents", help="Count the documents that hold it instead; with --json both.")
    ] = False,
    ignore_case: IgnoreCaseOption = False,
    any_tokenization: AnyTokenizationOption = False,
    readings: Annotated[
        bool, typer.Option("--readings", help="Show how often the text occurs as a string, and in which tokens.")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, with --queries or --by.")] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Count how often a text occurs, exactly.

    An occurrence is a place inside one document where the text's own tokens are. With most tokenizers a word inside a
    sentence begins with a space: " language" finds more than "language". With --any-tokenization the characters of
    the text are looked for instead, however the corpus is cut into tokens; with --ignore-case also in any case. A
    note says so where the string occurs more often than the tokens; --readings shows all counts. The empty text
    counts every token.

    With --queries, every line of the file is a query exactly as it is. In a file .jsonl, .ndjson or .jsonlines a line
    is JSON: a text, a list of token ids, or an object that holds one as "query". --by FIELD counts separately for each
    value that the field has in the documents' metadata; dots in its name reach into nested objects. Both print a table
    or, with --csv, columns that a spreadsheet reads.

    JSON: count; token_ids and tokens, those of the text itself; with --documents also document_count; with --readings
    also readings (text, string_count, as_typed, after_space, other_cuts, other_case, each with count, token_ids and
    text, and is_exact; null where it is unknown). With --queries or --by an object a query, each on a line: line,
    query, count; with --documents document_count; with --by instead by (value, count, document_count).
    """
    find_text = ignore_case or any_tokenization

    def counts(index: Index, asked: str | list[int]) -> dict[str, int]:
        found = {"count": index.count(asked, ignore_case=ignore_case, any_tokenization=any_tokenization)}
        if documents:
            found["document_count"] = index.document_count(
                asked, ignore_case=ignore_case, any_tokenization=any_tokenization
            )
        return found

    if queries is None and by is None:
        if as_csv:
            raise typer.BadParameter("--csv is for many counts: with --queries or --by")
        asked = given(text, token_ids)
        if readings and (not isinstance(asked, str) or documents or find_text):
            raise typer.BadParameter("--readings are of a TEXT, and show all its counts; leave out the other options")
        found: Readings | None = None
        puts_text_together = True
        with open_index(index) as opened:
            if isinstance(asked, str):
                require_tokenizer(opened)
            question = ask(opened, asked) if as_json else None
            answer: dict[str, Any] = {**counts(opened, asked)}
            if readings and isinstance(asked, str):
                found = opened.readings(asked)
                answer["readings"] = asdict(found)
                puts_text_together = opened.tokenizer.token_bytes() is not None
            elif not (as_json or documents or find_text or quiet) and isinstance(asked, str):
                note_on_string(opened, asked)
            if isinstance(asked, str) and not quiet:
                note_on_operators(asked)
        if question is not None:
            print_json({**answer, "token_ids": question.token_ids, "tokens": question.tokens})
        elif found is not None:
            _print_readings(found, puts_text_together=puts_text_together)
        else:
            print_line(str(answer["document_count" if documents else "count"]))
        return
    if queries is not None and (text is not None or token_ids is not None):
        raise typer.BadParameter("both --queries and a TEXT or --token-ids; give one of them")
    if readings:
        raise typer.BadParameter("--readings are of one TEXT; leave out --queries and --by")
    if by == "":
        raise typer.BadParameter("--by is empty; expected the name of a metadata field")
    if by is not None and find_text:
        raise typer.BadParameter("--by counts tokens as they are; it is not for --ignore-case or --any-tokenization")
    if as_csv and as_json:
        raise typer.BadParameter("both --csv and --json; give one of them")

    from infgram.cli.count_file import count_all, print_csv, print_json_lines, print_rows, rows_by_field
    from infgram.cli.query_file import FileQuery, read_queries

    all_asked = read_queries(queries) if queries is not None else [FileQuery("query", 1, given(text, token_ids))]
    with open_index(index) as opened:

        def rows(some: Sequence[str | list[int]]) -> list[list[dict[str, Any]]]:
            if documents or find_text:
                return [[counts(opened, asked)] for asked in some]
            return [[{"count": n}] for n in opened.count_batch(some).tolist()]

        count_rows = rows if by is None else rows_by_field(lambda asked: opened.count_by(asked, by))
        counted = count_all(all_asked, count_rows, quiet=quiet)
        if not (as_json or documents or find_text or quiet or by is not None):
            note_on_strings(opened, [asked.query for asked in all_asked])
    names = ["count", *(["document_count"] if by is not None or documents else [])]
    headings = {**({} if by is None else {"value": by}), **{name: name for name in names}}
    if as_json:
        print_json_lines(counted, is_by_field=by is not None)
    elif as_csv:
        print_csv(counted, headings)
    else:
        print_rows(counted, headings)


def _print_readings(found: Readings, *, puts_text_together: bool) -> None:
    """The string's count, and a table of those that make it up."""
    rows: list[tuple[str, Reading | None]] = [
        ("as typed", found.as_typed),
        *([("after a space", found.after_space)] if found.after_space else []),
        ("other cuts", found.other_cuts),
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
        note("only the text's own tokens are counted: the tokenizer does not make texts of the bytes of its tokens")
    elif len(found.text) > _LONGEST_STRING:
        note(f"only the text's own tokens are counted where it has more than {_LONGEST_STRING} characters")
    else:
        note("the text occurs in too many token sequences to count here; --any-tokenization counts them all")
