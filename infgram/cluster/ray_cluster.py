"""The one place that loads Ray and connects to a cluster, or starts one."""

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
_LOOPBACK: Final = "127.0.0.2"  # no other machine reaches it; Ray takes 127.0.0.1 to mean the machine's own address
_REACHABLE_S: Final = 10.0

_logger = logging.getLogger("infgram.cluster")

NAMESPACE: Final = "infgram"
"""Where the cluster keeps the names of our actors."""


def ray_module() -> Any:
    """Ray; usage statistics, which it would send to its makers, are off unless the environment says otherwise.

    Raises:
        MissingExtraError: it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise MissingExtraError(
            f"a cluster cannot be used without the package ray ({error}); install it with: pip install 'infgram[ray]'"
        ) from error


def connected(address: str | None = None, *, start: bool = False) -> Any:
    """Ray, with this process connected to a cluster; a connection that there is, is kept.

    Args:
        address: `ADDRESS:PORT`; None for `RAY_ADDRESS`, or the cluster that runs on this machine.
        start: whether to start a cluster on this machine if none is named and none runs here. It ends with this
            process, or with `ray.shutdown()`.

    Raises:
        ShardUnavailableError: there is no cluster.
        MissingExtraError: Ray is not installed.
    """
    ray = ray_module()
    if ray.is_initialized():
        return ray
    named = address or os.environ.get(_ADDRESS)
    try:
        _check_reachable(named)
        _initialise(ray, address or "auto")
    except (OSError, RuntimeError, ValueError) as error:
        if named or not (start and isinstance(error, ConnectionError)):
            raise ShardUnavailableError(
                f"there is no Ray cluster {_place(address)} ({error}); start one: ray start --head, then on each other "
                "machine ray start --address=HEAD:PORT"
            ) from error
        _initialise(ray, "local", include_dashboard=False, _node_ip_address=_LOOPBACK)
        _logger.warning("no Ray cluster is running; started one on this machine, which ends with this command")
    return ray


@contextmanager
def connection() -> Iterator[Any]:
    """Ray, connected as with `start=True`; a cluster that was started for this block ends with it."""
    was_there = ray_module().is_initialized()
    ray = connected(start=True)
    is_ours = not was_there and ray.get_runtime_context().gcs_address.startswith(f"{_LOOPBACK}:")
    before = os.environ.get(_ADDRESS)
    if is_ours:
        os.environ[_ADDRESS] = ray.get_runtime_context().gcs_address  # for processes that are started meanwhile
    try:
        yield ray
    finally:
        if is_ours:
            if before is None:
                del os.environ[_ADDRESS]
            ray.shutdown()


def _check_reachable(address: str | None) -> None:
    """Raise OSError if nobody listens at `HOST:PORT`, for which Ray itself would wait minutes."""
    host, _, port = (address or "").rpartition(":")
    if host and port.isdecimal() and "://" not in host:
        socket.create_connection((host, int(port)), timeout=_REACHABLE_S).close()


def _initialise(ray: Any, address: str, **options: Any) -> None:
    on_sigterm = signal.getsignal(signal.SIGTERM)
    ray.init(address=address, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.ERROR, **options)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, on_sigterm)  # Ray puts a handler of its own there


def _place(address: str | None) -> str:
    """Where a cluster was expected."""
    if address:
        return f"at {address}"
    variable = os.environ.get(_ADDRESS)
    return f"at {variable}, which {_ADDRESS} names" if variable else "on this machine"
