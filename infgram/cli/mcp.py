"""`infgram mcp`: serve indexes as tools to language models, by the Model Context Protocol."""

from __future__ import annotations

from infgram.cli.serve import (
    ConfigOption,
    LoadOption,
    NamesOption,
    ServedArgument,
    ServedTokenizerOption,
    load_service,
    settings_of,
)

EXAMPLES = """
infgram mcp corpus.infgram
infgram mcp news.infgram books.infgram --load warm
infgram mcp a.infgram b.infgram --name news --name books
"""


def mcp(
    indexes: ServedArgument = None,
    names: NamesOption = None,
    tokenizer: ServedTokenizerOption = None,
    load: LoadOption = None,
    config: ConfigOption = None,
) -> None:
    """Serve indexes as tools to language models (MCP).

    MCP is the Model Context Protocol. Messages are read from standard input, and answered on standard output, until
    standard input ends. The programs that use language models start this command themselves; their settings contain
    the command line. infgram serve offers the same tools over HTTP, at /mcp. Install both with
    pip install 'infgram[mcp]'. Of the settings in --config and in environment variables, those about indexes, limits
    and times apply.
    """
    service = load_service()
    given = {"load": load}
    service.run_stdio(settings_of(service, indexes or [], names or [], given, tokenizer=tokenizer, config=config))
