"""The one place that loads Ray and connects to a cluster."""

from __future__ import annotations

import importlib
import logging
import os
import signal
import threading
from typing import Any, Final

from infgram.errors import MissingExtraError, ShardUnavailableError

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


def connected(address: str | None = None) -> Any:
    """Ray, with this process connected to a cluster; a connection that there is, is kept.

    Args:
        address: `ADDRESS:PORT`; None for `RAY_ADDRESS`, or the cluster that runs on this machine.

    Raises:
        ShardUnavailableError: there is no cluster.
        MissingExtraError: Ray is not installed.
    """
    ray = ray_module()
    if not ray.is_initialized():
        on_sigterm = signal.getsignal(signal.SIGTERM)
        try:
            ray.init(address=address or "auto", namespace=NAMESPACE, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
            raise ShardUnavailableError(
                f"there is no Ray cluster {f'at {address}' if address else 'on this machine'} ({error}); start one: "
                "ray start --head, then on each other machine ray start --address=HEAD:PORT"
            ) from error
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, on_sigterm)  # Ray puts a handler of its own there
    return ray
