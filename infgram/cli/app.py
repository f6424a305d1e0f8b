"""The `infgram` command: its subcommands, and how errors become one line and an exit code."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Annotated, Any, Final, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from infgram.cli import exit_codes
from infgram.cli.output import WarningsToStandardError, abandon_standard_output, message, note, prepare_streams
from infgram.cli.signals import exit_code, exit_if_received, handle_signals
from infgram.errors import InfgramError

_HELP: Final = """Build exact indexes of text corpora, and query n-grams of any length.

Build an index of a corpus once. Then count strings of any length, show the tokens that follow them, score texts and
find documents, in milliseconds. Results go to standard output; messages and progress go to standard error.
"""

_START_HERE: Final = """
infgram demo                             # index Python's library, serve it
infgram build corpus/ -o corpus.infgram  # once, before queries
infgram count corpus.infgram "natural language"
infgram next corpus.infgram "natural language"
infgram next --help                      # each command has examples
"""


_USAGE_ERROR: Final[Any] = typer.BadParameter.__base__  # click's UsageError, or Typer's copy of it, by version


class _Entry(NamedTuple):
    """The module of a command, which has a function of the same name, and the command's line in the help."""

    module: str
    summary: str


COMMANDS: Final[Mapping[str, _Entry]] = {
    "build": _Entry("build", "Build an index of text files, JSON lines, tables or token ids."),
    "add": _Entry("add", "Add documents to an index."),
    "delete": _Entry("delete", "Delete documents from an index."),
    "compact": _Entry("compact", "Write an index again without deleted documents, in few shards."),
    "convert": _Entry("convert", "Convert an index that infini-gram made."),
    "info": _Entry("info", "Show the contents of an index and the size of each section."),
    "verify": _Entry("verify", "Check every byte of an index."),
    "count": _Entry("count", "Count the exact number of occurrences of a text."),
    "next": _Entry("next_token", "Show the tokens that follow a text, with exact counts."),
    "score": _Entry("score", "Compute the ∞-gram probability of each token of a text."),
    "search": _Entry("search", "Find the documents that contain a text or match a query."),
    "document": _Entry("document", "Print one document of the corpus."),
    "trace": _Entry("trace", "Find passages of a text in the corpus, and their documents."),
    "novelty": _Entry("novelty", "Measure how much of a text does not occur in the corpus."),
    "overlap": _Entry("overlap", "Measure the contamination of a test set by the corpus."),
    "eval": _Entry("evaluate", "Evaluate n-gram models, a neural model and their mixtures."),
    "dedup": _Entry("dedup", "Find duplicate passages, and write the corpus without them."),
    "export": _Entry("export", "Write the documents or tokens of an index to a file."),
    "plan": _Entry("plan", "Estimate the machines, time and cost of a large index."),
    "serve": _Entry("serve", "Serve indexes over HTTP, with a web page for queries."),
    "mcp": _Entry("mcp", "Serve indexes as tools to language models (MCP)."),
    "api-key": _Entry("api_key", "Create an API key for the service."),
    "demo": _Entry("demo", "Index Python's standard library, query it and serve it."),
}
"""All commands, in the order of the help. A command's module is imported when the command runs."""


class _Loaded(Mapping[str, Any]):
    """A mapping from names to commands, which imports each command on first use."""

    def __getitem__(self, name: str) -> Any:
        return _command(name)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)

    def __contains__(self, name: object) -> bool:
        return name in COMMANDS


@cache
def _command(name: str) -> Any:
    module = import_module(f"infgram.cli.{COMMANDS[name].module}")
    single = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    single.command(name, epilog=_verbatim("Examples", module.EXAMPLES))(getattr(module, COMMANDS[name].module))
    return get_command(single)


class Commands(TyperGroup):
    """The group of commands, which turns errors into one line and an exit code."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands: Any = _Loaded()

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the order of the help."""
        return list(COMMANDS)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the summary of each command without importing it."""
        summaries = {name: TyperCommand(name, help=entry.summary) for name, entry in COMMANDS.items()}
        TyperGroup(commands=summaries).format_commands(ctx, formatter)  # type: ignore[arg-type]

    def main(self, *args: Any, **options: Any) -> Any:
        """Parse the command line and run it. An OSError here comes from writing the help."""
        try:
            prepare_streams()
            return super().main(*args, **options)
        except OSError as error:
            abandon_standard_output()
            sys.exit(_failed(exit_codes.SYSTEM_ERROR, _text(error)).exit_code)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # inside `finally`, so that a closed pipe is handled

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        warnings = WarningsToStandardError()
        logger = logging.getLogger("infgram")
        logger.addHandler(warnings)
        try:
            answer = super().invoke(ctx)
            sys.stdout.flush()
        except _USAGE_ERROR as error:
            _hint_at(error)
            raise
        except InfgramError as error:
            raise _failed(exit_codes.code_of(error), _text(error)) from error
        except MemoryError as error:
            raise _failed(
                exit_codes.SYSTEM_ERROR, "out of memory; close other programs or use a larger machine"
            ) from error
        except KeyboardInterrupt as error:
            raise _failed(exit_code(), "interrupted") from error
        except OSError as error:
            abandon_standard_output()
            raise _failed(exit_codes.SYSTEM_ERROR, _text(error)) from error
        finally:
            logger.removeHandler(warnings)
        return answer


def _hint_at(error: Any) -> None:
    """Print a note where a text was parsed as an option or as several arguments."""
    context, wrong = error.ctx, str(error)
    if context is None or all(parameter.name != "text" for parameter in context.command.params):
        return
    if wrong.startswith("No such option"):
        note(f"put -- before a text that begins with a dash, for example: infgram {context.command.name} INDEX -- -x")
    elif "unexpected extra argument" in wrong:
        note("put quotation marks around a text with spaces")


def _failed(code: int, text: str) -> typer.Exit:
    message("error", text)
    return typer.Exit(code)


def _text(error: Exception) -> str:
    """Return the message of an error, without the error number of an OSError."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


def _verbatim(heading: str, text: str) -> str:
    r"""Return a section of the help whose lines are not wrapped, which `\b` tells click."""
    lines = "\n".join(f"  {line}" for line in text.strip("\n").splitlines())
    return f"\b\n{heading}:\n{lines}"


app = typer.Typer(
    name="infgram",
    cls=Commands,
    help=_HELP,
    epilog=f"{_verbatim('Start here', _START_HERE)}\n\n{_verbatim('Exit codes', exit_codes.table())}",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            is_eager=True,
            callback=lambda wanted: _show_version(wanted),
            help="Print the version and exit.",
        ),
    ] = False,
) -> None:
    """Declare the options of `infgram` itself. Its help text is in `app`."""


def _show_version(wanted: bool) -> None:
    if wanted:
        from infgram import __version__

        typer.echo(f"infgram {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the `infgram` command."""
    handle_signals()
    try:
        app()
    finally:
        exit_if_received()
