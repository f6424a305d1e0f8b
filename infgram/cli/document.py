"""`infgram document`: print a document of the corpus."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from infgram.cli.display import lines, number
from infgram.cli.options import IndexArgument, JsonOption, TokenizerOption
from infgram.cli.output import note, print_json, print_line
from infgram.cli.query_arguments import has_tokenizer, open_index, tokens_of
from infgram.cli.search import metadata_line

EXAMPLES = """
infgram document corpus.infgram 17
infgram document corpus.infgram 17 > seventeen.txt  # the exact text
infgram document corpus.infgram 17 --json
"""


def document(
    index: IndexArgument,
    document_id: Annotated[int, typer.Argument(metavar="ID", min=0, help="The document id, from 0.")],
    tokenizer: TokenizerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print one document of the corpus.

    The text goes to standard output; its file, line and metadata go to standard error. The text is exact in a file or
    pipe; a terminal shows control characters as escapes.

    JSON: document_id, metadata, source, line, n_tokens, text, token_ids, tokens.
    """
    with open_index(index, tokenizer) as opened:
        found = opened.document(document_id)
        token_ids = found.token_ids.tolist()
        if as_json:
            print_json(
                {
                    "document_id": document_id,
                    "metadata": found.metadata,
                    "source": found.source,
                    "line": found.line,
                    "n_tokens": len(token_ids),
                    "text": found.text,
                    "token_ids": token_ids,
                    "tokens": tokens_of(opened, token_ids),
                }
            )
            return
        text = found.text if has_tokenizer(opened) else ",".join(map(str, token_ids))
    note(f"document {document_id}, {number(len(token_ids), 'token')}  {metadata_line(found)}".rstrip())
    if sys.stdout.isatty():
        for line in lines(text):
            print_line(line)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8"))
