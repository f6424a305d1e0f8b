"""`infgram serve`: serve indexes over HTTP."""

from __future__ import annotations

import contextlib
import importlib
import os
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, TypeAlias

import typer

from infgram.cli.in_cluster import spread
from infgram.cli.options import JsonOption
from infgram.cli.output import print_json, print_line
from infgram.errors import MissingExtraError, StorageError
from infgram.infini_gram import is_infini_gram

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

ServedArgument: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[INDEX]...",
        help="The folders or URLs of the indexes; by default those of --config.",
        show_default=False,
    ),
]
NamesOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--name",
        metavar="NAME",
        help="The name of an index for clients, once per INDEX; by default its folder name without .infgram.",
    ),
]
ServedTokenizerOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--tokenizer",
        metavar="TOKENIZER",
        help="The tokenizer of each INDEX that infini-gram made; if they differ, use tokenizers in --config.",
    ),
]
LoadOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--load", metavar="map|warm|ram", help="How index files are loaded, as in infgram.open; by default map."
    ),
]
ConfigOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", envvar="INFGRAM_CONFIG", help="A TOML file with settings."),
]


def serve(
    indexes: ServedArgument = None,
    host: Annotated[
        str | None,
        typer.Option(
            "--host", metavar="ADDRESS", help="The address to listen on; by default 127.0.0.1 (this machine only)."
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            min=0,
            max=65535,
            metavar="PORT",
            help="The port to listen on; by default 8000. 0 chooses a free one.",
        ),
    ] = None,
    names: NamesOption = None,
    tokenizer: ServedTokenizerOption = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", min=1, metavar="N", help="Number of processes, which share the mapped files; by default 1."
        ),
    ] = None,
    load: LoadOption = None,
    engine: Annotated[
        str,
        typer.Option(
            "--engine",
            metavar="local|ray",
            help="Serve the shards from this machine, or from the nodes of a Ray cluster.",
        ),
    ] = "local",
    replicas: Annotated[
        int | None,
        typer.Option(
            "--replicas", min=1, metavar="N", help="Number of replicas of each shard with --engine ray; by default 1."
        ),
    ] = None,
    api_keys_file: Annotated[
        Path | None,
        typer.Option(
            "--api-keys-file", metavar="FILE", help="Require an API key of this file, which infgram api-key writes."
        ),
    ] = None,
    requests_per_s: Annotated[
        float | None,
        typer.Option(
            "--requests-per-s", metavar="N", help="Rate limit per API key, or per client if there are no keys."
        ),
    ] = None,
    trusted_proxies: Annotated[
        str | None,
        typer.Option(
            "--trusted-proxies",
            metavar="LIST",
            help="Reverse proxies whose X-Forwarded-For and Forwarded headers are trusted: addresses and networks, for "
            "example 10.0.0.0/8,::1, or the number of proxies that each request passes; by default none.",
        ),
    ] = None,
    cors_origins: Annotated[
        list[str] | None,
        typer.Option("--cors-origin", metavar="ORIGIN", help="A web origin that may send requests; may be repeated."),
    ] = None,
    config: ConfigOption = None,
    log_requests: Annotated[
        bool | None,
        typer.Option(
            "--log-requests/--no-log-requests",
            help="Log each request as a line of JSON on standard error; by default on.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Serve indexes over HTTP, with a web page for queries.

    Install the service with pip install 'infgram[service]', and Ray with pip install 'infgram[ray]'. Settings can also
    be given as environment variables, such as INFGRAM_PORT, or in the file of --config: for example the limits on
    connections and times, INFGRAM_MAX_CONNECTIONS and INFGRAM_HEADER_TIMEOUT_S. Ctrl-C stops the service when
    the running requests are finished. To replace an index by a new build without downtime, send SIGHUP or POST
    /v1/admin/reload.

    With --engine ray the shards of each index are loaded on the nodes of a Ray cluster until the service stops. The
    cluster is that of RAY_ADDRESS, or the one that runs on this machine; otherwise one is started for the service.
    Restart the service to serve a new build.

    JSON, once the service is ready: url, indexes (their names).
    """
    if engine not in ("local", "ray"):
        raise typer.BadParameter(f"{engine!r} is not an engine; expected local or ray", param_hint="--engine")
    if replicas is not None and engine != "ray":
        raise typer.BadParameter("--replicas needs --engine ray", param_hint="--replicas")

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
    start(indexes or [], names or [], given, announce, tokenizer=tokenizer, config=config, n_replicas=n_replicas)


def start(
    indexes: Sequence[str | os.PathLike[str]],
    names: list[str],
    given: dict[str, Any],
    announce: Callable[[str, list[str]], None],
    *,
    tokenizer: str | None = None,
    config: Path | None = None,
    n_replicas: int = 0,
) -> None:
    """Run the service until it is stopped.

    Args:
        indexes: folders or URLs.
        names: one name per index, or none.
        given: settings. For None the environment, the file of settings or the default applies.
        announce: called with the URL and the names of the indexes once the service is ready.
        tokenizer: the tokenizer of the indexes that infini-gram made.
        config: a TOML file of settings.
        n_replicas: the number of replicas of each shard in a Ray cluster; 0 serves from this machine.

    Raises:
        typer.BadParameter: there is no index, the names do not match the indexes, or a setting is invalid.
        MissingExtraError: the service is not installed.
        StorageError: the service cannot listen at the address.
    """
    service = load_service()
    settings = settings_of(service, indexes, names, given, tokenizer=tokenizer, config=config)

    def announce_now(url: str) -> None:
        with contextlib.suppress(SystemExit):  # the pipe is closed; the service continues
            announce(url, list(settings.indexes))
            sys.stdout.flush()

    if n_replicas == 0:
        service.run(settings, announce=announce_now)
        return
    if settings.port:
        check_port(settings.host, settings.port)  # fail before shards are loaded
    with spread(settings.indexes, settings.load, n_replicas) as urls:
        service.run(settings.model_copy(update={"indexes": urls}), announce=announce_now)


def settings_of(
    service: ModuleType,
    indexes: Sequence[str | os.PathLike[str]],
    names: list[str],
    given: dict[str, Any],
    *,
    tokenizer: str | None,
    config: Path | None,
) -> Any:
    """Return the settings of the service; the arguments are those of `start`.

    Raises:
        typer.BadParameter: there is no index, the names do not match the indexes, or a setting is invalid.
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    if names and not indexes:
        raise typer.BadParameter(
            "--name needs an INDEX; indexes of --config have their names there", param_hint="--name"
        )
    if indexes:
        chosen["indexes"] = named = _named(service, indexes, names)
        if tokenizer is not None:
            theirs = [name for name, path in named.items() if is_infini_gram(Path(path))]
            chosen["tokenizers"] = dict.fromkeys(theirs, tokenizer)
    try:
        settings = service.settings_from(config, **chosen)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    except OSError as error:
        raise typer.BadParameter(f"--config {config}: {error.strerror or error}") from error
    if not settings.indexes:
        raise typer.BadParameter("there is no index to serve; pass one as INDEX")
    return settings


def load_service() -> ModuleType:
    """Import the service by name, since the library does not depend on it.

    Raises:
        MissingExtraError: the service or one of its dependencies is not installed.
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
    """Check that the port is free, before long work.

    Raises:
        StorageError: another program uses the port, or the address is not of this machine.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise StorageError(
            f"cannot listen at {host}, port {port}: {error.strerror or error}; choose another port with --port, or "
            "stop the program that uses this one"
        ) from error


def _named(service: ModuleType, indexes: Sequence[str | os.PathLike[str]], names: list[str]) -> dict[str, Any]:
    if not names:
        named: dict[str, Any] = service.names_of(indexes)
        return named
    if len(names) != len(indexes) or len(set(names)) != len(names):
        raise typer.BadParameter(
            f"found {len(names)} names for {len(indexes)} indexes; expected a different name per INDEX, in order",
            param_hint="--name",
        )
    return dict(zip(names, indexes, strict=True))
