"""Import Ray, and connect to a cluster or start one."""

from __future__ import annotations

import importlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from infgram.errors import MissingExtraError, ShardUnavailableError

_ADDRESS: Final = "RAY_ADDRESS"
_LOOPBACK: Final = "127.0.0.2"  # unreachable from other machines; Ray replaces 127.0.0.1 by the machine's own address
_REACHABLE_S: Final = 10.0

_logger = logging.getLogger("infgram.cluster")

NAMESPACE: Final = "infgram"
"""The Ray namespace of all actors of infgram."""


def ray_module() -> Any:
    """Import Ray, with its usage statistics disabled unless the environment enables them.

    Raises:
        MissingExtraError: Ray is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise MissingExtraError(
            f"a cluster requires the package ray ({error}); install it with: pip install 'infgram[ray]'"
        ) from error


def connected(address: str | None = None, *, start: bool = False) -> Any:
    """Connect this process to a cluster, unless it is connected already, and return the module `ray`.

    Args:
        address: `ADDRESS:PORT`; None for `RAY_ADDRESS`, or else the cluster that runs on this machine.
        start: whether to start a cluster on this machine if none is named and none runs here. It stops with this
            process, or with `ray.shutdown()`.

    Raises:
        ShardUnavailableError: no cluster can be reached.
        MissingExtraError: Ray is not installed.
    """
    ray = ray_module()
    if ray.is_initialized():
        return ray
    named = address or os.environ.get(_ADDRESS)
    try:
        _check_reachable(named)
        _initialize(ray, address or "auto")
    except (OSError, RuntimeError, ValueError) as error:
        if named or not (start and isinstance(error, ConnectionError)):
            raise ShardUnavailableError(
                f"there is no Ray cluster {_place(address)} ({error}); start one: run `ray start --head` here, and "
                "`ray start --address=HEAD:PORT` on each other machine"
            ) from error
        _initialize(ray, "local", include_dashboard=False, _node_ip_address=_LOOPBACK)
        _logger.warning("no Ray cluster is running; started one on this machine, which stops with this command")
    return ray


@contextmanager
def connection() -> Iterator[Any]:
    """Connect as `connected(start=True)` does; stop a cluster at the end of the block that started it."""
    was_connected = ray_module().is_initialized()
    ray = connected(start=True)
    is_ours = not was_connected and ray.get_runtime_context().gcs_address.startswith(f"{_LOOPBACK}:")
    before = os.environ.get(_ADDRESS)
    if is_ours:
        os.environ[_ADDRESS] = ray.get_runtime_context().gcs_address  # for child processes
    try:
        yield ray
    finally:
        if is_ours:
            if before is None:
                del os.environ[_ADDRESS]
            ray.shutdown()


def _check_reachable(address: str | None) -> None:
    """Raise OSError if nothing listens at `HOST:PORT`; Ray itself would wait for minutes."""
    host, _, port = (address or "").rpartition(":")
    if host and port.isdecimal() and "://" not in host:
        socket.create_connection((host, int(port)), timeout=_REACHABLE_S).close()


def _initialize(ray: Any, address: str, **options: Any) -> None:
    on_sigterm = signal.getsignal(signal.SIGTERM)
    ray.init(address=address, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.ERROR, **options)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, on_sigterm)  # Ray installs its own handler


def _place(address: str | None) -> str:
    """Describe where the cluster was expected."""
    if address:
        return f"at {address}"
    variable = os.environ.get(_ADDRESS)
    return f"at {variable}, which {_ADDRESS} names" if variable else "on this machine"
