"""`infgram serve`: indexes behind HTTP."""

from __future__ import annotations

import contextlib
import importlib
import os
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer

from infgram.cli.in_cluster import spread
from infgram.cli.options import JsonOption
from infgram.cli.output import print_json, print_line
from infgram.errors import MissingExtraError, StorageError

EXAMPLES = """
infgram serve corpus.infgram
infgram serve news.infgram books.infgram --port 9000
infgram serve a.infgram b.infgram --name news --name books
infgram serve corpus.infgram --host 0.0.0.0 --workers 2 --api-keys-file keys.txt
infgram serve corpus.infgram --trusted-proxies 10.0.0.0/8
infgram serve s3://bucket/corpus.infgram --engine ray --replicas 2
curl -H 'Content-Type: application/json' -d '{"query": "natural language"}' \\
     http://127.0.0.1:8000/v1/indexes/corpus/count
"""

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8000


def serve(
    indexes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[INDEX]...",
            help="The folders or URLs of one index or several; or name them in --config.",
            show_default=False,
        ),
    ] = None,
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
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, metavar="N", help="Processes that answer, on the same mapped files; 1."),
    ] = None,
    load: Annotated[
        str | None,
        typer.Option("--load", metavar="map|warm|ram", help="How indexes are held, as in infgram.open; map."),
    ] = None,
    engine: Annotated[
        str,
        typer.Option(
            "--engine",
            metavar="local|ray",
            help="Where the shards are held: on this machine, or spread over the Ray cluster that it belongs to.",
        ),
    ] = "local",
    replicas: Annotated[
        int | None,
        typer.Option("--replicas", min=1, metavar="N", help="With --engine ray: who holds each shard, so many; 1."),
    ] = None,
    api_keys_file: Annotated[
        Path | None,
        typer.Option("--api-keys-file", metavar="FILE", help="Who may ask: keys, as infgram api-key adds them."),
    ] = None,
    requests_per_s: Annotated[
        float | None,
        typer.Option("--requests-per-s", metavar="N", help="Of each key, or of each client where there are no keys."),
    ] = None,
    trusted_proxies: Annotated[
        str | None,
        typer.Option(
            "--trusted-proxies",
            metavar="LIST",
            help="Proxies in front that may say whose request it is (X-Forwarded-For, Forwarded): their addresses and "
            "networks, as 10.0.0.0/8,::1, or how many every request comes through; none.",
        ),
    ] = None,
    cors_origins: Annotated[
        list[str] | None,
        typer.Option("--cors-origin", metavar="ORIGIN", help="A site whose pages may ask; may be repeated."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", envvar="INFGRAM_CONFIG", help="A TOML file with any setting."),
    ] = None,
    log_requests: Annotated[
        bool | None,
        typer.Option("--log-requests/--no-log-requests", help="A line of JSON a request on standard error; on."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Serve indexes over HTTP, with a page to ask them.

    Needs the extra service: pip install 'infgram[service]'. Every setting can also stand in the environment, as
    INFGRAM_PORT, or in the file of --config. Ctrl-C stops the service after what is under way. SIGHUP, or POST
    /v1/admin/reload, puts an index that was built anew in the place of the old one, without a pause.

    With --engine ray the shards of each index are spread over the nodes of a Ray cluster (RAY_ADDRESS, or the one of
    this machine), which hold them until the service stops; an index that was built anew is served after a new start.
    Without a cluster, one is started on this machine as long as the service runs. Needs the extra ray.

    JSON, once it answers: url, indexes (their names).
    """
    if engine not in ("local", "ray"):
        raise typer.BadParameter(f"{engine!r}; expected local or ray", param_hint="--engine")
    if replicas is not None and engine != "ray":
        raise typer.BadParameter("expected --engine ray with it", param_hint="--replicas")

    def announce(url: str, served: list[str]) -> None:
        if as_json:
            print_json({"url": url, "indexes": served})
        else:
            print_line(f"Serving {', '.join(served)} at {url} (open it in a browser; Ctrl-C stops)")

    given = {
        "host": host,
        "port": port,
        "workers": workers,
        "load": load,
        "api_keys_file": api_keys_file,
        "requests_per_s": requests_per_s,
        "trusted_proxies": trusted_proxies,
        "cors_origins": tuple(cors_origins) if cors_origins else None,
        "log_requests": log_requests,
    }
    n_replicas = (replicas or 1) if engine == "ray" else 0
    start(indexes or [], names or [], given, announce, config=config, n_replicas=n_replicas)


def start(
    indexes: Sequence[str | os.PathLike[str]],
    names: list[str],
    given: dict[str, Any],
    announce: Callable[[str, list[str]], None],
    *,
    config: Path | None = None,
    n_replicas: int = 0,
) -> None:
    """Run the service until it is stopped.

    Args:
        indexes: folders or URLs.
        names: one for each, or none.
        given: settings; None leaves the choice to the environment, the file and the defaults.
        announce: called with the address and the names of the indexes once it answers.
        config: a TOML file of settings.
        n_replicas: who is to hold each shard in a Ray cluster; 0 for this machine.

    Raises:
        typer.BadParameter: there is no index, the names do not fit, or a setting is unknown or out of range.
        MissingExtraError: the service is not installed.
        StorageError: the address cannot be listened at.
    """
    service = load_service()
    chosen = {name: value for name, value in given.items() if value is not None}
    if names and not indexes:
        raise typer.BadParameter("expected an INDEX for each; --config names its own", param_hint="--name")
    if indexes:
        chosen["indexes"] = _named(service, indexes, names)
    try:
        settings = service.settings_from(config, **chosen)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    except OSError as error:
        raise typer.BadParameter(f"--config {config}: {error.strerror or error}") from error
    if not settings.indexes:
        raise typer.BadParameter("there is no index to serve; name one: infgram serve INDEX")

    def announce_now(url: str) -> None:
        with contextlib.suppress(SystemExit):  # nobody reads the line; a service goes on without its standard output
            announce(url, list(settings.indexes))
            sys.stdout.flush()

    if n_replicas == 0:
        service.run(settings, announce=announce_now)
        return
    if settings.port:
        check_port(settings.host, settings.port)  # before any shard is brought
    with spread(settings.indexes, settings.load, n_replicas) as urls:
        service.run(settings.model_copy(update={"indexes": urls}), announce=announce_now)


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


def _named(service: ModuleType, indexes: Sequence[str | os.PathLike[str]], names: list[str]) -> dict[str, Any]:
    if not names:
        named: dict[str, Any] = service.names_of(indexes)
        return named
    if len(names) != len(indexes) or len(set(names)) != len(names):
        raise typer.BadParameter(
            f"{len(names)} for {len(indexes)} indexes; expected a different name for each INDEX, in their order",
            param_hint="--name",
        )
    return dict(zip(names, indexes, strict=True))
