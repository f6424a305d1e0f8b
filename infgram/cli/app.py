"""The command `infgram`: its commands, and the one place where an error becomes a line and an exit code."""

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
from infgram.errors import InfgramError

_HELP: Final = """Exact n-gram and ∞-gram statistics over any corpus.

Build an index of a corpus once; then count strings of any length, see what follows them, score texts and find
documents, in milliseconds. Answers go to standard output, messages and progress to standard error.
"""

_START_HERE: Final = """
infgram demo                             # index Python's own library, serve it
infgram build corpus/ -o corpus.infgram  # once; then ask
infgram count corpus.infgram "natural language"
infgram next corpus.infgram "natural language"
infgram next --help                      # each command has examples
"""


_USAGE_ERROR: Final[Any] = typer.BadParameter.__base__  # of Typer's own copy of click, or of click: by version


class _Entry(NamedTuple):
    """Where a command is defined, as the function that has the name of its module, and what the help says of it."""

    module: str
    summary: str


COMMANDS: Final[Mapping[str, _Entry]] = {
    "build": _Entry("build", "Index a corpus of text files, JSON lines, tables or token ids."),
    "info": _Entry("info", "Show what an index holds and where its bytes are."),
    "verify": _Entry("verify", "Check every byte of an index."),
    "count": _Entry("count", "Count how often a text occurs, exactly."),
    "next": _Entry("next_token", "Show which tokens follow a text, counted exactly."),
    "score": _Entry("score", "Give each token of a text its ∞-gram probability."),
    "search": _Entry("search", "Find the documents that hold a text, or several."),
    "document": _Entry("document", "Print one document of the corpus."),
    "trace": _Entry("trace", "Find the passages of a text that occur in the corpus, and documents that hold them."),
    "novelty": _Entry("novelty", "Measure how much of a text is new to the corpus."),
    "overlap": _Entry("overlap", "Compare a test set with the corpus, and say which items are contaminated."),
    "eval": _Entry("evaluate", "Measure language models on a text: of the index, a neural one, and mixtures."),
    "dedup": _Entry(
        "dedup", "Find the passages that occur more than once in a corpus, and write the corpus without them."
    ),
    "plan": _Entry("plan", "Plan an index that takes many machines: how many, how long, at what cost, how fast."),
    "serve": _Entry("serve", "Serve indexes over HTTP, with a page to ask them."),
    "api-key": _Entry("api_key", "Make a key for the service, and print it once."),
    "demo": _Entry("demo", "Index Python's own library, ask it, serve it."),
}
"""All commands, in the order of the help; the module of one is imported when it is run."""


class _Loaded(Mapping[str, Any]):
    """The commands by name, each imported when it is looked up."""

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
    alone = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    alone.command(name, epilog=_as_it_stands("Examples", module.EXAMPLES))(getattr(module, COMMANDS[name].module))
    return get_command(alone)


class Commands(TyperGroup):
    """The group of commands, which turns errors into one line and the right exit code."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands: Any = _Loaded()

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, in the order of the help."""
        return list(COMMANDS)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write what each command does, without importing it."""
        summaries = {name: TyperCommand(name, help=entry.summary) for name, entry in COMMANDS.items()}
        TyperGroup(commands=summaries).format_commands(ctx, formatter)  # type: ignore[arg-type]

    def main(self, *args: Any, **options: Any) -> Any:
        """Read the command line and run it; what fails here failed while the help was written."""
        try:
            prepare_streams()
            return super().main(*args, **options)
        except OSError as error:
            abandon_standard_output()
            sys.exit(_failed(exit_codes.MACHINE, _text(error)).exit_code)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # here, where a reader that went away is noticed

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
            raise _failed(exit_codes.MACHINE, "out of memory; close other programs or use a larger machine") from error
        except KeyboardInterrupt as error:
            raise _failed(exit_codes.INTERRUPTED, "interrupted") from error
        except OSError as error:
            abandon_standard_output()
            raise _failed(exit_codes.MACHINE, _text(error)) from error
        finally:
            logger.removeHandler(warnings)
        return answer


def _hint_at(error: Any) -> None:
    """What helps with the two ways in which a text of a question is mistaken for something else."""
    context, wrong = error.ctx, str(error)
    if context is None or all(parameter.name != "text" for parameter in context.command.params):
        return
    if wrong.startswith("No such option"):
        note(f"a text that begins with a dash goes after --, as in: infgram {context.command.name} INDEX -- -x")
    elif "unexpected extra argument" in wrong:
        note("a text with spaces goes between quotation marks")


def _failed(code: int, text: str) -> typer.Exit:
    message("error", text)
    return typer.Exit(code)


def _text(error: Exception) -> str:
    """The message; of an error of the operating system, without its number."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


def _as_it_stands(heading: str, text: str) -> str:
    r"""A heading and lines for the help, which `\b` keeps from being filled into one paragraph."""
    lines = "\n".join(f"  {line}" for line in text.strip("\n").splitlines())
    return f"\b\n{heading}:\n{lines}"


app = typer.Typer(
    name="infgram",
    cls=Commands,
    help=_HELP,
    epilog=f"{_as_it_stands('Start here', _START_HERE)}\n\n{_as_it_stands('Exit codes', exit_codes.table())}",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=lambda wanted: _show_version(wanted), help="The version."),
    ] = False,
) -> None:
    """Options of infgram itself; the help stands in `app`."""


def _show_version(wanted: bool) -> None:
    if wanted:
        from infgram import __version__

        typer.echo(f"infgram {__version__}")
        raise typer.Exit


def main() -> None:
    """The entry point of the command `infgram`."""
    app()
