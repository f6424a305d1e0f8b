"""`infgram serve`: indexes behind HTTP."""

from __future__ import annotations

import importlib
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer

from infgram.cli.options import JsonOption
from infgram.cli.output import print_json, print_line
from infgram.errors import MissingExtraError, StorageError

EXAMPLES = """
infgram serve corpus.infgram
infgram serve news.infgram books.infgram --port 9000
infgram serve a.infgram b.infgram --name news --name books
curl -H 'Content-Type: application/json' -d '{"query": "natural language"}' \\
     http://127.0.0.1:8000/v1/indexes/corpus/count
"""

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8000


def serve(
    indexes: Annotated[
        list[Path], typer.Argument(metavar="INDEX", help="The folders of one index or several.", show_default=False)
    ],
    host: Annotated[
        str | None,
        typer.Option(
            "--host", metavar="ADDRESS", help="Where to listen: 127.0.0.1 (this machine only) unless INFGRAM_HOST says."
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65535, metavar="PORT", help="8000 unless INFGRAM_PORT says; 0: a free one."),
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Option(
            "--name",
            metavar="NAME",
            help="The index's name in the address, once for each INDEX; else its folder's, without .infgram.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Serve indexes over HTTP, with a page to ask them.

    Needs the extra service: pip install 'infgram[service]'. Every setting can also stand in the environment, as
    INFGRAM_PORT. Ctrl-C stops the service after what is under way.

    JSON, once it answers: url, indexes (their names).
    """

    def announce(url: str, served: list[str]) -> None:
        if as_json:
            print_json({"url": url, "indexes": served})
        else:
            print_line(f"Serving {', '.join(served)} at {url} (open it in a browser; Ctrl-C stops)")

    start(indexes, names or [], {"host": host, "port": port}, announce)


def start(
    indexes: list[Path], names: list[str], address: dict[str, Any], announce: Callable[[str, list[str]], None]
) -> None:
    """Run the service until it is stopped.

    Args:
        indexes: folders.
        names: one for each, or none.
        address: `host` and `port`; None leaves the choice to the environment and the defaults.
        announce: called with the address and the names of the indexes once it answers.

    Raises:
        typer.BadParameter: the names do not fit, or a setting is out of range.
        MissingExtraError: the service is not installed.
        StorageError: the address cannot be listened at.
    """
    service = load_service()
    named = _named(service, indexes, names)
    given = {name: value for name, value in address.items() if value is not None}
    try:
        settings = service.Settings(indexes=named, **given)
    except ValueError as error:  # pydantic's ValidationError
        raise typer.BadParameter(_reason(error)) from error

    def announce_now(url: str) -> None:
        announce(url, list(named))
        sys.stdout.flush()

    service.run(settings, announce=announce_now)


def load_service() -> ModuleType:
    """The service, by name: the library does not depend on it.

    Raises:
        MissingExtraError: it or what it needs is not installed.
    """
    try:
        return importlib.import_module("infgram.service")
    except MissingExtraError:
        raise
    except ImportError as error:
        raise MissingExtraError(
            f"the service cannot be loaded ({error}); install it with: pip install 'infgram[service]'"
        ) from error


def check_port(host: str, port: int) -> None:
    """Find out before any long work whether the port can be had.

    Raises:
        StorageError: another program has it, or the address is none of this machine's.
    """
    try:
        family, kind, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except OSError as error:
        raise StorageError(
            f"cannot listen at {host}, port {port}: {error.strerror or error}; choose another port with --port, or "
            "stop the program that has this one"
        ) from error


def _named(service: ModuleType, indexes: list[Path], names: list[str]) -> dict[str, Path]:
    if not names:
        named: dict[str, Path] = service.names_of(indexes)
        return named
    if len(names) != len(indexes) or len(set(names)) != len(names):
        raise typer.BadParameter(
            f"{len(names)} for {len(indexes)} indexes; expected a different name for each INDEX, in their order",
            param_hint="--name",
        )
    return dict(zip(names, indexes, strict=True))


def _reason(error: ValueError) -> str:
    errors: list[dict[str, Any]] = error.errors() if hasattr(error, "errors") else []
    found = [
        f"--name {item['loc'][1]!r}: {item['msg']}"
        if item["loc"][-1] == "[key]"
        else f"{item['loc'][0]}: {item['msg']}"
        for item in errors
    ]
    return "; ".join(found) or str(error)
