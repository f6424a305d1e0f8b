"""`infgram search`: the documents that hold a text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from infgram.cli.display import lines, number, one_line
from infgram.cli.options import IndexArgument, JsonOption, TextArgument, TokenIdsOption
from infgram.cli.output import print_json, print_line, print_text
from infgram.cli.questions import Question, ask, given, open_index

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.text import Text

    from infgram.types import SearchHit, SearchResult

EXAMPLES = """
infgram search corpus.infgram "natural language"
infgram search corpus.infgram "natural" --limit 3 --snippet-tokens 100
infgram search corpus.infgram "natural language" --seed 7  # a uniform sample
infgram search corpus.infgram "natural language" --json
"""


def search(
    index: IndexArgument,
    text: TextArgument = None,
    token_ids: TokenIdsOption = None,
    limit: Annotated[int, typer.Option("--limit", min=0, metavar="N", help="Documents at most.")] = 10,
    seed: Annotated[
        int | None,
        typer.Option("--seed", metavar="NUMBER", help="Draw a uniform sample, the same for the same number."),
    ] = None,
    snippet_tokens: Annotated[
        int, typer.Option("--snippet-tokens", min=0, metavar="N", help="Tokens to show around the match.")
    ] = 40,
    as_json: JsonOption = False,
) -> None:
    """Find the documents that hold a text.

    Each document is listed once, with a snippet around its match. Without --seed they come in the order of the
    suffix array: by what follows the match.

    JSON: count (occurrences in the whole corpus), token_ids, tokens, documents (document_id, metadata, text,
    offset and length of the match in tokens, match_start and match_end in characters of text, snippet,
    snippet_match_start, snippet_match_end).
    """
    asked = given(text, token_ids)
    with open_index(index) as opened:
        question = ask(opened, asked)
        found = opened.search(question.token_ids, limit=limit, seed=seed, snippet_tokens=snippet_tokens)
    if as_json:
        print_json(answer(question, found))
    else:
        _print(found, limit)


def answer(question: Question, found: SearchResult) -> dict[str, Any]:
    """The JSON object."""
    return {
        "count": found.count,
        "token_ids": question.token_ids,
        "tokens": question.tokens,
        "documents": [_fields(hit) for hit in found],
    }


def metadata_line(metadata: Mapping[str, Any]) -> str:
    """The metadata on one line, safe to show; long values cut."""
    import json

    shown = (value if isinstance(value, str) else json.dumps(value) for value in metadata.values())
    return "  ".join(f"{one_line(key)}={one_line(value)[:200]}" for key, value in zip(metadata, shown, strict=True))


def _fields(hit: SearchHit) -> dict[str, Any]:
    names = ("document_id", "metadata", "text", "offset", "length", "match_start", "match_end")
    snippet = ("snippet", "snippet_match_start", "snippet_match_end")
    return {name: getattr(hit, name) for name in (*names, *snippet)}


def _print(found: SearchResult, limit: int) -> None:
    documents = number(len(found), "document")
    if len(found) < limit:
        place = f" in {documents}" if found.count else ""
    else:
        place = f"; {documents} shown" + (", perhaps not all (--limit)" if found.count > limit else "")
    print_line(f"{number(found.count, 'occurrence')}{place}")
    for hit in found:
        print_line()
        print_line(f"document {hit.document_id}  {metadata_line(hit.metadata)}".rstrip())
        for line in _snippet_lines(hit):
            print_text(line)


def _snippet_lines(hit: SearchHit) -> list[Text]:
    """The snippet with its match highlighted; each line behind a bar, so that no corpus text can pass for ours."""
    from rich.text import Text

    start, end = hit.snippet_match_start, hit.snippet_match_end
    parts = ((hit.snippet[:start], ""), (hit.snippet[start:end], "bold reverse"), (hit.snippet[end:], ""))
    shown = [Text.assemble(("  │ ", "dim"))]
    for part, style in parts:
        first, *others = lines(part)
        shown[-1].append(first, style=style)
        shown += [Text.assemble(("  │ ", "dim"), (line, style)) for line in others]
    return shown
