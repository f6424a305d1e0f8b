"""`infgram count`: how often a text occurs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infgram.cli.options import (
    AnyTokenizationOption,
    IgnoreCaseOption,
    IndexArgument,
    JsonOption,
    QuietOption,
    TextArgument,
    TokenIdsOption,
)
from infgram.cli.output import print_json, print_line
from infgram.cli.questions import ask, given, open_index

if TYPE_CHECKING:
    from infgram.index import Index

EXAMPLES = """
infgram count corpus.infgram "natural language"
infgram count corpus.infgram "natural language" --json
infgram count corpus.infgram "natural language" --documents
infgram count corpus.infgram "language" --ignore-case  # wherever it stands
infgram count corpus.infgram --token-ids 3306,2750
printf %s "natural language" | infgram count corpus.infgram -
infgram count corpus.infgram ""            # every token of the corpus
infgram count corpus.infgram -- "--help"   # a text that begins with a dash
infgram count corpus.infgram --queries queries.txt --csv > counts.csv
infgram count corpus.infgram "natural language" --by year
"""


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
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, with --queries or --by.")] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Count how often a text occurs, exactly.

    An occurrence is a place inside one document where the text's own tokens stand. With most tokenizers a word
    inside a sentence begins with a space: " language" finds more than "language". With --any-tokenization the
    characters of the text are looked for instead, however the corpus is cut into tokens; with --ignore-case also in
    any case. The empty text counts every token.

    With --queries, every line of the file is a query exactly as it stands. In a file .jsonl, .ndjson or .jsonlines a
    line is JSON: a text, a list of token ids, or an object that holds one as "query". --by FIELD counts separately
    for each value that the field has in the documents' metadata; dots in its name reach into nested objects. Both
    print a table or, with --csv, columns that a spreadsheet reads.

    JSON: count; token_ids and tokens, those of the text itself; with --documents also document_count. With --queries
    or --by an object a query, each on a line: line, query, count; with --documents document_count; with --by
    instead by (value, count, document_count).
    """
    find_text = ignore_case or any_tokenization

    def counts(index: Index, asked: str | list[int]) -> dict[str, int]:
        found = {"count": index.count(asked, ignore_case=ignore_case, any_tokenization=any_tokenization)}
        if documents and isinstance(asked, str) and find_text:
            found["document_count"] = index.search_text(asked, ignore_case=ignore_case, limit=0).document_count
        elif documents:
            found["document_count"] = index.document_count(asked)
        return found

    if queries is None and by is None:
        if as_csv:
            raise typer.BadParameter("--csv is for many counts: with --queries or --by")
        asked = given(text, token_ids)
        with open_index(index) as opened:
            needs_tokens = as_json or isinstance(asked, str)
            question = ask(opened, asked) if needs_tokens else None
            answer = counts(opened, asked)
        if question is not None and as_json:
            print_json({**answer, "token_ids": question.token_ids, "tokens": question.tokens})
        else:
            print_line(str(answer["document_count" if documents else "count"]))
        return
    if queries is not None and (text is not None or token_ids is not None):
        raise typer.BadParameter("both --queries and a TEXT or --token-ids; give one of them")
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
            return [[{"count": number}] for number in opened.count_batch(some).tolist()]

        count_rows = rows if by is None else rows_by_field(lambda asked: opened.count_by(asked, by), by)
        counted = count_all(all_asked, count_rows, quiet=quiet)
    columns = [*([by] if by else []), "count", *(["document_count"] if by or documents else [])]
    if as_json:
        print_json_lines(counted, by=by)
    elif as_csv:
        print_csv(counted, columns)
    else:
        print_rows(counted, columns, by=by)
