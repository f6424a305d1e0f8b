"""`infgram count`: how often a text occurs."""

from __future__ import annotations

from typing import Annotated

import typer

from infgram.cli.options import (
    AnyTokenizationOption,
    IgnoreCaseOption,
    IndexArgument,
    JsonOption,
    TextArgument,
    TokenIdsOption,
)
from infgram.cli.output import print_json, print_line
from infgram.cli.questions import ask, given, open_index

EXAMPLES = """
infgram count corpus.infgram "natural language"
infgram count corpus.infgram "natural language" --json
infgram count corpus.infgram "natural language" --documents
infgram count corpus.infgram "language" --ignore-case  # wherever it stands
infgram count corpus.infgram --token-ids 3306,2750
printf %s "natural language" | infgram count corpus.infgram -
infgram count corpus.infgram ""            # every token of the corpus
infgram count corpus.infgram -- "--help"   # a text that begins with a dash
"""


def count(
    index: IndexArgument,
    text: TextArgument = None,
    token_ids: TokenIdsOption = None,
    documents: Annotated[
        bool, typer.Option("--documents", help="Count the documents that hold it instead; with --json both.")
    ] = False,
    ignore_case: IgnoreCaseOption = False,
    any_tokenization: AnyTokenizationOption = False,
    as_json: JsonOption = False,
) -> None:
    """Count how often a text occurs, exactly.

    An occurrence is a place inside one document where the text's own tokens stand. With most tokenizers a word
    inside a sentence begins with a space: " language" finds more than "language". With --any-tokenization the
    characters of the text are looked for instead, however the corpus is cut into tokens; with --ignore-case also in
    any case. The empty text counts every token.

    JSON: count; token_ids and tokens, those of the text itself; with --documents also document_count.
    """
    asked = given(text, token_ids)
    with open_index(index) as opened:
        question = ask(opened, asked)
        counts = {"count": opened.count(asked, ignore_case=ignore_case, any_tokenization=any_tokenization)}
        if documents and isinstance(asked, str) and (ignore_case or any_tokenization):
            counts["document_count"] = opened.search_text(asked, ignore_case=ignore_case, limit=0).document_count
        elif documents:
            counts["document_count"] = opened.document_count(question.token_ids)
    if as_json:
        print_json({**counts, "token_ids": question.token_ids, "tokens": question.tokens})
    else:
        print_line(str(counts["document_count" if documents else "count"]))
