"""The command `infgram`: its commands, and the one place where an error becomes a line and an exit code."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from infgram.cli import (
    api_key,
    build,
    count,
    dedup,
    demo,
    document,
    evaluate,
    exit_codes,
    info,
    next_token,
    novelty,
    overlap,
    plan,
    score,
    search,
    serve,
    trace,
    verify,
)
from infgram.cli.output import WarningsToStandardError, message, note, prepare_streams
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


class Commands(TyperGroup):
    """The group of commands, which turns errors into one line and the right exit code."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Read the command line and run it; what fails here failed while the help was written."""
        try:
            prepare_streams()
            return super().main(*args, **options)
        except OSError as error:
            _abandon_standard_output()
            sys.exit(_failed(exit_codes.MACHINE, _text(error)).exit_code)

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        warnings = WarningsToStandardError()
        logger = logging.getLogger("infgram")
        logger.addHandler(warnings)
        try:
            answer = super().invoke(ctx)
            sys.stdout.flush()
        except _USAGE_ERROR as error:
            _hint_at(str(error))
            raise
        except InfgramError as error:
            raise _failed(exit_codes.code_of(error), _text(error)) from error
        except MemoryError as error:
            raise _failed(exit_codes.MACHINE, "out of memory; close other programs or use a larger machine") from error
        except KeyboardInterrupt as error:
            raise _failed(exit_codes.INTERRUPTED, "interrupted") from error
        except BrokenPipeError as error:
            _abandon_standard_output()
            raise typer.Exit(exit_codes.PIPE_CLOSED) from error
        except OSError as error:
            _abandon_standard_output()
            raise _failed(exit_codes.MACHINE, _text(error)) from error
        finally:
            logger.removeHandler(warnings)
        return answer


def _hint_at(wrong: str) -> None:
    """What helps with the two ways in which a text of a question is mistaken for something else."""
    if wrong.startswith("No such option"):
        note("a text that begins with a dash goes after --, as in: infgram count INDEX -- -x")
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


def _abandon_standard_output() -> None:
    """Nobody reads what is still to be written; Python would complain once more at exit."""
    closed_or_no_file = (AttributeError, io.UnsupportedOperation)
    with contextlib.suppress(*closed_or_no_file), open(os.devnull, "w") as devnull:
        os.dup2(devnull.fileno(), sys.stdout.fileno())


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

_COMMANDS: Final[tuple[tuple[str, Callable[..., None], str], ...]] = (
    ("build", build.build, build.EXAMPLES),
    ("info", info.info, info.EXAMPLES),
    ("verify", verify.verify, verify.EXAMPLES),
    ("count", count.count, count.EXAMPLES),
    ("next", next_token.next_token, next_token.EXAMPLES),
    ("score", score.score, score.EXAMPLES),
    ("search", search.search, search.EXAMPLES),
    ("document", document.document, document.EXAMPLES),
    ("trace", trace.trace, trace.EXAMPLES),
    ("novelty", novelty.novelty, novelty.EXAMPLES),
    ("overlap", overlap.overlap, overlap.EXAMPLES),
    ("eval", evaluate.evaluate, evaluate.EXAMPLES),
    ("dedup", dedup.dedup, dedup.EXAMPLES),
    ("plan", plan.plan, plan.EXAMPLES),
    ("serve", serve.serve, serve.EXAMPLES),
    ("api-key", api_key.api_key, api_key.EXAMPLES),
    ("demo", demo.demo, demo.EXAMPLES),
)


for _name, _command, _examples in _COMMANDS:
    app.command(_name, epilog=_as_it_stands("Examples", _examples))(_command)


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
